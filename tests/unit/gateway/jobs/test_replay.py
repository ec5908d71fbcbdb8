import asyncio
from io import BytesIO
from pathlib import Path

import pytest

from fleetserve.asgi import Receive, Scope, Send, send_response
from fleetserve.clock import ManualClock
from fleetserve.config import ServerConfig
from fleetserve.errors import UpstreamError
from gateway.data_routes import RouteTable, data_routes
from gateway.entrance import principal_name
from gateway.jobs import replay as replay_module
from gateway.jobs.replay import Call, Replayer

BODY = b'{"inputs":[1]}'
ROUTES = RouteTable(data_routes(ServerConfig()))


class Route:
    """A forwarder that answers in turn; keeps what it was asked."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []
        self.at_once = self.most = 0
        self.gate: asyncio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.bodies.append(body)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if self.gate is not None:
            await self.gate.wait()
        self.at_once -= 1
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == 0:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise UpstreamError("it broke off")
        headers = [(b"content-type", b"audio/wav"), (b"retry-after", b"7")]
        await send_response(send, status, headers, b"%d" % status)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def call(body: bytes | Path = BODY) -> Call:
    return Call("/predict", "a=1", [("accept", "audio/wav")], "job-1", "user:ada", body)


def replayer(
    route: Route, clock: ManualClock, *, width: int = 4, timeout_s: float = 60.0
) -> Replayer:
    return Replayer(route, ROUTES, clock, width=width, timeout_s=timeout_s)


async def test_request_is_sent_as_it_came(clock: ManualClock) -> None:
    route, out = Route(200), BytesIO()
    answered = await replayer(route, clock).replay(call(), out)
    assert (answered.status, answered.content_type, out.getvalue()) == (200, "audio/wav", b"200")
    scope = route.scopes[0]
    assert (scope["method"], scope["path"], scope["query_string"]) == ("POST", "/predict", b"a=1")
    assert dict(scope["headers"]) == {
        b"accept": b"audio/wav",
        b"content-length": b"14",
        b"x-request-id": b"job-1",
    }
    assert principal_name(scope) == "user:ada"
    assert route.bodies == [BODY]


async def test_body_of_a_file_comes_in_pieces(
    clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "CHUNK", 4)
    path = tmp_path / "body"
    path.write_bytes(BODY)
    route = Route(200)
    await replayer(route, clock).replay(call(path), BytesIO())
    assert route.bodies == [BODY]
    assert dict(route.scopes[0]["headers"])[b"content-length"] == b"14"


@pytest.mark.parametrize("status", [400, 404, 422, 500, 504])
async def test_refusal_is_the_answer(clock: ManualClock, status: int) -> None:
    route = Route(status)
    assert (await replayer(route, clock).replay(call(), BytesIO())).status == status
    assert len(route.scopes) == 1


@pytest.mark.parametrize("first", [503, 0])
async def test_fleet_that_is_full_or_broke_off_is_asked_again(
    clock: ManualClock, first: int
) -> None:
    route, out = Route(first, 200), BytesIO()
    task = asyncio.create_task(replayer(route, clock).replay(call(), out))
    while not task.done():
        await clock.advance(1.0)
    assert (await task).status == 200
    assert out.getvalue() == b"200"
    assert len(route.scopes) == 2


async def test_it_is_asked_again_no_sooner_than_it_said(clock: ManualClock) -> None:
    route = Route(503, 200)
    task = asyncio.create_task(replayer(route, clock).replay(call(), BytesIO()))
    await clock.advance(6.9)
    assert len(route.scopes) == 1
    await clock.advance(0.2)
    assert (await task).status == 200


async def test_waiting_has_an_end(clock: ManualClock) -> None:
    route = Route(503)
    task = asyncio.create_task(replayer(route, clock, timeout_s=30).replay(call(), BytesIO()))
    while not task.done():
        await clock.advance(1.0)
    assert (await task).status == 503
    assert clock.monotonic_s() <= 31


async def test_no_more_than_the_width_are_in_the_fleet(clock: ManualClock) -> None:
    route = Route(200)
    route.gate = asyncio.Event()
    made = replayer(route, clock, width=2)
    tasks = [asyncio.create_task(made.replay(call(), BytesIO())) for _ in range(5)]
    await clock.advance(0.0)
    assert len(route.scopes) == 2
    route.gate.set()
    await asyncio.gather(*tasks)
    assert (len(route.scopes), route.most) == (5, 2)

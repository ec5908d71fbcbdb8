import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from fleetserve.asgi import Message, Receive, Scope, Send
from fleetserve.config import ServerConfig
from fleetserve.errors import UpstreamError
from fleetserve.request_watch import PERIOD_S, RequestWatch
from gateway.bodies import STEP_BYTES, Body, BodyStore
from gateway.carrier import DEADLINE_GRACE_S, Carrier
from gateway.exchange import Exchange, Headers
from gateway.relay import Relay
from tests.unit.gateway.fleet import (
    Client,
    Fleet,
    Gate,
    announced,
    answering,
    failing,
    in_turn,
    streaming,
)

BODY_S = ServerConfig().body_timeout_s


async def settled() -> None:
    """Lets everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


class Carried:
    """A carrier as an ASGI app for one model."""

    def __init__(self, fleet: Fleet, folder: Path, step: int = 100) -> None:
        self.fleet = fleet
        self.bodies = BodyStore(folder, max_body=10 * step, spool_above=step, max_total=20 * step)
        self.watch = RequestWatch(fleet.clock)
        self.carrier = Carrier(fleet.runtime, self.bodies, fleet.dispatcher, self.watch)
        self.fault: Exception | None = None
        self.timeout_s = 10.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.carrier.carry(scope, receive, send, "/predict", self._exchange)

    async def _exchange(self, scope: Scope, sent: Headers, body: Body, relay: Relay) -> Exchange:
        if self.fault is not None:
            raise self.fault
        exchange = self.fleet.exchange(timeout_s=self.timeout_s)
        exchange.body = body
        return exchange

    def line(self) -> dict[str, Any]:
        """The one request line that was written."""
        self.fleet.runtime.sink.flush()
        (path,) = self.fleet.runtime.settings.logs_dir.glob("*.jsonl")
        lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        (line,) = [line for line in lines if line["event"] == "request.completed"]
        found: dict[str, Any] = line
        return found

    def is_empty(self) -> bool:
        """Nothing counts as held, in flight or at a replica any more."""
        counts = (
            self.bodies.held_bytes,
            self.fleet.runtime.metrics.in_flight,
            self.fleet.own(),
            self.fleet.room.held,
            len(self.watch._flights),
        )
        return counts == (0, 0, 0, 0, 0)


@pytest.fixture
def carried(fleet: Fleet, tmp_path: Path) -> Carried:
    return Carried(fleet, tmp_path)


async def post(carried: Carried, body: bytes | list[bytes] = b"{}", **headers: str) -> Client:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await Client(carried).send("POST", "/predict", body, named)


async def test_answer_comes_back_and_nothing_is_left(carried: Carried, fleet: Fleet) -> None:
    fleet.add(answering(b'{"result":1}'))
    client = await post(carried, b'{"inputs":1}')
    assert (client.status, client.body) == (200, b'{"result":1}')
    assert fleet.upstream.sent[0].body == b'{"inputs":1}'
    assert carried.is_empty()


async def test_request_is_written_down_without_its_body(carried: Carried, fleet: Fleet) -> None:
    fleet.add(answering(b"result"))
    await post(carried, b"s3cret", x_request_id="r-9")
    line = carried.line()
    assert line["request_id"] == "r-9"
    assert (line["route"], line["status"], line["bytes_out"]) == ("/predict", 200, 6)
    assert (line["model"], line["upstream"], line["attempts"]) == ("example", "i1", 1)
    assert "s3cret" not in str(line)


@pytest.mark.parametrize("offered", ["has space", "x" * 129, "é"])
async def test_request_id_that_is_not_sane_is_replaced(
    carried: Carried, fleet: Fleet, offered: str
) -> None:
    fleet.add(answering())
    client = await post(carried, x_request_id=offered)
    assert client.headers["x-request-id"] not in ("", offered)


async def test_body_in_a_file_is_sent_whole_each_time(carried: Carried, fleet: Fleet) -> None:
    fleet.add(failing(sent=True), announced("a"))
    fleet.add(failing(sent=True), announced("b"))
    fleet.add(in_turn(failing(sent=True), answering()), announced("c"))
    asking = asyncio.ensure_future(post(carried, [b"x" * 400, b"y" * 400]))
    while not asking.done():
        await fleet.go_on(0.2)
    assert (await asking).status == 200
    assert {r.body for r in fleet.upstream.sent} == {b"x" * 400 + b"y" * 400}
    assert len(fleet.upstream.sent) > 3
    assert carried.is_empty()


async def test_error_of_the_tree_is_rendered(carried: Carried) -> None:
    carried.fault = UpstreamError("what happened")
    client = await post(carried)
    assert client.status == 502
    assert orjson.loads(client.body)["detail"] == "what happened"
    assert carried.is_empty()


async def test_any_other_error_is_opaque(carried: Carried) -> None:
    carried.fault = RuntimeError("s3cret")
    client = await post(carried, x_request_id="r-9")
    assert client.status == 500
    assert b"s3cret" not in client.body
    assert orjson.loads(client.body)["request_id"] == "r-9"
    assert carried.is_empty()


async def test_too_large_a_body_is_refused(carried: Carried) -> None:
    client = await post(carried, [b"x" * 600] * 2)
    assert client.status == 413
    assert carried.is_empty()


async def test_more_requests_than_the_gateway_may_have_are_shed(
    carried: Carried, fleet: Fleet
) -> None:
    fleet.add(answering())
    fleet.runtime.metrics.in_flight = fleet.runtime.settings.config.server.max_in_flight
    client = await post(carried)
    assert client.status == 503
    assert "retry-after" in client.headers
    assert fleet.upstream.sent == []


class TestClientThatLeaves:
    async def test_during_its_body_gets_nothing_and_leaves_nothing(self, carried: Carried) -> None:
        client = Client(carried)
        client.left.set()
        await client.send("POST", "/predict", [])
        assert client.messages == []
        assert carried.line()["status"] == 499
        assert carried.is_empty()

    async def test_during_the_work_ends_it_at_the_replica(
        self, carried: Carried, fleet: Fleet
    ) -> None:
        gate = Gate()
        fleet.add(gate)
        client = Client(carried)
        sending = asyncio.ensure_future(client.send("POST", "/predict", b"{}"))
        await gate.arrived.wait()
        fleet.clock.move(2 * PERIOD_S)
        carried.watch.sweep()
        client.left.set()
        await sending
        assert gate.cancelled
        assert client.messages == []
        assert carried.line()["status"] == 499
        assert carried.is_empty()

    async def test_while_held_gives_its_place_back(self, carried: Carried, fleet: Fleet) -> None:
        client = Client(carried)
        sending = asyncio.ensure_future(client.send("POST", "/predict", b"{}"))
        await fleet.clock.advance(2 * PERIOD_S)
        assert fleet.room.held == 1
        carried.watch.sweep()
        client.left.set()
        await sending
        assert carried.is_empty()


class TestDeadline:
    async def test_replica_that_never_answers_is_a_504(
        self, carried: Carried, fleet: Fleet
    ) -> None:
        gate = Gate()
        fleet.add(gate)
        sending = asyncio.ensure_future(post(carried))
        await gate.arrived.wait()
        fleet.clock.move(carried.timeout_s + DEADLINE_GRACE_S - 0.01)
        carried.watch.sweep()
        await asyncio.sleep(0)
        assert not sending.done()
        fleet.clock.move(0.01)
        carried.watch.sweep()
        client = await sending
        assert client.status == 504
        assert orjson.loads(client.body)["code"] == "deadline_exceeded"
        assert gate.cancelled
        assert carried.is_empty()

    async def test_held_request_is_a_504_when_its_time_is_over(
        self, carried: Carried, fleet: Fleet
    ) -> None:
        sending = asyncio.ensure_future(post(carried))
        await fleet.clock.advance(carried.timeout_s)
        assert (await sending).status == 504
        assert carried.is_empty()


class Trickle:
    """A client whose body comes piece by piece, when the test says so."""

    def __init__(self, carried: Carried) -> None:
        self._pieces: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue()
        self.client = Client(carried, receive=self._receive)
        self.sending = asyncio.ensure_future(self.client.send("POST", "/predict"))

    async def _receive(self) -> Message:
        body, more = await self._pieces.get()
        return {"type": "http.request", "body": body, "more_body": more}

    async def give(self, piece: bytes, *, more: bool = True) -> None:
        self._pieces.put_nowait((piece, more))
        await settled()


class TestBodyThatDoesNotArrive:
    @pytest.mark.parametrize("piece", [b"", b"half of it"])
    async def test_is_a_408_that_closes_the_connection(
        self, carried: Carried, fleet: Fleet, piece: bytes
    ) -> None:
        trickle = Trickle(carried)
        await trickle.give(piece)
        fleet.clock.move(BODY_S - 0.01)
        carried.watch.sweep()
        await settled()
        assert not trickle.sending.done()
        fleet.clock.move(0.01)
        carried.watch.sweep()
        client = await trickle.sending
        assert (client.status, client.headers["connection"]) == (408, "close")
        assert orjson.loads(client.body)["code"] == "request_timeout"
        assert carried.line()["status"] == 408
        assert carried.is_empty()

    async def test_slow_one_has_its_time_for_each_part(self, fleet: Fleet, tmp_path: Path) -> None:
        carried = Carried(fleet, tmp_path, step=4 * STEP_BYTES)
        trickle = Trickle(carried)
        for _ in range(4):
            await trickle.give(b"x" * STEP_BYTES)
            fleet.clock.move(BODY_S - 0.01)
            carried.watch.sweep()
        fleet.add(answering())
        await trickle.give(b"", more=False)
        assert (await trickle.sending).status == 200
        assert carried.is_empty()

    async def test_few_bytes_now_and_then_buy_no_time(self, carried: Carried, fleet: Fleet) -> None:
        trickle = Trickle(carried)
        for _ in range(4):
            await trickle.give(b"x")
            fleet.clock.move(BODY_S / 4)
        carried.watch.sweep()
        assert (await trickle.sending).status == 408
        assert carried.is_empty()

    async def test_time_of_the_body_is_not_the_callers(
        self, carried: Carried, fleet: Fleet
    ) -> None:
        gate = Gate()
        fleet.add(gate)
        carried.timeout_s = 2 * BODY_S
        sending = asyncio.ensure_future(post(carried))
        await gate.arrived.wait()
        fleet.clock.move(1.5 * BODY_S)
        carried.watch.sweep()
        await settled()
        assert not sending.done()
        fleet.clock.move(BODY_S)
        carried.watch.sweep()
        assert (await sending).status == 504


class TestBrokenAnswer:
    async def test_body_is_left_unfinished(self, carried: Carried, fleet: Fleet) -> None:
        fleet.add(streaming(b"part", b"audio/wav", breaks=True))
        client = Client(carried)
        with pytest.raises(UpstreamError):
            await client.send("POST", "/predict", b"{}")
        assert client.body == b"part"
        assert not client.is_complete
        assert carried.is_empty()

    async def test_stream_of_events_ends_with_an_error(
        self, carried: Carried, fleet: Fleet
    ) -> None:
        fleet.add(streaming(b"data: 1\n\n", b"text/event-stream", breaks=True))
        client = await post(carried)
        assert client.is_complete
        assert b"event: error\n" in client.body
        assert b"upstream_lost" in client.body
        assert carried.is_empty()


async def test_shutdown_is_no_deadline(carried: Carried, fleet: Fleet) -> None:
    gate = Gate()
    fleet.add(gate)
    sending = asyncio.ensure_future(post(carried))
    await gate.arrived.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert carried.is_empty()

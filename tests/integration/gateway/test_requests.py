"""One request through a real gateway and a real replica."""

from collections.abc import AsyncIterator
from hashlib import sha256

import httpx
import orjson
import pytest

from tests.integration.gateway.conftest import MAX_FILE_MB
from tests.integration.gateway.processes import GatewayFleet, body, until

SHAPE = {"success", "error", "detail", "code", "request_id"}


def error_of(answer: httpx.Response) -> dict[str, object]:
    """The error in API.md's shape."""
    error: dict[str, object] = answer.json()
    assert set(error) >= SHAPE
    assert error["success"] is False
    assert error["request_id"] == answer.headers["x-request-id"]
    return error


async def test_answer_comes_back_with_its_id_and_times(client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict", json=body(), headers={"x-request-id": "r-7"})
    assert answer.status_code == 200
    assert answer.json()["success"]
    assert answer.headers["x-request-id"] == "r-7"
    assert answer.headers["server-timing"] == "compute;dur=1.5"
    assert float(answer.headers["x-process-time"]) > 0
    assert not {"x-fleet-in-flight", "server", "date"} & set(answer.headers)


async def test_replica_is_told_what_it_needs_and_nothing_of_the_callers_secrets(
    client: httpx.AsyncClient,
) -> None:
    sent = {"authorization": "Bearer s3cret", "cookie": "a=b", "x-fleet-model": "forged"}
    answer = await client.post("/predict", json={**body(timeout=5.0), "priority": 3}, headers=sent)
    headers = answer.json()["headers"]
    assert headers["x-fleet-model"] == "example"
    assert headers["x-fleet-priority"] == "3"
    assert headers["x-fleet-attempt"] == "1"
    assert 4000 < int(headers["x-fleet-timeout-ms"]) <= 5000
    assert not {"authorization", "cookie"} & set(headers)


async def test_both_replicas_are_used(client: httpx.AsyncClient) -> None:
    answers = [(await client.post("/predict", json=body())).json() for _ in range(40)]
    assert {answer["replica"] for answer in answers} == {"i1", "i2"}


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b'{"model_name":"nothing","inputs":1}', 404, "model_not_found"),
        (b'{"inputs":1}', 422, "required"),
        (b'{"model_name":"example","timeout":"soon"}', 422, "invalid_field"),
        (b"not json", 400, "invalid_json"),
    ],
)
async def test_request_that_can_not_be_sent_on_says_why(
    client: httpx.AsyncClient, content: bytes, status: int, code: str
) -> None:
    answer = await client.post(
        "/predict", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status
    assert error_of(answer)["code"] == code


async def test_wrong_method_and_media_type_are_told_the_right_ones(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/predict")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    error_of(answer)
    answer = await client.post("/predict", content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    error_of(answer)


@pytest.mark.parametrize("path", ["/predict", "/health", "/models"])
async def test_request_under_another_host_is_refused(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, json=body(), headers={"host": "evil.example"})
    assert answer.status_code == 403
    assert error_of(answer)["code"] == "host_not_allowed"


async def test_replica_that_never_answers_is_a_504_and_its_work_ends(
    client: httpx.AsyncClient, shared: GatewayFleet
) -> None:
    async def left() -> int:
        states = [await shared.state_of(i) for i in shared.replicas]
        return sum(state.get("left", 0) for state in states)

    before = await left()
    answer = await client.post("/predict", json=body("hang", timeout=0.3))
    assert answer.status_code == 504
    assert error_of(answer)["code"] == "deadline_exceeded"
    assert answer.elapsed.total_seconds() < 2.0

    async def one_more() -> bool:
        return await left() == before + 1

    await until(one_more)


async def test_client_that_leaves_ends_the_work_at_the_replica(
    client: httpx.AsyncClient, shared: GatewayFleet
) -> None:
    async def counted(name: str) -> int:
        states = [await shared.state_of(i) for i in shared.replicas]
        return sum(state.get(name, 0) for state in states)

    before = await counted("left")
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/predict", json=body("hang"), timeout=0.3)

    async def one_more() -> bool:
        return await counted("left") == before + 1

    await until(one_more)
    assert await counted("in_flight") == 0


class TestLargeBodies:
    async def test_20_mb_are_spooled_and_forwarded_whole(
        self, client: httpx.AsyncClient, shared: GatewayFleet
    ) -> None:
        content = orjson.dumps({**body(), "padding": "x" * 20_000_000})
        answer = await client.post(
            "/predict", content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 200
        assert answer.json()["size"] == len(content)
        assert answer.json()["sha256"] == sha256(content).hexdigest()
        assert list((shared.home / "cache" / "spool").iterdir()) == []

    @pytest.mark.parametrize("chunked", [False, True])
    async def test_more_than_max_file_mb_is_a_413(
        self, client: httpx.AsyncClient, chunked: bool
    ) -> None:
        piece = b"x" * 1_000_000
        pieces = (MAX_FILE_MB * 1_048_576 // len(piece)) + 2

        async def stream() -> AsyncIterator[bytes]:
            for _ in range(pieces):
                yield piece

        content = stream() if chunked else piece * pieces
        answer = await client.post(
            "/predict",
            content=content,
            headers={"content-type": "application/json"},
        )
        assert answer.status_code == 413
        assert "MAX_FILE_MB" in str(error_of(answer)["detail"])
        assert (await client.post("/predict", json=body())).status_code == 200

    async def test_large_answer_is_passed_on_whole(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/predict", json=body("large", mib=8))
        assert len(answer.content) == 8 * 1_048_576


class TestBrokenAnswers:
    async def test_stream_of_events_ends_with_an_error_event(
        self, client: httpx.AsyncClient
    ) -> None:
        answer = await client.post("/predict", json=body("break", type="text/event-stream"))
        assert answer.status_code == 200
        events = [e for e in answer.text.split("\n\n") if e]
        assert events[:2] == ["data: 1", "data: 2"]
        assert events[2].startswith("event: error\ndata: {")
        error = orjson.loads(events[2].partition("data: ")[2])
        assert set(error) >= SHAPE
        assert error["code"] == "upstream_lost"

    async def test_any_other_body_is_aborted(self, client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/predict", json=body("break", type="audio/wav"))
        assert (await client.post("/predict", json=body())).status_code == 200

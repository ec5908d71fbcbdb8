from typing import Any

import orjson
import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import InvalidFieldError
from fleetserve.replica.exchange import ReplicaRequest
from fleetserve.replica.pool import ModelPool
from inference_svc.api.predict import PredictRoute, read_ask
from inference_svc.api.text_answers import TextAnswers
from inference_svc.prediction import Predictor
from inference_svc.served import Served
from inference_svc.texts.writer import TextWriter


def request_of(body: bytes, **changes: Any) -> ReplicaRequest:
    now_s = SystemClock().monotonic_s()
    fields: dict[str, Any] = {
        "path": "/predict",
        "query": b"",
        "headers": {},
        "content_type": "application/json",
        "request_id": "r1",
        "model": None,
        "priority": None,
        "attempt": 0,
        "received_s": now_s,
        "deadline_s": now_s + 30.0,
        "deadline_given": False,
        **changes,
    }
    return ReplicaRequest(body=body, **fields)


@pytest.fixture
def route(predictor: Predictor, writer: TextWriter, pool: ModelPool[Served]) -> PredictRoute:
    texts = TextAnswers(pool, writer, SystemClock(), "replica-1")
    return PredictRoute(predictor, texts, SystemClock(), "replica-1")


async def test_the_answer_has_every_field_of_the_contract(route: PredictRoute) -> None:
    answer = await route(request_of(b'{"model_name": "example", "inputs": [1, 2, 3, 4, 5]}'))
    assert isinstance(answer.body, bytes)
    body = orjson.loads(answer.body)
    assert set(body) == {"success", "result", "processing_time", "model_info", "batch_info"}
    assert body["success"] is True
    assert isinstance(body["result"], float)
    assert body["processing_time"] > 0
    assert body["model_info"] == {
        "model": "example",
        "device": "cpu",
        "task": "feature-extraction",
        "revision": "r1",
        "dtype": "float32",
        "input_type": "single",
        "input_count": 1,
    }
    info = body["batch_info"]
    assert set(info) == {
        "batch_size",
        "queue_ms",
        "compute_ms",
        "padded_fraction",
        "cold_start",
        "replica",
    }
    assert (info["batch_size"], info["cold_start"], info["replica"]) == (1, True, "replica-1")
    assert answer.model == "example"
    assert answer.timing is not None
    assert b"compute" in answer.timing.header()


async def test_a_list_is_a_batch(route: PredictRoute) -> None:
    answer = await route(request_of(b'{"model_name": "lengths", "inputs": ["a", "bb"]}'))
    assert isinstance(answer.body, bytes)
    body = orjson.loads(answer.body)
    assert body["result"] == [1, 2]
    assert (body["model_info"]["input_type"], body["model_info"]["input_count"]) == ("batch", 2)


def test_the_gateways_headers_win_over_the_body() -> None:
    raw = b'{"model_name": "alias", "inputs": 1, "priority": 2, "timeout": 1}'
    request = request_of(raw, model="example", priority=7, deadline_given=True)
    deadline_s = request.deadline_s
    ask = read_ask(request)
    assert (ask.model, ask.priority, ask.deadline_s) == ("example", 7, deadline_s)


def test_without_the_gateway_the_body_counts() -> None:
    request = request_of(b'{"model": "example", "inputs": 1, "priority": 2, "timeout": 1.5}')
    ask = read_ask(request)
    assert (ask.model, ask.priority) == ("example", 2)
    assert ask.deadline_s == request.received_s + 1.5


def test_no_model_is_a_missing_field() -> None:
    with pytest.raises(InvalidFieldError, match="model_name: is missing"):
        read_ask(request_of(b'{"inputs": 1}'))


async def test_streaming_of_what_does_not_stream_is_refused(route: PredictRoute) -> None:
    with pytest.raises(InvalidFieldError, match="stream"):
        await route(request_of(b'{"model_name": "example", "inputs": 1, "stream": true}'))


async def test_models_that_write_have_their_own_answer(route: PredictRoute) -> None:
    answer = await route(request_of(b'{"model_name": "echo", "inputs": "ab"}'))
    assert isinstance(answer.body, bytes)
    assert orjson.loads(answer.body)["result"]["generated_text"] == "ab"

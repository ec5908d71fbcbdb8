from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import InvalidFieldError, UnavailableError
from fleetserve.replica.exchange import Answer
from fleetserve.replica.pool import ModelPool
from inference_svc.api.predict import read_ask
from inference_svc.api.text_answers import TextAnswers
from inference_svc.generation.memory import MAX_TOKENS, MemoryGenerator
from inference_svc.served import Served
from inference_svc.texts.writer import TextWriter
from tests.unit.inference_svc.api.test_predict import request_of

CHAT = [{"role": "user", "content": "hi"}]


@pytest.fixture
def texts(pool: ModelPool[Served], writer: TextWriter) -> TextAnswers:
    return TextAnswers(pool, writer, SystemClock(), "replica-1")


async def answer(texts: TextAnswers, inputs: object, **body: object) -> Answer:
    request = request_of(orjson.dumps({"model_name": "echo", "inputs": inputs, **body}))
    return await texts.answer(request, read_ask(request))


async def content(texts: TextAnswers, inputs: object, **body: object) -> dict[str, Any]:
    found = await answer(texts, inputs, **body)
    assert isinstance(found.body, bytes)
    told: dict[str, Any] = orjson.loads(found.body)
    return told


async def events(texts: TextAnswers, inputs: object, **body: object) -> list[tuple[str, Any]]:
    found = await answer(texts, inputs, stream=True, **body)
    assert found.content_type == "text/event-stream"
    assert isinstance(found.body, AsyncIterator)
    told = []
    async for chunk in found.body:
        name, data, *rest = chunk.decode().split("\n")
        assert rest == ["", ""]
        told.append((name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))))
    return told


async def test_the_answer_has_every_field_of_the_contract(texts: TextAnswers) -> None:
    told = await content(texts, "abc", parameters={"max_new_tokens": 2, "logprobs": True})
    assert told["result"] == {
        "generated_text": "ab",
        "finish_reason": "length",
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        "logprobs": [
            {"id": 97, "token": "a", "logprob": -0.5},
            {"id": 98, "token": "b", "logprob": -0.5},
        ],
    }
    assert told["success"] is True
    assert told["processing_time"] > 0
    info = told["model_info"]
    assert (info["model"], info["task"], info["input_type"]) == (
        "echo",
        "text-generation",
        "single",
    )
    batch = told["batch_info"]
    assert (batch["batch_size"], batch["cold_start"], batch["replica"]) == (1, True, "replica-1")
    assert batch["first_token_ms"] >= 0


async def test_a_list_gives_a_list(texts: TextAnswers) -> None:
    told = await content(texts, ["ab", "a" * MAX_TOKENS, "c"])
    assert [one.get("generated_text") for one in told["result"]] == ["ab", None, "c"]
    assert told["result"][1]["field"] == "inputs[1]"
    assert (told["model_info"]["input_type"], told["model_info"]["input_count"]) == ("batch", 3)


async def test_the_full_text_has_the_prompt(texts: TextAnswers) -> None:
    whole = {"return_full_text": True, "max_new_tokens": 2}
    assert (await content(texts, "abc", parameters=whole))["result"]["generated_text"] == "abcab"
    chat = (await content(texts, CHAT, parameters=whole))["result"]["generated_text"]
    assert chat == [*CHAT, {"role": "assistant", "content": "us"}]


async def test_a_stream_is_an_event_per_piece_and_one_that_ends_it(texts: TextAnswers) -> None:
    told = await events(texts, "abc")
    assert told[:3] == [("token", {"text": one, "tokens": 1}) for one in "abc"]
    name, last = told[3]
    assert name == "done"
    assert last["result"] == {
        "generated_text": "abc",
        "finish_reason": "stop",
        "usage": {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6},
    }
    assert last["model_info"]["model"] == "echo"
    assert len(told) == 4


async def test_a_failure_in_the_middle_is_the_last_event(
    texts: TextAnswers, generator: MemoryGenerator
) -> None:
    generator.fails_at, generator.failure = 1, UnavailableError("It was unloaded.")
    told = await events(texts, "abc")
    assert [name for name, _ in told] == ["token", "error"]
    assert (told[1][1]["code"], told[1][1]["detail"]) == ("unavailable", "It was unloaded.")
    assert generator.closed == 1


async def test_a_failure_before_the_first_event_is_a_true_status(
    texts: TextAnswers, generator: MemoryGenerator
) -> None:
    with pytest.raises(InvalidFieldError):
        await events(texts, "a" * MAX_TOKENS)
    generator.fails_at, generator.failure = 0, UnavailableError("gone")
    with pytest.raises(UnavailableError):
        await events(texts, "abc")


async def test_it_takes_models_that_write(texts: TextAnswers) -> None:
    assert texts.takes("echo")
    assert not texts.takes("lengths")

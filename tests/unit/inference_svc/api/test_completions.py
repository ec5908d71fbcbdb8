import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import InvalidFieldError, UnavailableError
from fleetserve.replica.exchange import Answer
from fleetserve.replica.pool import ModelPool
from inference_svc.api.completions import CompletionsRoute, chat_route, text_route
from inference_svc.generation.memory import MemoryGenerator
from inference_svc.served import Served
from inference_svc.texts.access import Generators
from tests.unit.inference_svc.api.test_predict import request_of

CHAT = {"messages": [{"role": "user", "content": "hi"}]}
SAID = "user:hi;"


@pytest.fixture
def text(pool: ModelPool[Served]) -> CompletionsRoute:
    return text_route(Generators(pool), SystemClock())


@pytest.fixture
def chat(pool: ModelPool[Served]) -> CompletionsRoute:
    return chat_route(Generators(pool), SystemClock())


async def ask(route: CompletionsRoute, **body: Any) -> Answer:
    raw = orjson.dumps({"model": "echo", **body})
    return await route(request_of(raw, path="/v1/completions", request_id="r-1"))


async def whole(route: CompletionsRoute, **body: Any) -> dict[str, Any]:
    answer = await ask(route, **body)
    assert isinstance(answer.body, bytes)
    content: dict[str, Any] = orjson.loads(answer.body)
    return content


async def events(route: CompletionsRoute, **body: Any) -> list[Any]:
    answer = await ask(route, stream=True, **body)
    assert answer.content_type.startswith("text/event-stream")
    assert isinstance(answer.body, AsyncIterator)
    found = [chunk.decode() async for chunk in answer.body]
    assert all(one.startswith("data: ") and one.endswith("\n\n") for one in found)
    told = [one.removeprefix("data: ").strip() for one in found]
    return [one if one == "[DONE]" else orjson.loads(one) for one in told]


def refs(pool: ModelPool[Served]) -> int:
    handle = pool.get_ready("echo")
    assert handle is not None
    return handle.refs


async def test_whole_chat(chat: CompletionsRoute, pool: ModelPool[Served]) -> None:
    content = await whole(chat, **CHAT)
    assert content["id"] == "chatcmpl-r-1"
    assert content["model"] == "echo"
    assert content["choices"][0]["message"]["content"] == SAID
    assert content["choices"][0]["finish_reason"] == "stop"
    assert content["usage"] == {"prompt_tokens": 8, "completion_tokens": 8, "total_tokens": 16}
    assert refs(pool) == 0


async def test_choices_of_several_prompts_are_in_order(text: CompletionsRoute) -> None:
    content = await whole(text, prompt=["ab", "cde"], n=2, max_tokens=2, echo=True)
    assert [(c["index"], c["text"], c["finish_reason"]) for c in content["choices"]] == [
        (0, "abab", "stop"),
        (1, "abab", "stop"),
        (2, "cdecd", "length"),
        (3, "cdecd", "length"),
    ]
    assert content["usage"] == {"prompt_tokens": 5, "completion_tokens": 8, "total_tokens": 13}


async def test_stream_of_a_chat(chat: CompletionsRoute, pool: ModelPool[Served]) -> None:
    told = await events(chat, **CHAT)
    assert told[-1] == "[DONE]"
    deltas = [one["choices"][0]["delta"] for one in told[:-1]]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta.get("content", "") for delta in deltas) == SAID
    assert [one["choices"][0]["finish_reason"] for one in told[:-1]][-1] == "stop"
    assert all("usage" not in one for one in told[:-1])
    assert refs(pool) == 0


async def test_stream_with_usage_ends_with_it(chat: CompletionsRoute) -> None:
    told = await events(chat, **CHAT, stream_options={"include_usage": True})
    assert all(one["usage"] is None for one in told[:-2])
    assert (told[-2]["choices"], told[-2]["usage"]["total_tokens"]) == ([], 16)


async def test_streamed_choices_add_up_to_the_whole(text: CompletionsRoute) -> None:
    asked = {"prompt": ["ab", "cde"], "n": 2, "echo": True}
    found: dict[int, str] = {}
    for one in (await events(text, **asked))[:-1]:
        for choice in one["choices"]:
            found[choice["index"]] = found.get(choice["index"], "") + choice["text"]
    content = await whole(text, **asked)
    assert [found[n] for n in range(4)] == [c["text"] for c in content["choices"]]


async def test_what_fails_before_the_first_piece_is_raised(
    text: CompletionsRoute, generator: MemoryGenerator
) -> None:
    generator.fails_at, generator.failure = 0, UnavailableError("gone")
    answer = await ask(text, prompt="abc", stream=True)
    assert isinstance(answer.body, AsyncIterator)
    with pytest.raises(UnavailableError, match="gone"):
        await anext(answer.body)


async def test_what_fails_later_is_the_last_event_in_openais_shape(
    text: CompletionsRoute, generator: MemoryGenerator, pool: ModelPool[Served]
) -> None:
    generator.fails_at, generator.failure = 1, UnavailableError("gone", code="lost")
    told = await events(text, prompt="abc")
    assert told[-1] == {
        "error": {"message": "gone", "type": "server_error", "param": None, "code": "lost"}
    }
    assert refs(pool) == 0


async def test_reader_who_leaves_lets_go_of_the_model(
    text: CompletionsRoute, generator: MemoryGenerator, pool: ModelPool[Served]
) -> None:
    answer = await ask(text, prompt="abc", stream=True)
    body: Any = answer.body
    await anext(body)
    assert refs(pool) == 1
    await body.aclose()
    assert (refs(pool), generator.closed) == (0, 1)


async def test_long_prompt_is_read_in_a_thread(
    chat: CompletionsRoute, generator: MemoryGenerator
) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        await whole(chat, messages=[{"role": "user", "content": "x" * 20_000}])
    assert raised.value.field == "messages"


async def test_model_that_writes_nothing_is_refused(text: CompletionsRoute) -> None:
    with pytest.raises(InvalidFieldError, match="generates no text"):
        await whole(text, model="lengths", prompt="a")


async def test_deadline_goes_with_the_order(
    text: CompletionsRoute, generator: MemoryGenerator
) -> None:
    await asyncio.gather(whole(text, prompt="abc", priority=3, seed=5))
    (order,) = generator.orders
    assert (order.priority, order.sampling.seed) == (3, 5)
    assert order.deadline_s < float("inf")

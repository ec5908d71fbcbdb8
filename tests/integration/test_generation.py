"""Texts through the gateway: streams, company, and clients that leave."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from tests.checkpoints.hub_root import GPT2, SMOLLM2
from tests.integration.fleet import REQUEST_S, Fleet

LONG = 480  # Tokens; the model has 512 positions.
WRITERS = {"smollm2": SMOLLM2, "gpt2": GPT2}


@pytest.fixture(scope="module")
def writers(fleet: Fleet) -> tuple[str, ...]:
    """The models that write, downloaded; their task is the hub's."""
    with httpx.Client(base_url=fleet.url, timeout=REQUEST_S) as client:
        for name, model_id in WRITERS.items():
            body = {"source": "huggingface", "model_id": model_id, "name": name, "wait": True}
            answer = client.post("/models/download", json=body)
            assert answer.is_success, f"{answer.text}\n{fleet.account()}"
            assert answer.json()["download_info"]["task"] == "text-generation"
            first = client.post("/predict", json=ask("a", model=name, max_new_tokens=1))
            assert first.is_success, f"{first.text}\n{fleet.account()}"
    return tuple(WRITERS)


def ask(inputs: object, *, model: str = "smollm2", **parameters: object) -> dict[str, Any]:
    return {"model_name": model, "inputs": inputs, "parameters": parameters, "timeout": 110}


async def events_of(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    rest = ""
    async for chunk in answer.aiter_text():
        *whole, rest = (rest + chunk).split("\n\n")
        for event in whole:
            name, data = event.split("\n")
            yield name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))
    assert rest == ""


async def test_a_text_streams_and_is_the_whole_one(
    client: httpx.AsyncClient, writers: tuple[str, ...]
) -> None:
    body = ask("the quick brown fox", max_new_tokens=24)
    whole = (await client.post("/predict", json=body)).json()
    async with client.stream("POST", "/predict", json={**body, "stream": True}) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        told = [event async for event in events_of(answer)]
    pieces = [content for name, content in told if name == "token"]
    assert "".join(piece["text"] for piece in pieces) == whole["result"]["generated_text"]
    assert sum(piece["tokens"] for piece in pieces) == 24
    name, last = told[-1]
    assert name == "done"
    assert last["result"] == whole["result"]
    assert last["result"]["usage"]["completion_tokens"] == 24


async def test_short_texts_are_answered_long_before_a_long_one_ends(
    client: httpx.AsyncClient, writers: tuple[str, ...]
) -> None:
    body = {**ask("a long winter night", max_new_tokens=LONG), "stream": True}
    seen: list[int] = []
    begun = asyncio.Event()

    async def read_long() -> int:
        tokens = 0
        async with client.stream("POST", "/predict", json=body) as answer:
            async for name, content in events_of(answer):
                if name == "token":
                    tokens += content["tokens"]
                    seen.append(tokens)
                    begun.set()
                else:
                    assert name == "done"
        return tokens

    long = asyncio.create_task(read_long())
    await begun.wait()
    shorts = await asyncio.gather(
        *(
            client.post("/predict", json=ask(f"good morning {n}", max_new_tokens=4))
            for n in range(6)
        )
    )
    assert not long.done()
    assert seen[-1] < LONG / 2
    assert all(answer.is_success for answer in shorts)
    assert max(answer.json()["batch_info"]["batch_size"] for answer in shorts) > 1
    assert await long <= LONG


async def test_two_models_write_at_once_and_others_answer_meanwhile(
    client: httpx.AsyncClient, writers: tuple[str, ...]
) -> None:
    body = {**ask("a long winter night", max_new_tokens=LONG), "stream": True}
    async with client.stream("POST", "/predict", json=body) as answer:
        events = events_of(answer)
        assert (await anext(events))[0] == "token"
        other = await client.post("/predict", json=ask("the", model="gpt2", max_new_tokens=20))
        vector = await client.post("/predict", json={"model_name": "example", "inputs": [1, 2]})
        told = [event async for event in events]
    assert other.is_success, other.text
    assert vector.is_success, vector.text
    # Both came while the text was being written: there is more of it than was waiting to be read.
    assert told[-1][0] == "done"
    assert len(told) > 100


async def test_a_client_that_leaves_ends_the_work(
    client: httpx.AsyncClient, writers: tuple[str, ...]
) -> None:
    body = {**ask("a long winter night", max_new_tokens=LONG), "stream": True}
    async with client.stream("POST", "/predict", json=body) as answer:
        assert (await anext(events_of(answer)))[0] == "token"
    before = await tokens_written(client)
    async with asyncio.timeout(60):
        while await texts_at_work(client):
            pass
    # Far from what it was asked for.
    assert await tokens_written(client) - before < LONG / 2


async def texts_at_work(client: httpx.AsyncClient) -> float:
    return _sum(await client.get("/metrics"), "fleetserve_texts_at_work")


async def tokens_written(client: httpx.AsyncClient) -> float:
    return _sum(await client.get("/metrics"), "fleetserve_generated_tokens_total")


def _sum(page: httpx.Response, name: str) -> float:
    found = re.findall(rf'^{name}\{{.*model="smollm2".*\}} (\S+)$', page.text, re.MULTILINE)
    assert found, page.text
    return sum(map(float, found))


async def test_a_chat_and_what_is_wrong_with_one(
    client: httpx.AsyncClient, writers: tuple[str, ...]
) -> None:
    chat = [{"role": "user", "content": "hello"}]
    answer = await client.post("/predict", json=ask(chat, max_new_tokens=5, seed=1, top_p=0.9))
    again = await client.post("/predict", json=ask(chat, max_new_tokens=5, seed=1, top_p=0.9))
    assert answer.json()["result"]["usage"]["prompt_tokens"] > 5
    assert answer.json()["result"] == again.json()["result"]
    refused = await client.post("/predict", json=ask(chat, model="gpt2"))
    assert (refused.status_code, refused.json()["field"]) == (422, "inputs")


async def test_a_stream_whose_time_is_over_ends_with_an_error_event(
    client: httpx.AsyncClient, writers: tuple[str, ...]
) -> None:
    body = {**ask("a long winter night", max_new_tokens=LONG), "stream": True, "timeout": 0.5}
    async with client.stream("POST", "/predict", json=body) as answer:
        told = [event async for event in events_of(answer)]
    name, last = told[-1]
    assert (name, last["code"]) == ("error", "deadline_exceeded")

import asyncio
from typing import Any

import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import DeadlineError, InvalidFieldError, UnavailableError
from inference_svc.generation.base import FinishReason
from inference_svc.generation.memory import MAX_TOKENS, MemoryGenerator
from inference_svc.prediction import Ask
from inference_svc.texts.writer import Text, TextWriter


def ask(inputs: object, **changes: Any) -> Ask:
    now_s = SystemClock().monotonic_s()
    fields: dict[str, Any] = {
        "model": "echo",
        "inputs": inputs,
        "parameters": {},
        "priority": 3,
        "batching": True,
        "size_bytes": 50,
        "received_s": now_s,
        "deadline_s": now_s + 30.0,
        **changes,
    }
    return Ask(**fields)


async def test_one_text_is_written(writer: TextWriter, generator: MemoryGenerator) -> None:
    texts = await writer.predict(ask("abc", parameters={"max_new_tokens": 2, "seed": 4}))
    (text,) = texts.outcomes
    assert isinstance(text, Text)
    assert (text.completion, text.tokens, text.finish_reason) == ("ab", 2, FinishReason.LENGTH)
    assert not texts.batch
    order = generator.orders[0]
    assert (order.max_new_tokens, order.sampling.seed, order.priority) == (2, 4, 3)
    assert generator.closed == 1


@pytest.mark.parametrize("size_bytes", [50, 1_000_000])
async def test_several_are_written_at_once_and_errors_stay_in_their_place(
    writer: TextWriter, size_bytes: int
) -> None:
    inputs = ["abc", "a" * MAX_TOKENS, [{"role": "user", "content": "x"}]]
    texts = await writer.predict(ask(inputs, size_bytes=size_bytes))
    first, second, third = texts.outcomes
    assert isinstance(first, Text)
    assert isinstance(third, Text)
    assert isinstance(second, InvalidFieldError)
    assert (first.completion, third.completion) == ("abc", "user:x;")
    assert texts.batch


async def test_the_error_of_a_single_text_is_raised(
    writer: TextWriter, generator: MemoryGenerator
) -> None:
    with pytest.raises(InvalidFieldError):
        await writer.predict(ask("a" * MAX_TOKENS))
    generator.fails_at, generator.failure = 1, UnavailableError("gone")
    with pytest.raises(UnavailableError):
        await writer.predict(ask("abc"))


async def test_pieces_come_while_it_is_written(
    writer: TextWriter, generator: MemoryGenerator
) -> None:
    gate = asyncio.Event()

    async def hold(place: int) -> None:
        if place == 1:
            await gate.wait()

    generator.before_token = hold
    async with writer.stream(ask("abc")) as opened:
        assert (await anext(opened.pieces)).text == "a"
        gate.set()
        assert [piece.text async for piece in opened.pieces] == ["b", "c"]
    assert generator.closed == 1


async def test_who_leaves_in_the_middle_ends_the_work(
    writer: TextWriter, generator: MemoryGenerator
) -> None:
    async with writer.stream(ask("abc")) as opened:
        await anext(opened.pieces)
    assert generator.closed == 1


async def test_a_deadline_ends_even_a_long_step(
    writer: TextWriter, generator: MemoryGenerator
) -> None:
    async def hold(place: int) -> None:
        if place == 1:
            await asyncio.Event().wait()

    generator.before_token = hold
    now_s = SystemClock().monotonic_s()
    async with writer.stream(ask("abc", deadline_s=now_s + 0.1)) as opened:
        await anext(opened.pieces)
        with pytest.raises(DeadlineError, match="max_new_tokens"):
            await anext(opened.pieces)


async def test_only_one_text_streams(writer: TextWriter) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        async with writer.stream(ask(["a", "b"])):
            pass
    assert wrong.value.field == "stream"


async def test_wrong_parameters_are_refused(writer: TextWriter) -> None:
    with pytest.raises(InvalidFieldError, match=r"parameters\.pooling"):
        await writer.predict(ask("a", parameters={"pooling": "mean"}))

"""What every text generator keeps, whatever writes behind it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import InvalidFieldError
from fleetserve.replica.slot import ComputeSlot
from inference_svc.generation.base import FinishReason, GenerationOrder, Piece, TextGenerator
from inference_svc.generation.bounds import GenerationBounds
from inference_svc.generation.loading import load_generating
from inference_svc.generation.memory import MemoryGenerator
from tests.checkpoints.causal import write_gpt2, write_llama

BOUNDS = GenerationBounds(cache_bytes=64 << 20, max_texts=8, max_waiting=64, max_step_tokens=1024)
PROMPTS = ("the quick brown fox", "good morning", "a long winter night")
WRITERS: dict[str, Callable[[Path], None]] = {"llama": write_llama, "gpt2": write_gpt2}


@pytest.fixture(scope="module", params=["memory", *WRITERS])
def generator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TextGenerator]:
    if request.param == "memory":
        yield MemoryGenerator()
        return
    folder = tmp_path_factory.mktemp(request.param)
    WRITERS[request.param](folder)
    slot = ComputeSlot("cpu", SystemClock())
    slot.start()
    model, size = load_generating(folder, request.param, "cpu", slot, SystemClock(), BOUNDS)
    assert size > 0
    yield model.generator
    model.unload()
    slot.stop()


async def pieces_of(generator: TextGenerator, order: GenerationOrder) -> list[Piece]:
    async with generator.generate(order) as stream:
        return [piece async for piece in stream]


def order_of(generator: TextGenerator, text: str) -> GenerationOrder:
    return GenerationOrder(generator.read_text(text), generator.defaults, max_new_tokens=12)


async def test_only_the_last_piece_says_how_it_ended(generator: TextGenerator) -> None:
    for prompt in PROMPTS:
        pieces = await pieces_of(generator, order_of(generator, prompt))
        assert [piece.finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
        assert isinstance(pieces[-1].finish_reason, FinishReason)
        assert all(piece.text for piece in pieces[:-1])
        assert all(piece.tokens >= 1 for piece in pieces)


async def test_no_more_tokens_come_than_are_asked_for(generator: TextGenerator) -> None:
    order = replace(order_of(generator, PROMPTS[0]), max_new_tokens=3)
    pieces = await pieces_of(generator, order)
    assert sum(piece.tokens for piece in pieces) == 3
    assert pieces[-1].finish_reason is FinishReason.LENGTH


async def test_texts_in_company_are_those_alone(generator: TextGenerator) -> None:
    orders = [order_of(generator, prompt) for prompt in PROMPTS]
    alone = [await pieces_of(generator, order) for order in orders]
    together = await asyncio.gather(*(pieces_of(generator, order) for order in orders))

    def text(pieces: list[Piece]) -> str:
        return "".join(piece.text for piece in pieces)

    assert list(map(text, together)) == list(map(text, alone))


async def test_each_token_has_its_logprob_where_they_are_asked_for(
    generator: TextGenerator,
) -> None:
    order = replace(order_of(generator, PROMPTS[0]), top_logprobs=0)
    for piece in await pieces_of(generator, order):
        assert len(piece.logprobs) == piece.tokens
        assert all(one.logprob <= 0 for one in piece.logprobs)
    plain = await pieces_of(generator, order_of(generator, PROMPTS[0]))
    assert not any(piece.logprobs for piece in plain)


async def test_the_note_tells_when(generator: TextGenerator) -> None:
    async with generator.generate(order_of(generator, PROMPTS[0])) as stream:
        async for _ in stream:
            pass
        note = stream.note
    assert note.submitted_s is not None
    assert note.started_s is not None
    assert note.first_token_s is not None
    assert note.ended_s is not None
    assert note.submitted_s <= note.started_s <= note.first_token_s <= note.ended_s
    assert note.steps >= 1
    assert note.batch_size >= 1


async def test_a_stream_may_be_closed_in_the_middle_and_again(generator: TextGenerator) -> None:
    stream = generator.generate(order_of(generator, PROMPTS[0]))
    await anext(stream)
    await stream.aclose()
    await stream.aclose()
    assert [piece async for piece in stream] == []


def test_a_prompt_that_is_too_long_is_refused_by_name(generator: TextGenerator) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        generator.read_text("hello " * generator.info.max_tokens)
    assert wrong.value.field == "inputs"
    assert str(generator.info.max_tokens) in wrong.value.detail


def test_chats_are_taken_where_it_says_so(generator: TextGenerator) -> None:
    chat = [{"role": "user", "content": "hello"}]
    if generator.info.chat:
        assert len(generator.read_chat(chat).ids) > 0
    else:
        with pytest.raises(InvalidFieldError):
            generator.read_chat(chat)

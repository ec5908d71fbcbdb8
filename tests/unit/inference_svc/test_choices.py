import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from fleetserve.errors import UnavailableError
from inference_svc.choices import ChoicePiece, generate_choices
from inference_svc.generation.base import GenerationOrder
from inference_svc.generation.memory import MemoryGenerator


def orders(generator: MemoryGenerator, *texts: str) -> list[GenerationOrder]:
    return [GenerationOrder(generator.read_text(text)) for text in texts]


async def texts_of(pieces: AsyncIterator[ChoicePiece]) -> dict[int, str]:
    found: dict[int, str] = {}
    async for choice, piece in pieces:
        found[choice] = found.get(choice, "") + piece.text
    return found


@pytest.mark.parametrize("texts", [("one",), ("one", "three", "a")])
async def test_every_order_has_its_own_pieces_in_their_order(texts: tuple[str, ...]) -> None:
    generator = MemoryGenerator()
    async with aclosing(generate_choices(generator, orders(generator, *texts))) as pieces:
        assert await texts_of(pieces) == dict(enumerate(texts))
    assert generator.closed == len(texts)


async def test_texts_are_written_side_by_side() -> None:
    together = asyncio.Barrier(2)

    async def before_token(place: int) -> None:
        if place == 0:
            await together.wait()

    generator = MemoryGenerator(before_token=before_token)
    async with aclosing(generate_choices(generator, orders(generator, "ab", "cd"))) as pieces:
        assert await texts_of(pieces) == {0: "ab", 1: "cd"}


async def test_first_that_fails_ends_the_others() -> None:
    held = asyncio.Event()

    async def before_token(place: int) -> None:
        if place == 2:
            await held.wait()

    generator = MemoryGenerator(
        before_token=before_token, fails_at=1, failure=UnavailableError("gone")
    )
    with pytest.raises(UnavailableError, match="gone"):
        async with aclosing(generate_choices(generator, orders(generator, "abc", "def"))) as pieces:
            await texts_of(pieces)
    assert generator.closed == 2


async def test_reader_who_leaves_ends_all() -> None:
    held = asyncio.Event()

    async def before_token(place: int) -> None:
        if place == 1:
            await held.wait()

    generator = MemoryGenerator(before_token=before_token)
    async with aclosing(generate_choices(generator, orders(generator, "abc", "def"))) as pieces:
        await anext(pieces)
    assert generator.closed == 2

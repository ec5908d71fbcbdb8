import pytest

from fleetserve.errors import InvalidFieldError, UnavailableError
from inference_svc.generation.base import FinishReason, GenerationOrder
from inference_svc.generation.memory import MAX_TOKENS, MemoryGenerator


async def test_it_says_a_prompt_again() -> None:
    generator = MemoryGenerator()
    order = GenerationOrder(generator.read_text("abc"), top_logprobs=0)
    async with generator.generate(order) as stream:
        pieces = [piece async for piece in stream]
    assert [piece.text for piece in pieces] == ["a", "b", "c"]
    assert pieces[-1].finish_reason is FinishReason.STOP
    assert [one.text for piece in pieces for one in piece.logprobs] == ["a", "b", "c"]
    assert (generator.orders, generator.closed) == ([order], 1)


async def test_it_fails_where_it_shall() -> None:
    generator = MemoryGenerator(fails_at=1, failure=UnavailableError("gone"))
    stream = generator.generate(GenerationOrder(generator.read_text("abc")))
    assert (await anext(stream)).text == "a"
    with pytest.raises(UnavailableError):
        await anext(stream)


def test_it_has_a_limit_and_may_take_no_chats() -> None:
    with pytest.raises(InvalidFieldError):
        MemoryGenerator().read_text("a" * MAX_TOKENS)
    with pytest.raises(InvalidFieldError):
        MemoryGenerator(chat=False).read_chat([{"role": "user", "content": "a"}])

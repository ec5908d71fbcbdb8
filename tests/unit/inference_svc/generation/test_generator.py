"""The real generator on small public architectures: what it writes is what the library writes."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fleetserve.errors import DeadlineError, DoesNotFitError, InvalidFieldError, ShedError
from inference_svc.generation.base import FinishReason, GenerationOrder, Piece, Sampling
from inference_svc.generation.generator import LocalGenerator
from tests.unit.inference_svc.generation.conftest import BOUNDS, Library, Make

PROMPTS = (
    "the quick brown fox",
    "a",
    "hello, good morning: what is the answer to this question about numbers, and who counted them?",
    "你好 世界",
    "ships sail east at dawn " * 12,
)
GREEDY = {"do_sample": False, "pad_token_id": 0}


async def pieces_of(generator: LocalGenerator, order: GenerationOrder) -> list[Piece]:
    async with generator.generate(order) as stream:
        return [piece async for piece in stream]


async def text_of(generator: LocalGenerator, order: GenerationOrder) -> str:
    return "".join(piece.text for piece in await pieces_of(generator, order))


def order_of(generator: LocalGenerator, text: str, **changes: object) -> GenerationOrder:
    order = GenerationOrder(generator.read_text(text), generator.defaults, max_new_tokens=40)
    return replace(order, **changes)  # type: ignore[arg-type]  # by name


async def test_alone_it_writes_what_the_library_writes(
    llama: LocalGenerator, library: Library
) -> None:
    for prompt in PROMPTS:
        expected = library.generate(library.ids(prompt), max_new_tokens=40, **GREEDY)
        pieces = await pieces_of(llama, order_of(llama, prompt))
        assert "".join(piece.text for piece in pieces) == library.text(expected)
        assert sum(piece.tokens for piece in pieces) == len(expected)


async def test_in_company_it_writes_the_same(llama: LocalGenerator, library: Library) -> None:
    lengths = (40, 3, 17, 29, 8)
    found = await asyncio.gather(
        *(
            text_of(llama, order_of(llama, prompt, max_new_tokens=length))
            for prompt, length in zip(PROMPTS, lengths, strict=True)
        )
    )
    for prompt, length, text in zip(PROMPTS, lengths, found, strict=True):
        expected = library.generate(library.ids(prompt), max_new_tokens=length, **GREEDY)
        assert text == library.text(expected)


async def test_one_that_joins_later_changes_nothing(
    llama: LocalGenerator, library: Library
) -> None:
    async with llama.generate(order_of(llama, PROMPTS[0])) as first:
        begun = [await anext(first), await anext(first)]
        joined = await text_of(llama, order_of(llama, PROMPTS[4], max_new_tokens=12))
        begun += [piece async for piece in first]
        assert first.note.batch_size == 2
    expected = library.generate(library.ids(PROMPTS[0]), max_new_tokens=40, **GREEDY)
    assert "".join(piece.text for piece in begun) == library.text(expected)
    late = library.generate(library.ids(PROMPTS[4]), max_new_tokens=12, **GREEDY)
    assert joined == library.text(late)


async def test_gpt2_with_its_end_token_is_the_librarys(
    make_generator: Make, gpt2_folder: Path, gpt2_library: Library
) -> None:
    gpt2 = make_generator(gpt2_folder)
    for prompt in PROMPTS[:4]:
        expected = gpt2_library.generate(
            gpt2_library.ids(prompt), max_new_tokens=30, do_sample=False, pad_token_id=0
        )
        pieces = await pieces_of(gpt2, order_of(gpt2, prompt, max_new_tokens=30))
        assert "".join(piece.text for piece in pieces) == gpt2_library.text(expected)
        assert sum(piece.tokens for piece in pieces) == len(expected)
        ended = expected[-1] == gpt2_library.tokenizer.eos_token_id
        reason = FinishReason.STOP if ended else FinishReason.LENGTH
        assert pieces[-1].finish_reason is reason


async def test_penalty_and_least_length_are_the_librarys(
    make_generator: Make, gpt2_folder: Path, gpt2_library: Library
) -> None:
    gpt2 = make_generator(gpt2_folder)
    sampling = Sampling(repetition_penalty=1.3)
    for prompt in ("a", PROMPTS[0]):
        expected = gpt2_library.generate(
            gpt2_library.ids(prompt),
            max_new_tokens=24,
            min_new_tokens=12,
            repetition_penalty=1.3,
            **GREEDY,
        )
        order = order_of(gpt2, prompt, sampling=sampling, max_new_tokens=24, min_new_tokens=12)
        assert await text_of(gpt2, order) == gpt2_library.text(expected)


async def test_a_chat_is_read_by_the_models_template(
    llama: LocalGenerator, library: Library
) -> None:
    chat = [{"role": "user", "content": "good morning"}]
    prompt = llama.read_chat(chat)
    expected = library.tokenizer.apply_chat_template(chat, add_generation_prompt=True)
    assert list(prompt.ids) == list(expected["input_ids"])
    assert prompt.text.endswith("<|im_start|>assistant\n")


async def test_a_seed_decides_whatever_runs_beside_it(llama: LocalGenerator) -> None:
    sampling = Sampling(do_sample=True, temperature=1.5, top_p=0.95, seed=7)
    order = order_of(llama, PROMPTS[0], sampling=sampling)
    alone = await text_of(llama, order)
    others = [order_of(llama, p, sampling=replace(sampling, seed=n)) for n, p in enumerate(PROMPTS)]
    together = await asyncio.gather(*(text_of(llama, one) for one in [*others, order]))
    assert together[-1] == alone
    assert await text_of(llama, replace(order, sampling=replace(sampling, seed=8))) != alone


async def test_without_a_seed_texts_differ(llama: LocalGenerator) -> None:
    order = order_of(llama, "a", sampling=Sampling(do_sample=True, temperature=2.0))
    texts = {await text_of(llama, order) for _ in range(3)}
    assert len(texts) > 1


async def test_a_stop_string_ends_the_text_and_is_not_in_it(
    llama: LocalGenerator, library: Library
) -> None:
    whole = library.text(library.generate(library.ids(PROMPTS[0]), max_new_tokens=40, **GREEDY))
    stop = whole[20:26]
    pieces = await pieces_of(llama, order_of(llama, PROMPTS[0], stop=(stop, "never comes")))
    assert "".join(piece.text for piece in pieces) == whole[: whole.index(stop)]
    assert pieces[-1].finish_reason is FinishReason.STOP
    assert [piece.finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)


async def test_logprobs_are_the_models_own(llama: LocalGenerator, library: Library) -> None:
    order = order_of(llama, PROMPTS[0], max_new_tokens=5, top_logprobs=2)
    found = [one for piece in await pieces_of(llama, order) for one in piece.logprobs]
    ids = library.ids(PROMPTS[0])
    with torch.inference_mode():
        for one in found:
            logprobs = library.model(torch.tensor([ids])).logits[0, -1].log_softmax(0)
            assert one.logprob == pytest.approx(float(logprobs[one.id]), abs=1e-3)
            assert [other.id for other in one.top] == logprobs.topk(2).indices.tolist()
            ids.append(one.id)
    assert len(found) == 5


async def test_a_reader_who_leaves_ends_the_work(llama: LocalGenerator) -> None:
    async with llama.generate(order_of(llama, PROMPTS[0], max_new_tokens=400)) as stream:
        await anext(stream)
    # Another text runs through all its steps; the first one is in none of them.
    steps = stream.note.steps
    await text_of(llama, order_of(llama, "a", max_new_tokens=30))
    assert stream.note.steps <= steps + 1
    assert llama.decoder.queue.held_bytes == 0


async def test_a_slow_reader_holds_up_no_other(llama: LocalGenerator) -> None:
    async with llama.generate(order_of(llama, PROMPTS[0], max_new_tokens=400)) as slow:
        await anext(slow)
        await text_of(llama, order_of(llama, "a", max_new_tokens=100))
        assert slow.note.ended_s is None
        assert slow.note.steps < 100


async def test_a_deadline_ends_the_text(llama: LocalGenerator) -> None:
    with pytest.raises(DeadlineError, match="before its turn"):
        await text_of(llama, order_of(llama, "a", deadline_s=0.0))


def test_a_prompt_that_is_too_long_is_told_the_limit(llama: LocalGenerator) -> None:
    with pytest.raises(InvalidFieldError, match="512") as wrong:
        llama.read_text("hello " * 600)
    assert wrong.value.field == "inputs"


async def test_more_tokens_than_positions_are_refused(llama: LocalGenerator) -> None:
    left = 512 - len(llama.read_text(PROMPTS[0]).ids)
    order = order_of(llama, PROMPTS[0], max_new_tokens=left + 1)
    with pytest.raises(InvalidFieldError, match=f"leave {left} of") as wrong:
        llama.generate(order)
    assert wrong.value.field == "parameters.max_new_tokens"


async def test_without_a_wish_the_length_is_what_is_left_at_most(llama: LocalGenerator) -> None:
    prompt = "ships sail east at dawn " * 36
    order = order_of(llama, prompt, max_new_tokens=None)
    left = 512 - len(order.prompt.ids)
    assert 0 < left < 256
    assert sum(piece.tokens for piece in await pieces_of(llama, order)) == left


async def test_what_never_fits_is_told_so(make_generator: Make, llama_folder: Path) -> None:
    small = make_generator(llama_folder, replace(BOUNDS, cache_bytes=100_000))
    with pytest.raises(DoesNotFitError, match="kv_cache_mib"):
        small.generate(order_of(small, PROMPTS[0], max_new_tokens=400))
    # A text without a wish gets what there is room for.
    pieces = await pieces_of(small, order_of(small, PROMPTS[0], max_new_tokens=None))
    assert pieces[-1].finish_reason is FinishReason.LENGTH


async def test_what_does_not_fit_now_waits(
    make_generator: Make, llama_folder: Path, library: Library
) -> None:
    tight = make_generator(llama_folder, replace(BOUNDS, cache_bytes=100_000))
    orders = [order_of(tight, PROMPTS[0], max_new_tokens=30) for _ in range(4)]
    texts = await asyncio.gather(*(text_of(tight, order) for order in orders))
    expected = library.generate(library.ids(PROMPTS[0]), max_new_tokens=30, **GREEDY)
    assert set(texts) == {library.text(expected)}


async def test_beyond_the_bound_of_waiting_texts_they_are_shed(
    make_generator: Make, llama_folder: Path
) -> None:
    busy = make_generator(llama_folder, replace(BOUNDS, max_texts=1, max_waiting=2))
    order = order_of(busy, PROMPTS[0], max_new_tokens=400)
    outcomes = []
    for _ in range(4):
        try:
            outcomes.append(busy.generate(order))
        except ShedError:
            break
    # One at work, or not yet seen by the slot, and two that wait.
    assert len(outcomes) in (2, 3)
    for stream in outcomes:
        await stream.aclose()

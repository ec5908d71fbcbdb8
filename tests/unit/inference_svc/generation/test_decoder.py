"""Steps, order and failures, with a model whose next token is known."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import DoesNotFitError, InternalError, ShedError, UnavailableError
from fleetserve.replica.slot import ComputeSlot, Unit
from inference_svc.engine.base import DeviceLostError, DeviceMemoryError
from inference_svc.generation.base import GenerationOrder, Piece, Prompt
from inference_svc.generation.decoder import Decoder
from inference_svc.generation.memory_causal import MemoryCausal
from inference_svc.generation.model_defaults import ModelDefaults
from inference_svc.generation.sampling import Chooser
from inference_svc.generation.step_budget import StepBudget
from inference_svc.generation.text_queue import TextQueue
from inference_svc.generation.text_run import PieceStream, TextRun
from inference_svc.generation.writing import Decode, Writing

POISON = 1000  # No text comes to it by itself.


def decode(tokens: Sequence[int]) -> str:
    return "".join(map(chr, tokens))


class Bench:
    """A decoder on a slot, and texts for it; holds what the model was asked, step by step."""

    def __init__(self, slot: ComputeSlot, name: str = "m", **bounds: int) -> None:
        self.steps: list[list[list[int]]] = []
        self.failure: Exception = ValueError("poisoned")
        self.before_step: Callable[[], object] = lambda: None
        self.model = MemoryCausal(on_step=self._on_step)
        queue = TextQueue(bounds.get("bytes_", 1 << 20), bounds.get("texts", 8))
        budget = StepBudget(64, start=bounds.get("start", 16))
        self.decoder = Decoder(name, self.model, slot, SystemClock(), queue, budget, token_text=chr)
        slot.add(self.decoder)

    def _on_step(self, rows: list[list[int]]) -> None:
        self.before_step()
        self.steps.append(rows)
        if any(POISON in row for row in rows):
            raise self.failure

    def submit(
        self, ids: list[int], new: int = 5, priority: int = 0, decode: Decode = decode
    ) -> PieceStream:
        order = GenerationOrder(Prompt("", ids), max_new_tokens=new, priority=priority)
        stream = PieceStream(asyncio.get_running_loop(), self.decoder.wake)
        text = TextRun(
            order,
            stream,
            Chooser(order, ModelDefaults(), "cpu"),
            Writing(decode, ids, ()),
            end_ids=frozenset(),
            limit=new,
            bytes_=16 * (len(ids) + new),
        )
        self.decoder.submit(text)
        return stream

    def expected(self, ids: list[int], new: int = 5) -> str:
        known = list(ids)
        for _ in range(new):
            known.append(self.model.follower(known))
        return "".join(map(chr, known[len(ids) :]))


async def read(stream: PieceStream) -> str:
    async with stream:
        return "".join([piece.text async for piece in stream])


@pytest.fixture
def bench(slot: ComputeSlot) -> Iterator[Bench]:
    bench = Bench(slot)
    yield bench
    bench.decoder.close()


async def test_texts_share_their_steps(bench: Bench) -> None:
    gate = threading.Event()
    bench.before_step = lambda: gate.wait(10)
    streams = [bench.submit([1, 2, 3]), bench.submit([4, 5]), bench.submit([6])]
    gate.set()
    texts = await asyncio.gather(*map(read, streams))
    assert texts == [bench.expected([1, 2, 3]), bench.expected([4, 5]), bench.expected([6])]
    assert max(len(rows) for rows in bench.steps) == 3
    # Far fewer steps than tokens.
    assert len(bench.steps) <= 7
    assert {stream.note.batch_size for stream in streams} == {3}


async def test_a_short_text_is_done_long_before_a_long_one(bench: Bench) -> None:
    long = bench.submit([1], new=60)
    short = bench.submit([2], new=3)
    done: list[str] = []

    async def watch(name: str, stream: PieceStream) -> None:
        await read(stream)
        done.append(name)

    await asyncio.gather(watch("long", long), watch("short", short))
    assert done == ["short", "long"]
    assert short.note.steps == 3


async def test_a_long_prompt_does_not_hold_up_what_is_written(bench: Bench) -> None:
    gate = threading.Event()
    bench.before_step = lambda: gate.wait(10)
    written = bench.submit([1], new=12)
    long = bench.submit(list(range(1, 90)) * 4, new=1)
    gate.set()
    await asyncio.gather(read(written), read(long))
    reading = [rows for rows in bench.steps if any(len(row) > 1 for row in rows)]
    assert len(reading) > 3
    assert all(sum(map(len, rows)) <= 64 + 1 for rows in reading)
    assert all([len(row) for row in rows].count(1) == 1 for rows in reading[:3])


async def test_other_work_has_the_slot_between_two_steps(bench: Bench, slot: ComputeSlot) -> None:
    other = Bench(slot, "other")
    order: list[str] = []
    gate = threading.Event()
    bench.before_step = lambda: order.append("m")
    other.before_step = lambda: (order.append("other"), gate.wait(10))  # type: ignore[func-returns-value]
    streams = [other.submit([1], new=16), bench.submit([2], new=16)]
    gate.set()
    await asyncio.gather(*map(read, streams))
    other.decoder.close()
    both = "".join(name[0] for name in order)
    assert len(both) == 32
    # Neither waits for the other's end.
    assert both.index("m") < 8
    assert both.rindex("o") > 16


async def test_only_the_text_that_fails_fails(bench: Bench) -> None:
    gate = threading.Event()
    bench.before_step = lambda: gate.wait(10)
    streams = [bench.submit(ids) for ids in ([1, 2], [POISON, 3], [4], [5, 6, 7])]
    gate.set()
    texts = await asyncio.gather(*map(read, streams), return_exceptions=True)
    assert isinstance(texts[1], InternalError)
    assert [texts[n] for n in (0, 2, 3)] == [
        bench.expected([1, 2]),
        bench.expected([4]),
        bench.expected([5, 6, 7]),
    ]
    assert bench.decoder.queue.held_bytes == 0


async def test_texts_are_counted_as_requests_and_steps_as_batches(bench: Bench) -> None:
    gate = threading.Event()
    bench.before_step = lambda: gate.wait(10)
    streams = [bench.submit([1, 2]), bench.submit([POISON]), bench.submit([4])]
    gate.set()
    await asyncio.gather(*map(read, streams), return_exceptions=True)
    usage = bench.decoder.usage
    counts = (usage.success.count, usage.fail.count, usage.queue.count, usage.compute.count)
    assert counts == (2, 1, 2, 2)
    assert usage.inputs == 2
    assert sum(spent.count for spent in usage.batches.values()) == bench.decoder.written.steps
    assert 2 in usage.batches
    assert 0 < usage.compute.seconds <= usage.success.seconds
    assert usage.last_s > 0


async def test_a_token_that_can_not_be_written_fails_its_text_alone(bench: Bench) -> None:
    def broken(tokens: Sequence[int]) -> str:
        raise KeyError(tokens[-1])

    gate = threading.Event()
    bench.before_step = lambda: gate.wait(10)
    streams = [bench.submit([1, 2]), bench.submit([3], decode=broken)]
    gate.set()
    texts = await asyncio.gather(*map(read, streams), return_exceptions=True)
    assert texts[0] == bench.expected([1, 2])
    assert isinstance(texts[1], InternalError)


async def test_whatever_fails_in_a_step_ends_its_texts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bench.decoder.budget, "observe", fail)
    with pytest.raises(InternalError):
        await read(bench.submit([1, 2]))
    assert bench.decoder.queue.held_bytes == 0


async def test_too_little_memory_for_one_text_is_told(bench: Bench) -> None:
    bench.failure = DeviceMemoryError("out of memory")
    with pytest.raises(DoesNotFitError):
        await read(bench.submit([POISON]))


async def test_a_lost_device_poisons_the_slot(bench: Bench, slot: ComputeSlot) -> None:
    bench.failure = DeviceLostError("gone")
    with pytest.raises(InternalError):
        await read(bench.submit([POISON]))
    assert slot.poisoned == "gone"


async def test_who_left_is_in_no_further_step(bench: Bench) -> None:
    stream = bench.submit([1], new=60)
    await anext(stream)
    await stream.aclose()
    assert await read(bench.submit([2], new=20)) == bench.expected([2], 20)
    after = [rows for rows in bench.steps[-15:] if len(rows) > 1]
    assert after == []
    assert bench.decoder.queue.held_bytes == 0


async def test_the_higher_priority_starts_first(slot: ComputeSlot) -> None:
    bench = Bench(slot, "narrow", texts=1)
    gate = threading.Event()
    bench.before_step = lambda: gate.wait(10)
    streams = [bench.submit([n], new=2, priority=p) for n, p in ((1, 0), (2, 0), (3, 9))]
    gate.set()
    await asyncio.gather(*map(read, streams))
    started = [stream.note.started_s or 0.0 for stream in streams]
    assert started[2] < started[1]
    bench.decoder.close()


async def test_unloading_ends_what_is_at_work_and_sheds_what_waits(slot: ComputeSlot) -> None:
    bench = Bench(slot, "narrow", texts=1)
    begun, waiting = bench.submit([1], new=60), bench.submit([2])
    await anext(begun)
    bench.decoder.close()
    with pytest.raises(UnavailableError) as ended:
        await read(begun)
    assert not isinstance(ended.value, ShedError)
    with pytest.raises(ShedError):
        await read(waiting)
    with pytest.raises(ShedError):
        bench.submit([3])


async def test_sums_are_kept(bench: Bench) -> None:
    await read(bench.submit([1, 2, 3], new=4))
    written = bench.decoder.written
    assert (written.tokens, written.prompt_tokens) == (4, 3)
    assert written.steps == written.rows == 4
    assert written.first_token.total == 1
    report = bench.decoder.report()
    assert (report.at_work, report.waiting, report.held_bytes) == (0, 0, 0)


async def test_tokens_are_told_one_by_one(bench: Bench) -> None:
    pieces: list[Piece] = []
    async with bench.submit([1], new=3) as stream:
        pieces += [piece async for piece in stream]
    assert [piece.tokens for piece in pieces] == [1, 1, 1]


def test_nothing_to_do_is_no_unit(bench: Bench) -> None:
    unit: Unit | None = bench.decoder.take()
    assert unit is None

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetserve.clock import ManualClock
from fleetserve.errors import (
    DeadlineError,
    DoesNotFitError,
    InternalError,
    ShedError,
    UnavailableError,
)
from fleetserve.replica.slot import ComputeSlot
from inference_svc.batcher import Batcher
from inference_svc.budget import TokenBudget
from inference_svc.calls import Call
from inference_svc.engine.base import DeviceLostError, DeviceMemoryError, Prepared, Steps, finish
from inference_svc.engine.memory import MemoryEngine

START_S = 100.0


class Bench:
    """A batcher on a slot without a thread: the test runs it batch by batch."""

    def __init__(self, engine: MemoryEngine, *, tokens: int = 1000, max_size: int = 32) -> None:
        self.clock = ManualClock(START_S)
        self.engine = engine
        self.slot = ComputeSlot("cpu", self.clock)
        self.budget = TokenBudget(tokens, tokens)
        engine.load()
        self.batcher = Batcher(
            "m@r1", engine, self.slot, self.clock, self.budget, max_size=max_size
        )
        self.slot.add(self.batcher)

    def submit(self, call: Call, *texts: str) -> Call:
        self.batcher.submit(call, [(n, self.engine.prepare(t, None)) for n, t in enumerate(texts)])
        return call

    async def run_all(self) -> None:
        while self.slot._run_one():
            pass
        await asyncio.sleep(0)


@pytest.fixture
def bench() -> Bench:
    return Bench(MemoryEngine())


class Failing(MemoryEngine):
    """Fails as told, for batches of at least some size."""

    def __init__(self, failure: Exception, at_least: int = 1) -> None:
        super().__init__()
        self.failure = failure
        self.at_least = at_least

    def predict_batch(self, batch: Sequence[Prepared]) -> Sequence[object]:
        if len(batch) >= self.at_least:
            self.batches.append([prepared.payload for prepared in batch])
            raise self.failure
        return finish(super().predict_batch(batch))


class Short(MemoryEngine):
    def predict_batch(self, batch: Sequence[Prepared]) -> Sequence[object]:
        return finish(super().predict_batch(batch))[:-1]


async def test_what_waits_is_one_batch_and_comes_back_in_order(bench: Bench) -> None:
    calls = [bench.submit(Call(2), "a" * n, "b" * n) for n in (1, 2, 3)]
    await bench.run_all()
    assert [call.outcomes for call in calls] == [[1, 1], [2, 2], [3, 3]]
    assert len(bench.engine.batches) == 1
    assert calls[0].runs[0] is calls[2].runs[0]
    assert calls[0].runs[0].size == 6
    assert calls[0].runs[0].padded_fraction == pytest.approx(1 - 12 / 18)


async def test_the_budget_cuts_what_waits_and_sees_full_batches() -> None:
    bench = Bench(MemoryEngine(), tokens=64)
    calls = [bench.submit(Call(1), "x" * 20) for _ in range(7)]
    await bench.run_all()
    assert [len(batch) for batch in bench.engine.batches] == [3, 3, 1]
    assert all(call.outcomes == [20] for call in calls)


async def test_alone_means_a_batch_of_one(bench: Bench) -> None:
    bench.submit(Call(2, alone=True), "aa", "bb")
    bench.submit(Call(1), "cc")
    await bench.run_all()
    assert sorted(len(batch) for batch in bench.engine.batches) == [1, 1, 1]


async def test_a_poisoned_input_fails_alone() -> None:
    bench = Bench(MemoryEngine(poison=frozenset({"bad"})))
    calls = [bench.submit(Call(1), text) for text in ("one", "two", "bad", "four", "five")]
    await bench.run_all()
    failed = calls[2].outcomes[0]
    assert isinstance(failed, InternalError)
    assert failed.code == "model_failed"
    assert "poisoned" not in failed.detail
    assert [call.outcomes[0] for call in calls if call is not calls[2]] == [3, 3, 4, 4]


async def test_a_wrong_number_of_results_is_no_result() -> None:
    bench = Bench(Short())
    call = bench.submit(Call(2), "one", "two")
    await bench.run_all()
    assert all(isinstance(outcome, InternalError) for outcome in call.outcomes)


async def test_a_passed_deadline_never_reaches_the_model(bench: Bench) -> None:
    late = bench.submit(Call(1, deadline_s=START_S + 1), "late")
    fine = bench.submit(Call(1, deadline_s=START_S + 9), "fine!")
    bench.clock.move(2.0)
    await bench.run_all()
    assert isinstance(late.outcomes[0], DeadlineError)
    assert fine.outcomes == [5]
    assert bench.engine.batches == [["fine!"]]


async def test_only_late_inputs_leave_nothing_to_run(bench: Bench) -> None:
    late = bench.submit(Call(1, deadline_s=START_S), "late")
    assert not bench.slot._run_one()
    await asyncio.sleep(0)
    assert isinstance(late.outcomes[0], DeadlineError)
    assert bench.engine.batches == []


async def test_a_call_that_was_given_up_never_reaches_the_model(bench: Bench) -> None:
    gone, stays = bench.submit(Call(1), "gone"), bench.submit(Call(1), "stays")
    gone.done.cancel()
    await bench.run_all()
    assert bench.engine.batches == [["stays"]]
    assert stays.outcomes == [5]


async def test_out_of_memory_halves_the_budget_and_tries_again() -> None:
    bench = Bench(Failing(DeviceMemoryError("out"), at_least=3), tokens=1024)
    call = bench.submit(Call(4), "aaaa", "bbbb", "cccc", "dddd")
    await bench.run_all()
    assert call.outcomes == [4, 4, 4, 4]
    assert bench.budget.tokens <= 512


async def test_one_input_that_is_too_large_by_itself_says_so() -> None:
    bench = Bench(Failing(DeviceMemoryError("out")))
    call = bench.submit(Call(1), "a")
    await bench.run_all()
    assert isinstance(call.outcomes[0], DoesNotFitError)


async def test_a_lost_device_poisons_the_slot() -> None:
    bench = Bench(Failing(DeviceLostError("illegal memory access")))
    bench.submit(Call(1), "a")
    await bench.run_all()
    assert bench.slot.poisoned == "illegal memory access"


async def test_closing_sheds_what_waits(bench: Bench) -> None:
    waiting = bench.submit(Call(1), "a")
    bench.batcher.close()
    await bench.run_all()
    assert isinstance(waiting.outcomes[0], ShedError)
    assert bench.engine.batches == []


@pytest.fixture
def stepwise() -> Bench:
    return Bench(MemoryEngine(stepwise=True, poison=frozenset({"bad"})))


class Ticking(MemoryEngine):
    """Each step takes a second."""

    clock: ManualClock

    def predict_batch(self, batch: Sequence[Prepared]) -> Steps:
        for _ in range(batch[0].length):
            self.clock.move(1.0)
            yield
        return [prepared.length for prepared in batch]


async def test_a_short_batch_passes_a_long_one_between_its_steps() -> None:
    engine = Ticking()
    stepwise = Bench(engine)
    engine.clock = stepwise.clock
    long = stepwise.submit(Call(1), "x" * 100)
    for _ in range(10):
        assert stepwise.slot._run_one()
    short = stepwise.submit(Call(1), "yy")
    for _ in range(3):
        assert stepwise.slot._run_one()
    await asyncio.sleep(0)
    assert (short.outcomes, long.done.done()) == ([2], False)
    await stepwise.run_all()
    assert long.outcomes == [100]


async def test_so_many_batches_run_at_once_and_the_rest_gather(stepwise: Bench) -> None:
    calls = []
    for n in range(8):
        calls.append(stepwise.submit(Call(1), "x" * (10 + n)))
        stepwise.slot._run_one()
    await stepwise.run_all()
    assert [call.outcomes for call in calls] == [[10 + n] for n in range(8)]
    assert sorted(len(batch) for batch in stepwise.engine.batches) == [1, 1, 1, 1, 4]


async def test_a_batch_that_nobody_waits_for_is_given_up_between_steps(stepwise: Bench) -> None:
    call = stepwise.submit(Call(1), "x" * 100)
    stepwise.slot._run_one()
    call.done.cancel()
    await stepwise.run_all()
    assert (stepwise.engine.unfinished, stepwise.engine.batches) == (1, [])


async def test_a_culprit_is_found_among_steps_too(stepwise: Bench) -> None:
    call = stepwise.submit(Call(3), "one", "bad", "four")
    await stepwise.run_all()
    assert isinstance(call.outcomes[1], InternalError)
    assert (call.outcomes[0], call.outcomes[2]) == (3, 4)


async def test_closing_ends_what_has_begun(stepwise: Bench) -> None:
    begun = stepwise.submit(Call(1), "x" * 100)
    stepwise.slot._run_one()
    stepwise.batcher.close()
    await stepwise.run_all()
    assert isinstance(begun.outcomes[0], UnavailableError)
    assert not isinstance(begun.outcomes[0], ShedError)
    assert stepwise.engine.unfinished == 1


async def test_what_was_done_is_summed(bench: Bench) -> None:
    bench.submit(Call(2), "aaaa", "bb")
    await bench.run_all()
    done = bench.batcher.done
    assert (done.batches, done.inputs, done.useful, done.padded) == (1, 2, 6, 8)


texts = st.lists(
    st.text(st.characters(min_codepoint=97, max_codepoint=100), min_size=1), min_size=1
)


@given(
    st.lists(texts, min_size=1, max_size=8),
    st.frozensets(st.text(st.characters(min_codepoint=97, max_codepoint=100), min_size=1)),
    st.integers(4, 200),
    st.integers(1, 8),
)
def test_every_input_comes_back_once_and_only_culprits_fail(
    requests: list[list[str]], poison: frozenset[str], tokens: int, max_size: int
) -> None:
    async def scenario() -> None:
        bench = Bench(MemoryEngine(poison=poison), tokens=tokens, max_size=max_size)
        calls = [bench.submit(Call(len(texts)), *texts) for texts in requests]
        await bench.run_all()
        for call, texts in zip(calls, requests, strict=True):
            assert call.done.done()
            for outcome, text in zip(call.outcomes, texts, strict=True):
                assert (
                    isinstance(outcome, InternalError) if text in poison else outcome == len(text)
                )

    asyncio.run(scenario())


async def test_what_waits_is_counted_until_it_is_taken() -> None:
    bench = Bench(MemoryEngine(), max_size=2)
    bench.submit(Call(3), "a", "b", "c")
    counts = [bench.slot.waiting()]
    while bench.slot._run_one():
        counts.append(bench.slot.waiting())
    assert counts == [3, 1, 0]

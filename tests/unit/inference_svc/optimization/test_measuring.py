from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from fleetserve.clock import SystemClock
from fleetserve.replica.jobs import JobSource
from fleetserve.tunings import Measurement, Tuning
from inference_svc.optimization import measuring
from inference_svc.optimization.chains import Bench, read_chains
from inference_svc.optimization.held_samples import built_in_texts
from inference_svc.optimization.measuring import Limits, Measuring
from inference_svc.optimization.technique.base import Technique
from inference_svc.optimization.technique.memory import MemoryTechnique
from inference_svc.optimization.tolerance import Tolerance
from tests.unit.inference_svc.optimization.tiny import TinyEngine

Decide = Callable[..., Any]


class Cost:
    """A stopwatch that is moved by what each engine is said to cost."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def cost(monkeypatch: pytest.MonkeyPatch) -> Cost:
    cost = Cost()
    monkeypatch.setattr(measuring, "stopwatch", lambda *_: cost)
    return cost


def costing(cost: Cost, seconds: float, wrong: float = 0.0) -> Callable[[Any], Any]:
    """A module that takes so long per row, and errs by so much."""

    def around(module: Any) -> Any:
        def run(rows: Any) -> Any:
            cost.now_s += seconds * len(rows)
            result = module(rows)
            return result + wrong * torch.sign(torch.arange(result.shape[1]) - 7.5)

        return run

    return around


@pytest.fixture
def decide(bench: Bench, jobs: JobSource, thread: ThreadPoolExecutor, cost: Cost) -> Decide:
    """Measures candidates beside an engine that costs 4 s per input."""
    engine = TinyEngine()
    engine.load()
    engine.module = costing(cost, 4.0)(engine.module)

    async def run(
        *candidates: Technique, threads: int = 1, tell: Callable[..., None] = lambda *_: None
    ) -> Tuning:
        measured = Measuring(
            engine,
            "feature-extraction",
            "m@r1",
            engine.samples(built_in_texts()[:64]),
            bench=bench,
            limits=Limits(threads, 512, 32),
            tolerance=Tolerance(),
            jobs=jobs,
            thread=thread,
            clock=SystemClock(),
            tell=tell,
            start_tokens=256,
        )
        techniques = {technique.name: technique for technique in candidates}
        return await measured.decide(read_chains(list(techniques), techniques, "cpu"))

    return run


def per_call(cost: Cost, seconds: float) -> Callable[[Any], Any]:
    """A module that takes as long for many rows as for one."""

    def around(module: Any) -> Any:
        def run(rows: Any) -> Any:
            before_s = cost.now_s
            result = module(rows)
            cost.now_s = before_s + seconds
            return result

        return run

    return around


def technique(cost: Cost, name: str, saved_s: float, wrong: float = 0.0) -> MemoryTechnique:
    """Takes so much less than the module it is around."""
    return MemoryTechnique(name, around=costing(cost, -saved_s, wrong))


def rows(tuning: Tuning) -> dict[str, Measurement]:
    return {row.candidate: row for row in tuning.measurements}


async def test_the_fastest_that_is_exact_enough_is_chosen(decide: Decide, cost: Cost) -> None:
    tuning = await decide(
        technique(cost, "slow", 1.0), technique(cost, "fast", 2.0), technique(cost, "bad", 3.0, 9.0)
    )
    found = rows(tuning)
    assert (tuning.candidate, tuning.speedup, tuning.samples) == ("fast", 2.0, 64)
    assert (tuning.revision, tuning.torch, tuning.hardware) == ("r1", "2.0", "cpu/x86_64/avx2")
    assert found["bad"].speedup == 4.0
    assert found["bad"].within_tolerance is False
    assert [name for name, row in found.items() if row.chosen] == ["fast"]
    assert (found["float32"].ms, found["fast"].ms) == (4000.0, 2000.0)


async def test_what_is_no_faster_is_left_alone(decide: Decide, cost: Cost) -> None:
    tuning = await decide(technique(cost, "same", 0.05))
    assert (tuning.candidate, tuning.speedup, tuning.applied) == ("", 1.0, [])
    assert rows(tuning)["float32"].chosen


@pytest.mark.parametrize(
    "broken",
    [
        MemoryTechnique("x", why_not="no compiler"),
        MemoryTechnique("x", fails=ValueError("no compiler")),
        MemoryTechnique("x", around=lambda _: None),
    ],
    ids=["unavailable", "fails", "does not run"],
)
async def test_a_candidate_that_can_not_be_had_says_why(
    decide: Decide, cost: Cost, broken: MemoryTechnique
) -> None:
    tuning = await decide(broken, technique(cost, "fast", 2.0))
    assert tuning.candidate == "fast"
    assert rows(tuning)["x"].unavailable
    assert rows(tuning)["x"].ms is None


async def test_steps_and_rows_are_told_as_they_come(decide: Decide, cost: Cost) -> None:
    told: list[tuple[str, int]] = []

    def tell(step: str, found: Sequence[Measurement]) -> None:
        told.append((step, len(found)))

    await decide(technique(cost, "fast", 2.0), tell=tell)
    assert told[0][1] == 0
    assert ("fast is measured", 1) in told
    assert told[-1][0] == "the decision is kept"


async def test_fewer_threads_are_tried_where_there_are_several(decide: Decide) -> None:
    tuning = await decide(threads=4)
    assert {"threads=1", "threads=2"} <= set(rows(tuning))
    assert tuning.threads == 0


async def test_larger_batches_are_tried_as_long_as_they_pay(decide: Decide, cost: Cost) -> None:
    tuning = await decide(MemoryTechnique("flat", around=per_call(cost, 1.0)))
    assert tuning.applied == ["flat", "token_budget=512"]
    row = rows(tuning)["flat token_budget=512"]
    assert row.chosen
    assert tuning.speedup == row.speedup
    assert "flat token_budget=1024" not in rows(tuning)

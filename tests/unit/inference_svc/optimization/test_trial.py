import itertools
import time
from typing import Any

import torch

from inference_svc.engine.base import Prepared
from inference_svc.optimization.trial import Trial, compare, cut, run_through, stopwatch, two_cuts
from tests.steps import count_steps
from tests.unit.inference_svc.optimization.tiny import TinyEngine


def test_batches_are_of_like_lengths_and_within_bounds() -> None:
    batches = cut([Prepared(None, n) for n in (1, 9, 2, 8, 1, 30)], tokens=16, size=3)
    assert [[one.length for one in batch] for batch in batches] == [[1, 1, 2], [8], [9], [30]]


def test_groups_never_share_a_batch() -> None:
    batches = cut([Prepared(None, 1, "a"), Prepared(None, 1, "b")], tokens=16, size=8)
    assert [len(batch) for batch in batches] == [1, 1]


def test_others_may_compute_after_each_batch(engine: TinyEngine) -> None:
    batches = cut(engine.samples([str(n) for n in range(10)]), 4, 2)
    turns, trial = count_steps(run_through(engine, batches, time.monotonic))
    assert (turns, len(trial.base), len(trial.results)) == (5, 5, 10)


def test_both_engines_take_each_batch_in_turn(engine: TinyEngine) -> None:
    order: list[str] = []
    base = TinyEngine(lambda _: order.append("base"))
    other = TinyEngine(lambda _: order.append("other"))
    base.load()
    other.load()
    batches = cut(engine.samples(["a", "b"]), 1, 1)
    ticks = itertools.count()
    turns, trial = count_steps(compare(base, other, batches, lambda: float(next(ticks))))
    assert order == ["other", "base", "other", "base", "other"]
    assert (turns, trial.base, trial.other) == (5, [1.0, 1.0], [1.0, 1.0])
    assert len(trial.results) == 2


def test_of_two_rounds_each_batch_counts_with_its_better_time() -> None:
    both = Trial([1.0, 4.0], [1.0, 1.0], ["r"]).best_of(Trial([2.0, 3.0], [0.5, 2.0]))
    assert (both.base, both.other, both.results) == ([1.0, 3.0], [0.5, 1.0], ["r"])


def test_two_ways_to_cut_compute_every_input_once(engine: TinyEngine) -> None:
    sizes: list[int] = []
    counting = TinyEngine(sizes.append)
    counting.load()
    samples = engine.samples(["a"] * 12)
    _, trial = count_steps(
        two_cuts(counting, cut(samples, 2, 2), cut(samples, 4, 4), time.monotonic)
    )
    assert sum(sizes) == 24
    assert (len(trial.base), len(trial.other)) == (6, 3)


def test_one_cpu_thread_is_timed_by_its_own_time() -> None:
    assert stopwatch("cpu", 1) is time.thread_time
    assert stopwatch("cpu", 2) is time.perf_counter


def test_a_gpu_is_waited_for(monkeypatch: Any) -> None:
    waited: list[None] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append(None))
    assert stopwatch("cuda:0", 1)() > 0
    assert waited == [None]

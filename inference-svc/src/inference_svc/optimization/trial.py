"""Engines side by side on the same batches, one batch per turn of the compute slot."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

import torch

from inference_svc.engine.base import ModelEngine, Prepared

Batch = Sequence[Prepared]
Stopwatch = Callable[[], float]
ROUNDS = 2


@dataclass(slots=True)
class Trial:
    """What came of it.

    Attributes:
        base_s, other_s: Compute time of all batches, each batch's best round.
        results: The other's, in the order of the batches.
    """

    base_s: float = 0.0
    other_s: float = 0.0
    results: list[object] = field(default_factory=list)


def cut(prepared: Sequence[Prepared], tokens: int, size: int) -> list[list[Prepared]]:
    """Batches as the batcher makes them when much waits: like lengths together."""
    batches: list[list[Prepared]] = []
    for one in sorted(prepared, key=lambda p: (str(p.group), p.length)):
        last = batches[-1] if batches else []
        fits = last and (len(last) + 1) * one.length <= tokens and len(last) < size
        if fits and last[0].group == one.group:
            last.append(one)
        else:
            batches.append([one])
    return batches


def stopwatch(device: str, threads: int) -> Stopwatch:
    """Seconds of computing; one CPU thread's own time, since other processes share its core."""
    if device.startswith("cuda"):
        return _cuda_time
    return time.thread_time if threads == 1 else time.perf_counter


def _cuda_time() -> float:
    torch.cuda.synchronize()
    return time.perf_counter()


def run_through(
    engine: ModelEngine, batches: Sequence[Batch]
) -> Generator[None, None, list[object]]:
    """The results of all batches; others may compute between two."""
    results: list[object] = []
    for batch in batches:
        results += engine.predict_batch(batch)
        yield
    return results


def compare(
    base: ModelEngine,
    other: ModelEngine,
    batches: Sequence[Batch],
    watch: Stopwatch,
    rounds: int = ROUNDS,
) -> Generator[None, None, Trial]:
    """Both engines on each batch in turn, so that whatever disturbs, disturbs both."""
    trial = Trial()
    # What runs for the first time pays for what it sets up.
    other.predict_batch(batches[0])
    yield
    for batch in batches:
        base_s, other_s = float("inf"), float("inf")
        for number in range(rounds):
            begin_s = watch()
            base.predict_batch(batch)
            base_s = min(base_s, watch() - begin_s)
            yield
            begin_s = watch()
            results = other.predict_batch(batch)
            other_s = min(other_s, watch() - begin_s)
            if number == 0:
                trial.results += results
            yield
        trial.base_s += base_s
        trial.other_s += other_s
    return trial


def two_cuts(
    engine: ModelEngine, usual: Sequence[Batch], other: Sequence[Batch], watch: Stopwatch
) -> Generator[None, None, Trial]:
    """The same inputs cut into batches in two ways, in turns of about the same work."""
    trial = Trial()
    left = [(len(batch), batch) for batch in other]
    done_usual = done_other = 0
    for batch in usual:
        trial.base_s += yield from _timed(engine, batch, watch)
        done_usual += len(batch)
        while left and done_other < done_usual:
            size, another = left.pop(0)
            trial.other_s += yield from _timed(engine, another, watch)
            done_other += size
    return trial


def _timed(engine: ModelEngine, batch: Batch, watch: Stopwatch) -> Generator[None, None, float]:
    """The better of two: the first after another length has its caches cold."""
    best_s = float("inf")
    for _ in range(ROUNDS):
        begin_s = watch()
        engine.predict_batch(batch)
        best_s = min(best_s, watch() - begin_s)
        yield
    return best_s

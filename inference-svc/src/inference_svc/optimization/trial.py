"""Engines side by side on the same batches, one batch per turn of the compute slot."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

import torch

from inference_svc.engine.base import ModelEngine, Prepared, finish

Batch = Sequence[Prepared]
Stopwatch = Callable[[], float]


@dataclass(slots=True)
class Trial:
    """What came of it.

    Attributes:
        base, other: Compute time of each batch, in seconds.
        results: The other's, in the order of the batches.
    """

    base: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)
    results: list[object] = field(default_factory=list)

    @property
    def base_s(self) -> float:
        return sum(self.base)

    @property
    def other_s(self) -> float:
        return sum(self.other)

    def best_of(self, again: "Trial") -> "Trial":
        """Each batch's better time of two rounds: noise only ever adds."""
        base = [min(pair) for pair in zip(self.base, again.base, strict=True)]
        other = [min(pair) for pair in zip(self.other, again.other, strict=True)]
        return Trial(base, other, self.results)


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
    engine: ModelEngine, batches: Sequence[Batch], watch: Stopwatch
) -> Generator[None, None, Trial]:
    """Times and results of all batches, as ``base``; others may compute between two."""
    trial = Trial()
    for batch in batches:
        begin_s = watch()
        trial.results += finish(engine.predict_batch(batch))
        trial.base.append(watch() - begin_s)
        yield
    return trial


def compare(
    base: ModelEngine, other: ModelEngine, batches: Sequence[Batch], watch: Stopwatch
) -> Generator[None, None, Trial]:
    """Both engines on each batch in turn, so that whatever disturbs, disturbs both."""
    trial = Trial()
    # What runs for the first time pays for what it sets up.
    finish(other.predict_batch(batches[0]))
    yield
    for batch in batches:
        begin_s = watch()
        finish(base.predict_batch(batch))
        trial.base.append(watch() - begin_s)
        yield
        begin_s = watch()
        trial.results += finish(other.predict_batch(batch))
        trial.other.append(watch() - begin_s)
        yield
    return trial


def two_cuts(
    engine: ModelEngine, usual: Sequence[Batch], other: Sequence[Batch], watch: Stopwatch
) -> Generator[None, None, Trial]:
    """The same inputs cut into batches in two ways, in turns of about the same work."""
    trial = Trial()
    left = list(other)
    done_usual = done_other = 0
    for batch in usual:
        trial.base.append(_timed(engine, batch, watch))
        done_usual += len(batch)
        yield
        while left and done_other < done_usual:
            next_one = left.pop(0)
            trial.other.append(_timed(engine, next_one, watch))
            done_other += len(next_one)
            yield
    return trial


def _timed(engine: ModelEngine, batch: Batch, watch: Stopwatch) -> float:
    begin_s = watch()
    finish(engine.predict_batch(batch))
    return watch() - begin_s

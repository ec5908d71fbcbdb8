"""A source of the compute slot for functions and generators: one unit per call or step."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import ShedError, UnavailableError
from fleetserve.replica.job_sinks import JobSink, JobStream, ResultSink
from fleetserve.replica.shared_step import SharedStep, choose_company
from fleetserve.replica.slot import ComputeSlot, Unit

T = TypeVar("T")

log = structlog.get_logger(__name__)

AGING_S = 5.0  # Waiting so long is worth one step of priority.
BACKGROUND_WEIGHT = 10.0


@dataclass(slots=True)
class JobNote:
    """Filled in while a job goes on; times are monotonic seconds, None: not yet.

    Attributes:
        compute_s: Of its steps; of one that it shared, its part.
        batch_size: The most items that shared one.
    """

    submitted_s: float | None = None
    started_s: float | None = None
    compute_s: float = 0.0
    steps: int = 0
    batch_size: int = 1


@dataclass(slots=True, order=True)
class _Job:
    rank: tuple[float, int]
    make: Callable[[], Iterator[Any]] = field(compare=False)
    sink: JobSink = field(compare=False)
    note: JobNote = field(compare=False)
    background: bool = field(default=False, compare=False)
    steps: Iterator[Any] | None = field(default=None, compare=False)
    shared: SharedStep | None = field(default=None, compare=False)


class JobSource:
    """Jobs of one model.

    Waiting jobs start by priority, which rises while they wait, then by order. Up to
    ``max_active`` run interleaved, the one with the least compute time first, so that a short
    one is not held up by a long one. One of a priority below 0 is in the background: it takes no
    place from the others, and a tenth of the time that they get. Jobs whose awaiting task is
    cancelled are dropped between steps. Jobs that yield a ``SharedStep`` take it together, once
    none of them has anything to do for itself. A job that waits for its reader does not count
    as active.

    ``run``, ``run_steps`` and ``stream`` are for the event loop; functions and generators are
    called, stepped and closed in the compute thread.
    """

    def __init__(self, name: str, slot: ComputeSlot, clock: Clock, *, max_active: int = 4) -> None:
        self.name = name
        self._slot = slot
        self._clock = clock
        self._max_active = max_active
        self._inbox: deque[_Job] = deque()
        self._waiting: list[_Job] = []
        self._active: list[_Job] = []
        self._count = 0
        self._closed = False
        slot.add(self)

    async def run(
        self, function: Callable[[], T], *, priority: int = 0, note: JobNote | None = None
    ) -> T:
        """The function's result, computed in one unit."""
        result: T = await self._result(lambda: _Once(function), priority, note)
        return result

    async def run_steps(
        self,
        make: Callable[[], Generator[Any, None, T]],
        *,
        priority: int = 0,
        note: JobNote | None = None,
    ) -> T:
        """The generator's return value; others may compute wherever it yields."""
        result: T = await self._result(make, priority, note)
        return result

    async def _result(
        self, make: Callable[[], Iterator[Any]], priority: int, note: JobNote | None
    ) -> Any:
        sink: ResultSink[Any] = ResultSink(asyncio.get_running_loop())
        self._submit(make, sink, priority, note)
        try:
            return await sink.future
        finally:
            # Cancelled while waiting: the slot has to look, or the job keeps its place.
            self._slot.wake()

    def stream(
        self,
        make: Callable[[], Iterator[T | SharedStep | None]],
        *,
        priority: int = 0,
        ahead: int = 4,
        note: JobNote | None = None,
    ) -> JobStream[T]:
        """What the iterator yields, one unit each, at most ``ahead`` of them undelivered.

        None is not delivered: it only marks where others may compute.
        """
        stream: JobStream[T] = JobStream(asyncio.get_running_loop(), ahead, self._slot.wake)
        self._submit(make, stream, priority, note)
        return stream

    def close(self) -> None:
        """Takes no more; whatever is not finished fails, with ShedError where it had not begun."""
        self._closed = True
        self._slot.remove(self)
        self._slot.call(self._shed_all)

    def _submit(
        self,
        make: Callable[[], Iterator[Any]],
        sink: JobSink,
        priority: int,
        note: JobNote | None,
    ) -> None:
        if self._closed:
            raise ShedError(f"{self.name} is being unloaded.")
        now_s = self._clock.monotonic_s()
        note = note or JobNote()
        note.submitted_s = now_s
        self._count += 1
        # Waiting raises every job alike, so the order of two never changes: rank once.
        rank = (now_s / AGING_S - priority, self._count)
        self._inbox.append(_Job(rank, make, sink, note, background=priority < 0))
        self._slot.wake()

    def take(self) -> Unit | None:
        while self._inbox:
            heapq.heappush(self._waiting, self._inbox.popleft())
        self._drop_abandoned()
        ready = [job for job in self._active if not job.sink.paused]
        while self._waiting and self._may_start(self._waiting[0], ready):
            job = heapq.heappop(self._waiting)
            self._active.append(job)
            ready.append(job)
        if not ready:
            return None
        chosen = _choose(ready)
        if chosen.shared is None:
            return lambda: self._step(chosen)
        company = self._company(chosen, chosen.shared, ready)
        return lambda: self._step_together(company)

    def waiting(self) -> int:
        return len(self._inbox) + len(self._waiting)

    def _may_start(self, job: _Job, ready: list[_Job]) -> bool:
        """Those in the background leave the places of the others free."""
        counted = ready if job.background else [other for other in ready if not other.background]
        return len(counted) < self._max_active

    def _company(self, chosen: _Job, step: SharedStep, ready: list[_Job]) -> list[_Job]:
        others = sorted((job for job in ready if job is not chosen), key=_order)
        fits = choose_company(step, (job.shared for job in others))
        return [chosen, *(job for job, fit in zip(others, fits, strict=True) if fit)]

    def _step_together(self, jobs: list[_Job]) -> None:
        """One unit for all; who fails is found by halving."""
        start_s = self._clock.monotonic_s()
        steps = [job.shared for job in jobs if job.shared is not None]
        items = [item for step in steps for item in step.items]
        try:
            steps[0].run(items)
        except Exception as exc:  # noqa: BLE001 - split, then handed to whoever asked
            if len(jobs) == 1:
                self._active.remove(jobs[0])
                _close(jobs[0])
                jobs[0].sink.failed(exc)
                return
            middle = len(jobs) // 2
            self._step_together(jobs[:middle])
            self._step_together(jobs[middle:])
            return
        seconds = self._clock.monotonic_s() - start_s
        for job, step in zip(jobs, steps, strict=True):
            job.shared = None
            job.note.compute_s += seconds * len(step.items) / len(items)
            job.note.steps += 1
            job.note.batch_size = max(job.note.batch_size, len(items))

    def _step(self, job: _Job) -> None:
        start_s = self._clock.monotonic_s()
        if job.note.started_s is None:
            job.note.started_s = start_s
        try:
            if job.steps is None:
                job.steps = iter(job.make())
            item = next(job.steps)
        except StopIteration as stop:
            self._count_time(job, start_s)
            self._active.remove(job)
            job.sink.done(stop.value)
        except Exception as exc:  # noqa: BLE001 - handed to whoever asked
            self._count_time(job, start_s)
            self._active.remove(job)
            job.sink.failed(exc)
        else:
            self._count_time(job, start_s)
            if isinstance(item, SharedStep):
                job.shared = item
            else:
                job.sink.item(item)

    def _count_time(self, job: _Job, start_s: float) -> None:
        job.note.compute_s += self._clock.monotonic_s() - start_s
        job.note.steps += 1

    def _drop_abandoned(self) -> None:
        for jobs in (self._waiting, self._active):
            gone = [job for job in jobs if job.sink.dropped]
            if gone:
                jobs[:] = [job for job in jobs if job not in gone]
                heapq.heapify(self._waiting)
                for job in gone:
                    _close(job)

    def _shed_all(self) -> None:
        jobs = [*self._inbox, *self._waiting, *self._active]
        self._inbox.clear()
        self._waiting.clear()
        self._active.clear()
        for job in jobs:
            begun = job.steps is not None
            _close(job)
            text = f"{self.name} was unloaded before this was done."
            job.sink.failed(UnavailableError(text) if begun else ShedError(text))


class _Once(Iterator[Any]):
    """A function as a job of one step."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function

    def __next__(self) -> Any:
        raise StopIteration(self._function())


def _choose(ready: list[_Job]) -> _Job:
    """The one with the least compute time; before a shared step, whoever has work of its own."""
    chosen = min(ready, key=_order)
    if chosen.shared is None:
        return chosen
    own = [job for job in ready if job.shared is None and job.background <= chosen.background]
    return min(own, key=_order) if own else chosen


def _order(job: _Job) -> tuple[float, tuple[float, int]]:
    return _cost(job), job.rank


def _cost(job: _Job) -> float:
    """Compute time so far; of one in the background it counts for more, so that it yields."""
    return job.note.compute_s * (BACKGROUND_WEIGHT if job.background else 1.0)


def _close(job: _Job) -> None:
    if isinstance(job.steps, Generator):
        try:
            job.steps.close()
        except Exception:
            log.exception("job.close_failed")

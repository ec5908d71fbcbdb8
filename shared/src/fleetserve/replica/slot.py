"""One compute thread per device, fair over the sources that feed it."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Protocol, TypeVar

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import ShedError
from fleetserve.replica.fairness import FairShare

log = structlog.get_logger(__name__)

T = TypeVar("T")
Unit = Callable[[], None]


class WorkSource(Protocol):
    """Something that has work for the slot: a model's batcher, a queue of jobs.

    ``take`` is called in the compute thread, must not block and gives the next unit (one
    batch, one decoding step) or None. A unit reports its own results and errors; one that
    raises is logged, and the thread goes on. Units are short: they are the grain of fairness
    and of the watchdog.
    """

    name: str

    def take(self) -> Unit | None: ...

    def waiting(self) -> int:
        """How many inputs or jobs have not begun. Any thread; a moment old."""
        ...


class ComputeSlot:
    """The thread that computes; what is computed on its device is computed here.

    Attributes:
        progress: Rises with every finished unit.
        poisoned: Why the device can't be used any more (a CUDA context that faulted), if so.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.progress = 0
        self.poisoned: str | None = None
        self._clock = clock
        # By the object: two loads of one model, the old one serving its last, have one name.
        self._fair: FairShare[int] = FairShare()
        self._sources: dict[int, WorkSource] = {}
        self._calls: deque[Unit] = deque()
        self._wakeups: SimpleQueue[None] = SimpleQueue()
        self._awake = True
        self._stopping = False
        self._unit_since_s: float | None = None
        self._worked_s = 0.0
        self._sources_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"compute-{name}", daemon=True)

    @property
    def alive(self) -> bool:
        """The thread runs; True before start() too."""
        return self._thread.ident is None or self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ends the thread after the unit at work; what waits in the sources stays there."""
        self._stopping = True
        self._wakeups.put(None)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def add(self, source: WorkSource) -> None:
        """Any thread."""
        with self._sources_lock:
            self._sources[id(source)] = source
            self._fair.enter(id(source))
        self.wake()

    def remove(self, source: WorkSource) -> None:
        """Any thread. A unit of it that is at work is finished."""
        with self._sources_lock:
            self._sources.pop(id(source), None)
            self._fair.leave(id(source))

    def wake(self) -> None:
        """Tells the thread that there is work. Any thread; one token however often."""
        if not self._awake:
            self._awake = True
            self._wakeups.put(None)

    def call(self, function: Callable[[], T]) -> "Future[T]":
        """Runs a function once in the compute thread, before other work. Any thread.

        Raises (from the future): ShedError: the slot is stopped; what the function raises.
        """
        future: Future[T] = Future()
        if self._stopping or not self.alive:
            future.set_exception(ShedError("The replica stops."))
            return future

        def unit() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as exc:  # noqa: BLE001 - handed to whoever asked
                    future.set_exception(exc)

        self._calls.append(unit)
        self.wake()
        return future

    def busy_s(self) -> float:
        """How long the unit at work has been running; 0 when there is none."""
        since_s = self._unit_since_s
        return 0.0 if since_s is None else self._clock.monotonic_s() - since_s

    def worked_s(self) -> float:
        """How long units have been running since the start, the one at work included."""
        return self._worked_s + self.busy_s()

    def waiting(self) -> int:
        """What waits in all sources together."""
        with self._sources_lock:
            return sum(source.waiting() for source in self._sources.values())

    def poison(self, reason: str) -> None:
        """Says that nothing can be computed here any more; the watchdog ends the process."""
        if self.poisoned is None:
            self.poisoned = reason
            log.error("slot.poisoned", slot=self.name, reason=reason)

    def _run(self) -> None:
        while not self._stopping:
            if not self._run_one():
                self._sleep()

    def _sleep(self) -> None:
        # Work that came after the look but before the flag fell would be missed without the
        # second look; what comes after the flag fell brings a token.
        self._awake = False
        if self._run_one():
            self._awake = True
            return
        self._wakeups.get()

    def _run_one(self) -> bool:
        """Runs one unit of the least served source that has any; False: nobody has."""
        if self._calls:
            self._work(None, self._calls.popleft())
            return True
        with self._sources_lock:
            order = [self._sources[key] for key in self._fair.order()]
        for source in order:
            unit = self._take(source)
            if unit is not None:
                self._work(source, unit)
                return True
        return False

    def _take(self, source: WorkSource) -> Unit | None:
        try:
            return source.take()
        except Exception:
            log.exception("source.failed", slot=self.name, source=source.name)
            return None

    def _work(self, source: WorkSource | None, unit: Unit) -> None:
        start_s = self._clock.monotonic_s()
        self._unit_since_s = start_s
        try:
            unit()
        except Exception:
            log.exception("unit.failed", slot=self.name, source=source.name if source else "calls")
        finally:
            took_s = self._clock.monotonic_s() - start_s
            self._unit_since_s = None
            self._worked_s += took_s
            self.progress += 1
            self._fair.charge(id(source), took_s)

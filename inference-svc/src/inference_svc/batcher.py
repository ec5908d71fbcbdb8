"""A model's source of batches for the compute slot: what waits, runs, and comes back."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import (
    DeadlineError,
    DoesNotFitError,
    FleetError,
    InternalError,
    ShedError,
    UnavailableError,
)
from fleetserve.replica.slot import ComputeSlot, Unit
from fleetserve.usage import Usage
from inference_svc.batching import BatchQueue, Bounds, Selection
from inference_svc.budget import TokenBudget
from inference_svc.calls import Call, Item
from inference_svc.engine.base import DeviceLostError, DeviceMemoryError, ModelEngine, Prepared
from inference_svc.execution import Execution, Outcome
from inference_svc.optimization.held_samples import RecentInputs

log = structlog.get_logger(__name__)

# Batches of one model that are under way at once, where they take steps: a short one that comes
# later is not held up by a long one, and each more takes memory.
MAX_RUNNING = 4


@dataclass(slots=True)
class Done:
    """Sums since the model was loaded; written by the compute thread."""

    batches: int = 0
    inputs: int = 0
    useful: int = 0
    padded: int = 0
    compute_s: float = 0.0

    def count(self, inputs: int, useful: int, padded: int, compute_s: float) -> None:
        self.batches += 1
        self.inputs += inputs
        self.useful += useful
        self.padded += padded
        self.compute_s += compute_s


class Batcher:
    """Feeds one engine. ``submit`` is for the event loop, ``take`` for the compute thread.

    Between the two there is one deque and at most one wake-up per batch; nothing is locked, and
    all results of a batch come back in one callback.
    """

    def __init__(
        self,
        name: str,
        engine: ModelEngine,
        slot: ComputeSlot,
        clock: Clock,
        budget: TokenBudget,
        *,
        max_size: int,
    ) -> None:
        self.name = name
        self._engine = engine
        self._slot = slot
        self._now_s = clock.monotonic_s
        self.budget = budget
        self.max_size = max_size
        self.done = Done()
        self.usage = Usage()
        self._inbox: deque[Item] = deque()
        self._queue: BatchQueue[Item] = BatchQueue()
        self._running: list[Execution] = []

    def submit(self, call: Call, prepared: Iterable[tuple[int, Prepared]]) -> None:
        """Hands inputs over, each with its index in the call."""
        call.submitted_s = self._now_s()
        for index, one in prepared:
            self._inbox.append(Item(call, index, one))
        self._slot.wake()

    def close(self) -> None:
        """Takes itself out of the slot; whatever waits is shed."""
        self._slot.remove(self)
        self._slot.call(self._shed_all)

    def take(self) -> Unit | None:
        inbox, queue = self._inbox, self._queue
        while inbox:
            queue.add(inbox.popleft())
        if self._running:
            self._drop_abandoned()
        while len(self._running) < MAX_RUNNING:
            packed = self._engine.info.packs
            batch = queue.select(Bounds(self.budget.tokens, self.max_size, packed))
            if batch is None:
                break
            self._drop_expired(batch)
            if batch.items:
                self._running.append(Execution(self._engine, batch, self._now_s, self._judge))
                break
        if not self._running:
            return None
        # The least served goes on, so that a short one passes a long one.
        chosen = min(self._running, key=lambda run: run.compute_s)
        return lambda: self._step(chosen)

    def waiting(self) -> int:
        return len(self._inbox) + len(self._queue)

    def _drop_expired(self, batch: Selection[Item]) -> None:
        """What is over its deadline fails without reaching the model."""
        now_s = self._now_s()
        late = [item for item in batch.items if item.call.deadline_s <= now_s]
        if late:
            batch.items = [item for item in batch.items if item.call.deadline_s > now_s]
            batch.longest = max((item.length for item in batch.items), default=0)
            error = DeadlineError("The time for this request was over before its turn came.")
            _deliver([(item, error, None) for item in late])

    def _drop_abandoned(self) -> None:
        for run in [run for run in self._running if run.dropped]:
            self._running.remove(run)
            run.close()

    def _step(self, run: Execution) -> None:
        outcomes = run.step()
        if outcomes is None:
            return
        self._running.remove(run)
        self._count(outcomes)
        batch = run.batch
        if all(outcome[2] is outcomes[0][2] for outcome in outcomes):
            self.budget.observe(batch.useful, run.compute_s, full=batch.full)
        log.debug("batch.executed", source=self.name, size=len(outcomes), longest=batch.longest)
        _deliver(outcomes)

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        """Sums what was computed; an input that failed alone is not in it."""
        done = [(item, run) for item, result, run in outcomes if not isinstance(result, Exception)]
        for run in dict.fromkeys(run for _, run in done if run is not None):
            lengths = [item.length for item, its in done if its is run]
            padded = round(sum(lengths) / (1 - run.padded_fraction))
            self.done.count(len(lengths), sum(lengths), padded, run.compute_s)
            self.usage.inputs += len(lengths)
            self.usage.ran(len(lengths), run.compute_s)

    def _judge(self, exc: Exception, alone: bool) -> Exception:
        """What a failed batch means for the device; for a single input, what its caller is told."""
        if isinstance(exc, DeviceMemoryError):
            self.budget.halve()
        elif isinstance(exc, DeviceLostError):
            self._slot.poison(str(exc))
        if not alone or isinstance(exc, FleetError):
            return exc
        if isinstance(exc, DeviceMemoryError):
            return DoesNotFitError(f"This input alone is more than the device's memory: {exc}")
        log.error("input.failed", model=self.name, exc_info=exc)
        return InternalError(
            "The model failed on this input. The log has the details.", code="model_failed"
        )

    def _shed_all(self) -> None:
        waiting = list(self._inbox)
        self._inbox.clear()
        while (batch := self._queue.select(Bounds(1 << 62, 1 << 30))) is not None:
            waiting += batch.items
        error = ShedError(f"{self.name} was unloaded before this ran.")
        _deliver([(item, error, None) for item in waiting])
        begun = UnavailableError(f"{self.name} was unloaded before this was done.")
        for run in self._running:
            run.close()
            _deliver([(item, begun, None) for item in run.batch.items])
        self._running.clear()


def _deliver(outcomes: Sequence[Outcome]) -> None:
    """Compute thread to event loop, once for all."""
    if not outcomes:
        return
    loop = outcomes[0][0].call.done.get_loop()
    try:
        loop.call_soon_threadsafe(_settle, outcomes)
    except RuntimeError:
        # The loop is closed: the process ends, and nobody waits any more.
        log.info("batch.undelivered", size=len(outcomes))


def _settle(outcomes: Sequence[Outcome]) -> None:
    for item, outcome, run in outcomes:
        item.call.settle(item.index, outcome, run)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A loaded model as requests use it: its engine and the batcher that feeds it.

    Attributes:
        recent: What it was asked for last, to measure candidates on.
    """

    engine: ModelEngine
    batcher: Batcher
    recent: RecentInputs = field(default_factory=RecentInputs)

"""A model's source of batches for the compute slot: what waits, runs, and comes back."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import DeadlineError, DoesNotFitError, FleetError, InternalError, ShedError
from fleetserve.replica.slot import ComputeSlot, Unit
from inference_svc.batching import BatchQueue, Bounds, Selection
from inference_svc.budget import TokenBudget
from inference_svc.calls import BatchRun, Call, Item
from inference_svc.engine.base import DeviceLostError, DeviceMemoryError, ModelEngine, Prepared
from inference_svc.optimization.held_samples import RecentInputs

log = structlog.get_logger(__name__)

Outcome = tuple[Item, object, BatchRun | None]


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
        self._max_size = max_size
        self.done = Done()
        self._inbox: deque[Item] = deque()
        self._queue: BatchQueue[Item] = BatchQueue()

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
        while (batch := queue.select(Bounds(self.budget.tokens, self._max_size))) is not None:
            self._drop_expired(batch)
            if batch.items:
                chosen = batch
                return lambda: self._run(chosen)
        return None

    def _drop_expired(self, batch: Selection[Item]) -> None:
        """What is over its deadline fails without reaching the model."""
        now_s = self._now_s()
        late = [item for item in batch.items if item.call.deadline_s <= now_s]
        if late:
            batch.items = [item for item in batch.items if item.call.deadline_s > now_s]
            batch.longest = max((item.length for item in batch.items), default=0)
            error = DeadlineError("The time for this request was over before its turn came.")
            _deliver([(item, error, None) for item in late])

    def _run(self, batch: Selection[Item]) -> None:
        begin_s = self._now_s()
        outcomes = self._execute(batch.items)
        if all(outcome[2] is outcomes[0][2] for outcome in outcomes):
            self.budget.observe(batch.useful, self._now_s() - begin_s, full=batch.full)
        log.debug("batch.executed", source=self.name, size=len(outcomes), longest=batch.longest)
        _deliver(outcomes)

    def _execute(self, items: Sequence[Item]) -> list[Outcome]:
        """Runs a batch; one that fails is halved until only the culprit fails."""
        begin_s = self._now_s()
        try:
            results = self._predict(items)
        except Exception as exc:  # noqa: BLE001 - split, then told to whoever asked
            self._note_device(exc)
            if len(items) == 1:
                run = BatchRun(1, begin_s, self._now_s() - begin_s, 0.0)
                return [(items[0], self._as_failure(exc), run)]
            middle = len(items) // 2
            return self._execute(items[:middle]) + self._execute(items[middle:])
        padded = max(item.length for item in items) * len(items)
        useful = sum(item.length for item in items)
        compute_s = self._now_s() - begin_s
        self.done.count(len(items), useful, padded, compute_s)
        run = BatchRun(len(items), begin_s, compute_s, 1 - useful / padded)
        return [(item, result, run) for item, result in zip(items, results, strict=True)]

    def _predict(self, items: Sequence[Item]) -> Sequence[object]:
        results = self._engine.predict_batch([item.prepared for item in items])
        if len(results) != len(items):
            raise RuntimeError(
                f"{self.name} gave {len(results)} results for a batch of {len(items)} inputs"
            )
        return results

    def _note_device(self, exc: Exception) -> None:
        if isinstance(exc, DeviceMemoryError):
            self.budget.halve()
        elif isinstance(exc, DeviceLostError):
            self._slot.poison(str(exc))

    def _as_failure(self, exc: Exception) -> FleetError:
        if isinstance(exc, FleetError):
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

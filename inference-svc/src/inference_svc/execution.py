"""One batch on its way through an engine: in one unit of the slot, or step by step."""

from collections.abc import Callable, Generator, Sequence

from inference_svc.batching import Selection
from inference_svc.calls import BatchRun, Item
from inference_svc.engine.base import ModelEngine, Steps

Outcome = tuple[Item, object, BatchRun | None]


class WrongCountError(RuntimeError):
    """An engine gave another number of results than there were inputs."""


class Execution:
    """Runs a batch; one that fails is halved until only the culprit fails. Compute thread only.

    Args:
        as_failure: Tells what an exception means, at once (``alone`` False) and for the caller
            of the one input that failed by itself.

    Attributes:
        compute_s: Of the steps so far.
    """

    def __init__(
        self,
        engine: ModelEngine,
        batch: Selection[Item],
        now_s: Callable[[], float],
        as_failure: Callable[[Exception, bool], Exception],
    ) -> None:
        self.batch = batch
        self.compute_s = 0.0
        self._engine = engine
        self._now_s = now_s
        self._as_failure = as_failure
        self._step_began_s = now_s()
        self._steps = self._execute(batch.items)

    @property
    def dropped(self) -> bool:
        """Nobody waits for any of it any more."""
        return all(item.dropped for item in self.batch.items)

    def step(self) -> list[Outcome] | None:
        """Runs to where it rests; the outcomes once it is through."""
        self._step_began_s = self._now_s()
        try:
            next(self._steps)
        except StopIteration as end:
            outcomes: list[Outcome] = end.value
            return outcomes
        finally:
            self.compute_s += self._now_s() - self._step_began_s
        return None

    def close(self) -> None:
        """Ends it where it rests."""
        self._steps.close()

    def _spent_s(self) -> float:
        return self.compute_s + self._now_s() - self._step_began_s

    def _execute(self, items: Sequence[Item]) -> Generator[None, None, list[Outcome]]:
        started_s, before_s = self._now_s(), self._spent_s()
        try:
            results = yield from self._predict(items)
        except Exception as exc:  # noqa: BLE001 - split, then told to whoever asked
            failure = self._as_failure(exc, len(items) == 1)
            if len(items) == 1:
                run = BatchRun(1, started_s, self._spent_s() - before_s, 0.0)
                return [(items[0], failure, run)]
            middle = len(items) // 2
            first = yield from self._execute(items[:middle])
            second = yield from self._execute(items[middle:])
            return first + second
        run = BatchRun(len(items), started_s, self._spent_s() - before_s, self._padding(items))
        return [(item, result, run) for item, result in zip(items, results, strict=True)]

    def _padding(self, items: Sequence[Item]) -> float:
        if self._engine.info.packs:
            return 0.0
        padded = max(item.length for item in items) * len(items)
        return 1 - sum(item.length for item in items) / padded

    def _predict(self, items: Sequence[Item]) -> Steps:
        results = self._engine.predict_batch([item.prepared for item in items])
        if isinstance(results, Generator):
            results = yield from results
        if len(results) != len(items):
            raise WrongCountError(f"{len(results)} results for a batch of {len(items)} inputs")
        return results

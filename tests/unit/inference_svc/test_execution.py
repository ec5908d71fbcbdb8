from collections.abc import Sequence

from fleetserve.clock import ManualClock
from inference_svc.batching import Selection
from inference_svc.calls import Call, Item
from inference_svc.engine.base import Prepared, Steps
from inference_svc.engine.memory import MemoryEngine
from inference_svc.execution import Execution, WrongCountError


class Timed(MemoryEngine):
    """Takes two steps of a second each, with time for others in between."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def predict_batch(self, batch: Sequence[Prepared]) -> Steps:
        self._clock.move(1.0)
        yield
        self._clock.move(1.0)
        return [prepared.length for prepared in batch]


async def test_time_between_the_steps_is_not_compute_time() -> None:
    clock = ManualClock(0.0)
    items = [Item(Call(1), 0, Prepared("a", 3))]
    run = Execution(Timed(clock), Selection(items, 3), clock.monotonic_s, lambda exc, _: exc)
    assert run.step() is None
    clock.move(100.0)
    outcomes = run.step()
    assert outcomes is not None
    assert outcomes[0][1] == 3
    assert outcomes[0][2] is not None
    assert (outcomes[0][2].compute_s, run.compute_s) == (2.0, 2.0)


class Short(MemoryEngine):
    def predict_batch(self, batch: Sequence[Prepared]) -> Sequence[object]:
        return []


async def test_a_wrong_count_names_both_numbers() -> None:
    clock = ManualClock(0.0)
    items = [Item(Call(1), 0, Prepared("a"))]
    run = Execution(Short(), Selection(items, 1), clock.monotonic_s, lambda exc, _: exc)
    outcomes = run.step()
    assert outcomes is not None
    failure = outcomes[0][1]
    assert isinstance(failure, WrongCountError)
    assert str(failure) == "0 results for a batch of 1 inputs"


async def test_it_is_dropped_once_nobody_waits() -> None:
    clock = ManualClock(0.0)
    calls = [Call(1), Call(1)]
    items = [Item(call, 0, Prepared("a")) for call in calls]
    engine = MemoryEngine()
    run = Execution(engine, Selection(items, 1), clock.monotonic_s, lambda exc, _: exc)
    calls[0].done.cancel()
    assert not run.dropped
    calls[1].done.cancel()
    assert run.dropped

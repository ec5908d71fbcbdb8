import random
from collections.abc import Callable

import pytest

from inference_svc.generation.step_budget import StepBudget


def settle(time_of: Callable[[int], float], steps: int = 60, start: int = 64) -> int:
    """Where it ends with prompts that never end, one step in four being without any."""
    budget = StepBudget(4096, start=start)
    for step in range(steps):
        if step % 4 == 3:
            budget.observe(1, time_of(1), read=0, bound=False)
        else:
            tokens = budget.tokens
            budget.observe(tokens, time_of(tokens), read=tokens, bound=True)
    return budget.tokens


@pytest.mark.parametrize("start", [8, 64, 1024])
def test_it_settles_where_a_step_takes_a_fifth_of_a_second(start: int) -> None:
    assert 55 <= settle(lambda n: 0.042 + 0.0026 * n, start=start) <= 65


def test_where_the_weights_alone_take_longer_it_settles_at_twice_their_time() -> None:
    assert 45 <= settle(lambda n: 1.0 + 0.02 * n) <= 55


def test_a_busy_machine_does_not_end_in_steps_that_read_nothing() -> None:
    noise = random.Random(1)
    found = settle(lambda n: (0.042 + 0.0026 * n) * noise.uniform(2, 8), steps=200)
    assert found >= 12


def test_a_quick_device_gets_as_much_as_is_allowed() -> None:
    assert settle(lambda n: 0.001 + 1e-6 * n) == 4096


def test_without_differences_it_goes_by_the_time_alone() -> None:
    budget = StepBudget(1024, start=64)
    budget.observe(64, 0.8, read=64, bound=True)
    assert budget.tokens == 43


def test_a_step_that_the_budget_did_not_bound_does_not_raise_it() -> None:
    budget = StepBudget(1024, start=64)
    budget.observe(3, 0.001, read=3, bound=False)
    budget.observe(5, 0.001, read=5, bound=False)
    assert budget.tokens == 64


def test_it_keeps_its_bounds() -> None:
    budget = StepBudget(100, start=64, smallest=8)
    for _ in range(20):
        budget.observe(8, 60.0, read=8, bound=True)
    assert budget.tokens == 8
    for _ in range(20):
        budget.observe(8, 1e-6, read=8, bound=True)
    assert budget.tokens == 100

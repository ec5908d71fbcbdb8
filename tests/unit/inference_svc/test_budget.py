from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_svc.budget import BATCHES_PER_TRIAL, TokenBudget


def run(budget: TokenBudget, rate: Callable[[int], float], batches: int) -> None:
    """Runs full batches whose throughput depends on the bound."""
    for _ in range(batches):
        tokens = budget.tokens
        budget.observe(tokens, tokens / rate(tokens), full=True)


def peak_at(best: int) -> Callable[[int], float]:
    return lambda tokens: 1000.0 / (1.0 + abs(tokens - best) / best)


@pytest.mark.parametrize(("start", "best"), [(256, 1024), (2048, 200), (256, 256)])
def test_it_climbs_to_the_bound_with_the_best_throughput(start: int, best: int) -> None:
    budget = TokenBudget(start, 16_384)
    run(budget, peak_at(best), 100 * BATCHES_PER_TRIAL)
    settled = []
    for _ in range(4 * BATCHES_PER_TRIAL):
        settled.append(budget.tokens)
        run(budget, peak_at(best), 1)
    assert best / 2 <= min(settled)
    assert max(settled) <= best * 2


def test_batches_that_were_not_full_teach_nothing() -> None:
    budget = TokenBudget(256, 4096)
    for _ in range(1000):
        budget.observe(10, 1.0, full=False)
    assert budget.tokens == 256


def test_flat_throughput_keeps_it_where_it_is() -> None:
    budget = TokenBudget(256, 4096)
    run(budget, lambda _: 1000.0, 1000)
    assert 181 <= budget.tokens <= 362


@given(
    st.integers(1, 5000),
    st.integers(64, 5000),
    st.lists(st.tuples(st.integers(1, 100), st.floats(0.001, 1.0)), max_size=300),
)
def test_it_never_leaves_its_bounds(
    start: int, largest: int, batches: list[tuple[int, float]]
) -> None:
    budget = TokenBudget(start, largest)
    for useful, seconds in batches:
        assert min(32, start) <= budget.tokens <= largest
        budget.observe(useful, seconds, full=True)


def test_memory_that_ran_out_bounds_it_for_good() -> None:
    budget = TokenBudget(1024, 16_384)
    budget.halve()
    run(budget, peak_at(8192), 1000)
    assert budget.tokens <= 512

from inference_svc.generation.step_budget import TARGET_S, StepBudget


def test_it_shrinks_where_steps_take_too_long_and_grows_where_they_are_quick() -> None:
    budget = StepBudget(1024, start=64)
    budget.observe(64, 4 * TARGET_S, writing=False, bound=True)
    assert budget.tokens == 32
    for _ in range(3):
        budget.observe(budget.tokens, TARGET_S / 100, writing=False, bound=True)
    assert budget.tokens == 108


def test_it_settles_where_a_step_takes_the_target() -> None:
    budget = StepBudget(4096, start=16)
    for _ in range(30):
        budget.observe(budget.tokens, budget.tokens * 0.001, writing=False, bound=True)
    assert 95 <= budget.tokens <= 105


def test_beside_texts_that_are_written_a_step_may_take_twice_their_time() -> None:
    budget = StepBudget(4096, start=64)
    for _ in range(30):
        budget.observe(0, 1.0, writing=True, bound=False)
    budget.observe(64, 1.8, writing=True, bound=True)
    assert budget.tokens > 64
    budget.observe(budget.tokens, 4.0, writing=True, bound=True)
    assert budget.tokens < 64


def test_a_step_that_the_budget_did_not_bound_does_not_raise_it() -> None:
    budget = StepBudget(1024, start=64)
    budget.observe(3, 0.001, writing=False, bound=False)
    assert budget.tokens == 64


def test_it_keeps_its_bounds() -> None:
    budget = StepBudget(100, start=64, smallest=8)
    for _ in range(20):
        budget.observe(8, 60.0, writing=False, bound=True)
    assert budget.tokens == 8
    for _ in range(20):
        budget.observe(8, 1e-6, writing=False, bound=True)
    assert budget.tokens == 100

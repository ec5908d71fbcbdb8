from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from inference_svc.generation.planning import plan_step


@dataclass
class Text:
    left: int
    steps: int = 0


def test_texts_that_are_written_all_go_on() -> None:
    plan = plan_step([Text(1), Text(1, steps=4)], budget=8, max_rows=8)
    assert [part.count for part in plan.parts] == [1, 1]
    assert (plan.read, plan.bound, plan.writing) == (0, False, True)


def test_prompts_share_the_budget_and_short_ones_leave_theirs() -> None:
    long, short, written = Text(500), Text(4), Text(1)
    plan = plan_step([long, short, written], budget=32, max_rows=8)
    counts = {id(part.text): part.count for part in plan.parts}
    assert (counts[id(short)], counts[id(long)], counts[id(written)]) == (4, 28, 1)
    assert (plan.read, plan.bound, plan.writing) == (32, True, True)


def test_a_prompt_alone_is_bounded_too() -> None:
    plan = plan_step([Text(500)], budget=32, max_rows=8)
    assert (plan.parts[0].count, plan.bound, plan.writing) == (32, True, False)


def test_where_rows_are_few_the_least_served_go_first() -> None:
    texts = [Text(1, steps=3), Text(1, steps=1), Text(1, steps=2)]
    plan = plan_step(texts, budget=8, max_rows=1)
    assert [part.text.steps for part in plan.parts] == [1]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.integers(8, 200))
def test_a_step_keeps_its_bounds_and_goes_on_with_everyone(lefts: list[int], budget: int) -> None:
    plan = plan_step([Text(left) for left in lefts], budget, max_rows=32)
    assert len(plan.parts) == len(lefts)
    assert all(1 <= part.count <= part.text.left for part in plan.parts)
    assert plan.read <= max(budget, len(lefts))

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
    assert (plan.read, plan.bound, plan.tokens) == (0, False, 2)


def counts_of(texts: list[Text], budget: int) -> list[int]:
    plan = plan_step(texts, budget, max_rows=32)
    counts = {id(part.text): part.count for part in plan.parts}
    return [counts.get(id(text), 0) for text in texts]


def test_a_short_prompt_is_not_held_up_by_a_long_one() -> None:
    texts = [Text(500), Text(4), Text(1)]
    assert counts_of(texts, 32) == [28, 4, 1]
    plan = plan_step(texts, budget=32, max_rows=8)
    assert (plan.read, plan.bound, plan.tokens) == (32, True, 33)


def test_many_short_prompts_do_not_keep_the_oldest_out() -> None:
    assert counts_of([Text(500), *(Text(10) for _ in range(8))], 32) == [16, 10, 6, *[0] * 6]


def test_what_the_oldest_leaves_goes_to_the_shortest() -> None:
    assert counts_of([Text(5), Text(100), Text(20)], 32) == [5, 7, 20]


def test_a_prompt_alone_is_bounded_too() -> None:
    plan = plan_step([Text(500)], budget=32, max_rows=8)
    assert (plan.parts[0].count, plan.bound, plan.tokens) == (32, True, 32)


def test_where_rows_are_few_the_least_served_go_first() -> None:
    texts = [Text(1, steps=3), Text(1, steps=1), Text(1, steps=2)]
    plan = plan_step(texts, budget=8, max_rows=1)
    assert [part.text.steps for part in plan.parts] == [1]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.integers(8, 200))
def test_a_step_keeps_its_bounds_and_wastes_none_of_them(lefts: list[int], budget: int) -> None:
    plan = plan_step([Text(left) for left in lefts], budget, max_rows=32)
    assert all(1 <= part.count <= part.text.left for part in plan.parts)
    assert plan.read <= budget
    assert plan.read == min(budget, sum(left for left in lefts if left > 1))
    assert sum(part.text.left == 1 for part in plan.parts) == lefts.count(1)
    assert plan.bound == (plan.read < sum(left for left in lefts if left > 1))

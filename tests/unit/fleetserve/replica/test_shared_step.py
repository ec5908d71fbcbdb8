from collections.abc import Sequence
from typing import Any

from fleetserve.replica.shared_step import MAX_ITEMS, SharedStep, choose_company


class Model:
    def advance(self, items: Sequence[Any]) -> None: ...


def step(model: Model, count: int = 1) -> SharedStep:
    return SharedStep(model.advance, list(range(count)))


def test_only_those_of_the_same_model_take_a_step_together() -> None:
    one, other = Model(), Model()
    assert choose_company(step(one), [step(one), None, step(other), step(one)]) == [
        True,
        False,
        False,
        True,
    ]


def test_a_step_has_a_bound() -> None:
    model = Model()
    sizes = [MAX_ITEMS - 3, 3, 2]
    assert choose_company(step(model), [step(model, size) for size in sizes]) == [
        True,
        False,
        True,
    ]

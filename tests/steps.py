"""Steps of a generator, counted."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def count_steps(steps: Generator[None, None, T]) -> tuple[int, T]:
    """How often it let others compute, and what it returned."""
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return count, value
        count += 1

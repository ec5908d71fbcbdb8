"""A step that jobs of one source take together: one pass of a model for all of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

MAX_ITEMS = 16  # A step of more is long, and what it brings per item is little by then.


@dataclass(frozen=True, slots=True)
class SharedStep:
    """Yielded by a job's generator, which is resumed once the step is taken.

    Attributes:
        run: Takes the items of all jobs that yielded the same ``run``, in one unit. Where it
            raises, the jobs are tried again in halves until only the culprit fails: run with an
            item once more, it has to do the same.
        items: This job's own.
    """

    run: Callable[[Sequence[Any]], None]
    items: Sequence[Any]


def choose_company(first: SharedStep, others: Iterable[SharedStep | None]) -> list[bool]:
    """Which of the others take the step with the first, within MAX_ITEMS."""
    count = len(first.items)
    chosen = []
    for other in others:
        fits = (
            other is not None and other.run == first.run and count + len(other.items) <= MAX_ITEMS
        )
        count += len(other.items) if fits and other is not None else 0
        chosen.append(fits)
    return chosen

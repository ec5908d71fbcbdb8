"""What is learnt from at a time."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches_of(
    items: Sequence[T], length: Callable[[T], int], most: int, dice: random.Random
) -> Iterator[list[T]]:
    """Without end; of like lengths, so that little is padding: at most ``most`` with it."""
    while True:
        order = sorted(items, key=lambda one: length(one) * dice.uniform(0.9, 1.1))
        batches: list[list[T]] = [[]]
        for one in order:
            if (len(batches[-1]) + 1) * length(one) > most:
                batches.append([])
            batches[-1].append(one)
        dice.shuffle(batches)
        yield from batches

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_svc.batching import AGING_S, BatchQueue, Bounds, Selection


@dataclass(eq=False)
class Waiter:
    """An input as the queue sees it."""

    length: int = 1
    priority: int = 0
    since_s: float = 0.0
    group: str | None = None
    alone: bool = False
    dropped: bool = False


ROOMY = Bounds(tokens=1000, size=100)


def queue_of(*waiters: Waiter) -> BatchQueue[Waiter]:
    queue: BatchQueue[Waiter] = BatchQueue()
    for waiter in waiters:
        queue.add(waiter)
    return queue


def lengths(batch: Selection[Waiter] | None) -> list[int]:
    assert batch is not None
    return sorted(waiter.length for waiter in batch.items)


def test_an_empty_queue_has_no_batch() -> None:
    assert queue_of().select(ROOMY) is None


def test_the_oldest_takes_its_nearest_lengths_with_it() -> None:
    queue = queue_of(*(Waiter(length) for length in (20, 100, 22, 5, 18, 90)))
    assert lengths(queue.select(Bounds(tokens=70, size=100))) == [18, 20, 22]
    assert lengths(queue.select(Bounds(tokens=200, size=100))) == [90, 100]
    assert lengths(queue.select(ROOMY)) == [5]


def test_padding_counts_against_the_budget() -> None:
    batch = queue_of(Waiter(10), Waiter(10), Waiter(30)).select(Bounds(tokens=60, size=9))
    assert batch is not None
    assert (lengths(batch), batch.padded, batch.useful, batch.full) == ([10, 10], 20, 20, True)


def test_where_nothing_is_padded_the_oldest_go_first() -> None:
    queue = queue_of(*(Waiter(length) for length in (20, 100, 22, 5)))
    packed = Bounds(tokens=142, size=9, packed=True)
    batch = queue.select(packed)
    assert batch is not None
    assert [waiter.length for waiter in batch.items] == [20, 100, 22]
    assert (batch.padded, batch.useful, batch.full) == (142, 142, True)
    assert lengths(queue.select(packed)) == [5]


def test_one_that_wants_to_be_alone_ends_a_packed_batch() -> None:
    queue = queue_of(Waiter(2), Waiter(3, alone=True), Waiter(4))
    packed = replace(ROOMY, packed=True)
    assert [lengths(queue.select(packed)) for _ in range(3)] == [[2], [3], [4]]


def test_one_longer_than_the_budget_goes_alone() -> None:
    queue = queue_of(Waiter(5000), Waiter(1))
    assert lengths(queue.select(ROOMY)) == [5000]


def test_the_size_bounds_a_batch_without_calling_it_full() -> None:
    queue = queue_of(*(Waiter() for _ in range(5)))
    batch = queue.select(Bounds(tokens=1000, size=3))
    assert batch is not None
    assert (len(batch.items), batch.full) == (3, False)


def test_equal_lengths_keep_their_order() -> None:
    waiters = [Waiter(7) for _ in range(6)]
    queue = queue_of(*waiters)
    first = queue.select(Bounds(tokens=1000, size=3))
    second = queue.select(Bounds(tokens=1000, size=3))
    assert first is not None
    assert second is not None
    assert first.items + second.items == waiters


def test_the_highest_priority_leads_and_others_ride_along() -> None:
    low, high = Waiter(10, priority=0), Waiter(50, priority=5)
    batch = queue_of(low, high).select(ROOMY)
    assert batch is not None
    assert batch.items == [high, low]


def test_others_do_not_take_the_place_of_the_same_priority() -> None:
    highs = [Waiter(length, priority=5) for length in (10, 90)]
    low = Waiter(10, priority=0)
    batch = queue_of(low, *highs).select(Bounds(tokens=1000, size=2))
    assert batch is not None
    assert batch.items == highs


def test_waiting_raises_the_priority() -> None:
    old = Waiter(1, priority=0, since_s=0.0)
    new = Waiter(900, priority=2, since_s=3 * AGING_S)
    batch = queue_of(new, old).select(Bounds(tokens=1000, size=1))
    assert batch is not None
    assert batch.items == [old]


def test_groups_are_not_mixed() -> None:
    queue = queue_of(Waiter(group="a"), Waiter(group="b"), Waiter(group="a"))
    first = queue.select(ROOMY)
    assert first is not None
    assert [waiter.group for waiter in first.items] == ["a", "a"]


def test_one_that_wants_to_be_alone_is_alone() -> None:
    queue = queue_of(Waiter(5), Waiter(5, alone=True), Waiter(5))
    assert lengths(queue.select(ROOMY)) == [5, 5]
    batch = queue.select(ROOMY)
    assert batch is not None
    assert [waiter.alone for waiter in batch.items] == [True]
    assert queue.select(ROOMY) is None


def test_what_nobody_waits_for_is_left_out() -> None:
    first, second, third = Waiter(5), Waiter(5), Waiter(5)
    queue = queue_of(first, second, third)
    first.dropped = third.dropped = True
    batch = queue.select(ROOMY)
    assert batch is not None
    assert batch.items == [second]
    assert queue.select(ROOMY) is None


waiters = st.lists(
    st.builds(
        Waiter,
        length=st.integers(1, 300),
        priority=st.integers(0, 10),
        since_s=st.floats(0, 60),
        group=st.sampled_from([None, "a", "b"]),
        alone=st.booleans(),
        dropped=st.booleans(),
    ),
    max_size=40,
)
bounds = st.builds(
    Bounds, tokens=st.integers(1, 2000), size=st.integers(1, 16), packed=st.booleans()
)


def drain(queue: BatchQueue[Waiter], bounds: Bounds) -> list[Selection[Waiter]]:
    batches = []
    while (batch := queue.select(bounds)) is not None:
        batches.append(batch)
    return batches


@given(waiters, bounds)
def test_nothing_is_lost_and_nothing_runs_twice(waiters: list[Waiter], bounds: Bounds) -> None:
    batches = drain(queue_of(*waiters), bounds)
    served = [id(waiter) for batch in batches for waiter in batch.items]
    assert len(served) == len(set(served))
    assert set(served) == {id(waiter) for waiter in waiters if not waiter.dropped}


@given(waiters, bounds)
def test_every_batch_keeps_its_bounds(waiters: list[Waiter], bounds: Bounds) -> None:
    for batch in drain(queue_of(*waiters), bounds):
        assert 1 <= len(batch.items) <= bounds.size
        assert batch.longest == max(waiter.length for waiter in batch.items)
        assert len(batch.items) == 1 or batch.padded <= bounds.tokens
        assert len({waiter.group for waiter in batch.items}) == 1
        assert len(batch.items) == 1 or not any(waiter.alone for waiter in batch.items)


def rank(waiter: Waiter) -> float:
    return waiter.since_s / AGING_S - waiter.priority


@given(waiters, bounds)
def test_each_batch_begins_with_the_first_in_rank(waiters: list[Waiter], bounds: Bounds) -> None:
    """So nothing waits longer than one batch for each that ranked before it."""
    waiters = [
        replace(waiter, since_s=float(place), dropped=False) for place, waiter in enumerate(waiters)
    ]
    queue, left = queue_of(*waiters), list(waiters)
    while (batch := queue.select(bounds)) is not None:
        first = batch.items[0]
        assert rank(first) == min(rank(waiter) for waiter in left)
        same = [waiter for waiter in left if waiter.priority == first.priority]
        assert first.since_s == min(waiter.since_s for waiter in same)
        for waiter in batch.items:
            left.remove(waiter)
    assert not left


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 50)), max_size=80), bounds)
def test_arrivals_between_selections_change_nothing_of_that(
    steps: list[tuple[bool, int]], bounds: Bounds
) -> None:
    queue: BatchQueue[Waiter] = BatchQueue()
    added, served = 0, 0
    for number, (arrive, length) in enumerate(steps):
        if arrive:
            queue.add(Waiter(length, since_s=float(number)))
            added += 1
        elif (batch := queue.select(bounds)) is not None:
            served += len(batch.items)
    served += sum(len(batch.items) for batch in drain(queue, bounds))
    assert served == added


@pytest.mark.parametrize("target", [1, 50, 99])
def test_the_nearest_are_truly_the_nearest(target: int) -> None:
    others = [Waiter(length) for length in range(0, 100, 7) if length]
    head = Waiter(target)
    batch = queue_of(head, *others).select(Bounds(tokens=100_000, size=5))
    assert batch is not None
    distances = sorted(abs(waiter.length - target) for waiter in others)
    taken = sorted(abs(waiter.length - target) for waiter in batch.items[1:])
    assert taken == distances[:4]

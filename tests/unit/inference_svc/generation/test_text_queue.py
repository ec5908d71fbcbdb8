import asyncio

import pytest

from fleetserve.errors import DeadlineError
from inference_svc.generation.base import GenerationOrder, Prompt
from inference_svc.generation.model_defaults import ModelDefaults
from inference_svc.generation.sampling import Chooser
from inference_svc.generation.text_queue import AGING_S, TextQueue
from inference_svc.generation.text_run import PieceStream, TextRun
from inference_svc.generation.writing import Writing


def text(bytes_: int = 10, priority: int = 0, deadline_s: float = float("inf")) -> TextRun:
    order = GenerationOrder(Prompt("", [1, 2]), priority=priority, deadline_s=deadline_s)
    return TextRun(
        order,
        PieceStream(asyncio.get_running_loop(), lambda: None),
        Chooser(order, ModelDefaults(), "cpu"),
        Writing(lambda _: "", [], ()),
        end_ids=frozenset(),
        limit=3,
        bytes_=bytes_,
    )


async def test_what_has_room_starts_with_a_cache_for_all_of_it() -> None:
    queue, asked = TextQueue(25, 8), []
    for _ in range(3):
        queue.add(text(), 0.0)
    queue.admit(lambda capacity: asked.append(capacity) or object())  # type: ignore[func-returns-value]
    assert (len(queue.active), queue.waiting, queue.held_bytes) == (2, 1, 20)
    assert asked == [4, 4]
    queue.release(queue.active[0])
    queue.admit(lambda _: object())
    assert (len(queue.active), queue.waiting, queue.held_bytes) == (2, 0, 20)


async def test_a_large_one_is_not_passed_by_small_ones() -> None:
    queue = TextQueue(100, 8)
    for size in (60, 90, 10):
        queue.add(text(size), 0.0)
    queue.admit(lambda _: object())
    assert [one.bytes for one in queue.active] == [60]


async def test_only_so_many_are_at_work() -> None:
    queue = TextQueue(1000, 2)
    for _ in range(3):
        queue.add(text(), 0.0)
    queue.admit(lambda _: object())
    assert (len(queue.active), queue.waiting) == (2, 1)


async def test_priority_starts_first_and_waiting_raises_it() -> None:
    queue = TextQueue(10, 1)
    old, high, low = text(), text(priority=5), text()
    queue.add(old, 0.0)
    queue.add(low, 6 * AGING_S)
    queue.add(high, 6 * AGING_S)
    started = []
    for _ in range(3):
        queue.admit(lambda _: object())
        started.append(queue.active[0])
        queue.release(queue.active[0])
    assert started == [old, high, low]


async def test_who_left_or_is_late_is_let_go() -> None:
    queue = TextQueue(100, 1)
    working, gone, late, stays = text(), text(), text(deadline_s=5.0), text()
    queue.add(working, 0.0)
    queue.admit(lambda _: object())
    for one in (gone, late, stays):
        queue.add(one, 0.0)
    for one in (working, gone):
        await one.stream.aclose()
    queue.drop_abandoned(now_s=6.0)
    assert list(queue) == [stays]
    assert queue.held_bytes == 0
    with pytest.raises(DeadlineError):
        await anext(late.stream)

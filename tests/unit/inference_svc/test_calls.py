from inference_svc.calls import BatchRun, Call, Item
from inference_svc.engine.base import Prepared


async def test_a_call_is_done_when_every_input_is() -> None:
    call = Call(2)
    call.settle(1, "b")
    assert not call.done.done()
    call.settle(0, "a")
    assert call.done.done()
    assert call.outcomes == ["a", "b"]


async def test_each_batch_is_noted_once() -> None:
    first, second = BatchRun(2, 0.0, 0.1, 0.0), BatchRun(1, 0.1, 0.1, 0.0)
    call = Call(3)
    for index, run in enumerate((first, second, first)):
        call.settle(index, None, run)
    assert call.runs == [first, second]


async def test_a_call_that_nobody_waits_for_is_settled_without_complaint() -> None:
    call = Call(1)
    item = Item(call, 0, Prepared("x", 3))
    before = item.dropped
    call.done.cancel()
    assert (before, item.dropped) == (False, True)
    call.settle(0, "late")


async def test_an_item_shows_the_queue_what_its_call_asked_for() -> None:
    call = Call(1, priority=4, alone=True)
    call.submitted_s = 7.0
    item = Item(call, 0, Prepared("x", 3, "group"))
    assert (item.length, item.group, item.priority, item.since_s, item.alone) == (
        3,
        "group",
        4,
        7.0,
        True,
    )

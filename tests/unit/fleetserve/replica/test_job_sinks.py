import asyncio

import pytest

from fleetserve.replica.job_sinks import JobStream, ResultSink


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_result_resolves_the_future_once() -> None:
    sink: ResultSink[int] = ResultSink(asyncio.get_running_loop())
    sink.item("a yield only marks a step")
    sink.done(5)
    sink.failed(ValueError("too late"))
    assert await sink.future == 5
    assert sink.dropped


async def test_a_cancelled_future_is_dropped_and_takes_nothing() -> None:
    sink: ResultSink[int] = ResultSink(asyncio.get_running_loop())
    sink.future.cancel()
    assert sink.dropped
    sink.done(5)
    await settle()
    assert sink.future.cancelled()


async def test_a_failed_stream_gives_what_was_made_and_then_raises() -> None:
    stream: JobStream[int] = JobStream(asyncio.get_running_loop(), 4, lambda: None)
    stream.item(1)
    stream.failed(ValueError("broke"))
    await settle()
    assert await anext(stream) == 1
    with pytest.raises(ValueError, match="broke"):
        await anext(stream)


async def test_a_reader_that_waits_is_woken() -> None:
    stream: JobStream[int] = JobStream(asyncio.get_running_loop(), 4, lambda: None)
    reader = asyncio.ensure_future(anext(stream))
    await settle()
    stream.item(7)
    assert await reader == 7
    stream.done(None)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_closed_stream_is_dropped_and_ends() -> None:
    woken: list[bool] = []
    stream: JobStream[int] = JobStream(asyncio.get_running_loop(), 4, lambda: woken.append(True))
    stream.item(1)
    await settle()
    await stream.aclose()
    stream.item(2)
    await settle()
    assert stream.dropped
    assert woken
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_reading_tells_the_slot_that_there_is_room() -> None:
    woken: list[bool] = []
    stream: JobStream[int] = JobStream(asyncio.get_running_loop(), 1, lambda: woken.append(True))
    stream.item(1)
    before = stream.paused
    await settle()
    await anext(stream)
    assert (before, stream.paused) == (True, False)
    assert woken == [True]


def test_a_closed_loop_is_no_error_for_the_compute_thread() -> None:
    loop = asyncio.new_event_loop()
    sink: ResultSink[int] = ResultSink(loop)
    loop.close()
    sink.done(1)
    assert not sink.dropped

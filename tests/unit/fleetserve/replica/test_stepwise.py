import threading

import pytest

from fleetserve.replica.stepwise import Pause, StepThreads, run_to_end


@pytest.fixture
def threads() -> StepThreads:
    return StepThreads()


def count_to_three(pause: Pause) -> int:
    for _ in range(3):
        pause()
    return threading.get_ident()


def test_each_pause_is_a_step_and_the_value_is_returned(threads: StepThreads) -> None:
    seen: list[int] = []

    def call(pause: Pause) -> str:
        for number in range(3):
            seen.append(number)
            pause()
        return "done"

    steps = threads.stepwise(call)
    for count in range(1, 4):
        next(steps)
        assert len(seen) == count
    with pytest.raises(StopIteration) as ended:
        next(steps)
    assert ended.value.value == "done"


def test_call_runs_only_while_it_is_stepped(threads: StepThreads) -> None:
    at_work = threading.Event()

    def call(pause: Pause) -> None:
        at_work.set()
        pause()

    steps = threads.stepwise(call)
    assert not at_work.is_set()
    next(steps)
    assert at_work.is_set()
    steps.close()


def test_error_of_the_call_is_raised_at_the_step(threads: StepThreads) -> None:
    def call(pause: Pause) -> None:
        pause()
        raise KeyError("lost")

    steps = threads.stepwise(call)
    next(steps)
    with pytest.raises(KeyError, match="lost"):
        next(steps)


def test_closing_unwinds_the_call(threads: StepThreads) -> None:
    unwound: list[bool] = []

    def call(pause: Pause) -> None:
        try:
            while True:
                pause()
        except Exception:  # noqa: BLE001 - a library that catches everything must not catch this
            unwound.append(False)
        finally:
            unwound.append(True)

    steps = threads.stepwise(call)
    next(steps)
    steps.close()
    assert unwound == [True]


def test_call_that_goes_on_after_it_was_abandoned_is_unwound_again(threads: StepThreads) -> None:
    pauses: list[int] = []

    def call(pause: Pause) -> None:
        for number in range(3):
            try:
                pause()
            except BaseException:  # noqa: BLE001 - the worst library
                pauses.append(number)

    steps = threads.stepwise(call)
    next(steps)
    steps.close()
    assert pauses == [0, 1, 2]


def test_call_that_never_pauses_is_one_step(threads: StepThreads) -> None:
    assert run_to_end(threads.stepwise(lambda _pause: 7)) == 7


def test_generator_that_was_never_started_leaves_no_thread(threads: StepThreads) -> None:
    before = threading.active_count()
    threads.stepwise(lambda _pause: None).close()
    assert threading.active_count() == before


def test_thread_is_kept_for_the_next_call(threads: StepThreads) -> None:
    used = {run_to_end(threads.stepwise(count_to_three)) for _ in range(5)}
    assert len(used) == 1
    assert threading.get_ident() not in used


def test_thread_of_an_abandoned_call_is_kept_too(threads: StepThreads) -> None:
    before = threading.active_count()
    for _ in range(5):
        steps = threads.stepwise(count_to_three)
        next(steps)
        steps.close()
    assert threading.active_count() == before + 1


def test_calls_in_turn_have_a_thread_each(threads: StepThreads) -> None:
    first, second = (threads.stepwise(count_to_three) for _ in range(2))
    for steps in (first, second, first, second):
        next(steps)
    assert run_to_end(first) != run_to_end(second)


def test_idle_thread_ends_after_a_while() -> None:
    threads = StepThreads(idle_s=0.01)
    before = set(threading.enumerate())
    steps = threads.stepwise(count_to_three)
    next(steps)
    (started,) = set(threading.enumerate()) - before
    run_to_end(steps)
    started.join(10)
    assert not started.is_alive()
    assert run_to_end(threads.stepwise(count_to_three))

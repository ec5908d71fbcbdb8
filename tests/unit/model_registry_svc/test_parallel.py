import threading
from functools import partial

import pytest

from model_registry_svc.parallel import run_all


def test_every_task_is_run() -> None:
    done: list[int] = []
    run_all([partial(done.append, n) for n in range(20)], 4, "t")
    assert sorted(done) == list(range(20))


def test_nothing_to_do_is_done_at_once() -> None:
    run_all([], 4, "t")


def test_no_more_than_the_width_run_at_a_time() -> None:
    running, most, lock = 0, 0, threading.Lock()
    meet = threading.Barrier(3)

    def task() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # All three of a round are inside together, so the width is reached as well.
        meet.wait(5)
        with lock:
            running -= 1
        meet.wait(5)

    run_all([task] * 9, 3, "t")
    assert most == 3


def test_first_failure_is_raised_and_nothing_new_begun() -> None:
    begun: list[str] = []

    def fail() -> None:
        begun.append("fail")
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        run_all([fail, partial(begun.append, "late")], 1, "t")
    assert begun == ["fail"]

import os
import select
import signal
import subprocess
from collections.abc import Iterator

import pytest

from fleetserve.supervisor.spawner.group_watcher import GroupWatcher


@pytest.fixture
def group() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def wait_for_end(pid: int) -> None:
    descriptor = os.pidfd_open(pid)
    assert select.select([descriptor], [], [], 10)[0]
    os.close(descriptor)


def test_close_ends_the_watcher_and_what_it_knows(group: subprocess.Popen[bytes]) -> None:
    watcher = GroupWatcher()
    watcher.add(group.pid)
    watcher.close()
    assert group.wait(10) == -signal.SIGKILL


def test_removed_group_is_left_alone(group: subprocess.Popen[bytes]) -> None:
    watcher = GroupWatcher()
    watcher.add(group.pid)
    watcher.remove(group.pid)
    watcher.close()
    assert group.poll() is None


def test_killed_watcher_is_replaced_by_one_that_knows_as_much(
    group: subprocess.Popen[bytes],
) -> None:
    watcher = GroupWatcher()
    watcher.add(group.pid)
    first = watcher.pid
    os.kill(first, signal.SIGKILL)
    wait_for_end(first)
    watcher.ensure_running()
    assert watcher.pid != first
    watcher.close()
    assert group.wait(10) == -signal.SIGKILL


def test_watcher_killed_unnoticed_is_replaced_at_the_next_change(
    group: subprocess.Popen[bytes],
) -> None:
    watcher = GroupWatcher()
    os.kill(watcher.pid, signal.SIGKILL)
    wait_for_end(watcher.pid)
    watcher.add(group.pid)
    watcher.close()
    assert group.wait(10) == -signal.SIGKILL


def test_watcher_is_in_no_session_of_ours() -> None:
    watcher = GroupWatcher()
    assert os.getsid(watcher.pid) == watcher.pid
    watcher.close()

import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from fleetserve.jobs.worker_process import WorkerThreads, write_ready
from fleetserve.settings import ServiceSettings

WAIT_S = 5.0


@pytest.fixture
def terminated() -> Iterator[threading.Event]:
    """Set when this process is told to end."""
    told = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        told.set()

    before = signal.signal(signal.SIGTERM, handle)
    yield told
    signal.signal(signal.SIGTERM, before)


def test_each_part_runs_in_a_thread_of_its_name() -> None:
    names: list[str] = []

    def part() -> None:
        names.append(threading.current_thread().name)

    threads = WorkerThreads()
    for thread in threads.start(part, part):
        thread.join(WAIT_S)
    assert names == ["part", "part"]
    assert not threads.failed


def test_worker_that_lost_a_part_ends(terminated: threading.Event) -> None:
    def part() -> None:
        raise RuntimeError("a bug")

    threads = WorkerThreads()
    (thread,) = threads.start(part)
    thread.join(WAIT_S)
    assert terminated.wait(WAIT_S)
    assert threads.failed


def test_supervisor_is_told_by_a_file(settings: ServiceSettings, tmp_path: Path) -> None:
    path = tmp_path / "ready"
    write_ready(replace(settings, address_file=path))
    assert path.read_text() == "ready\n"
    assert [p.name for p in tmp_path.glob("ready*")] == ["ready"]
    write_ready(replace(settings, address_file=None))

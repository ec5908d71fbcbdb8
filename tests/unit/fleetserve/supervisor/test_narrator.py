import io

import pytest

from fleetserve.clock import ManualClock
from fleetserve.supervisor.console import Console
from fleetserve.supervisor.narrator import Narrator, Phase
from fleetserve.supervisor.process import Exited, ManagedProcess
from fleetserve.supervisor.spawner.memory import MemorySpawner
from tests.unit.fleetserve.supervisor.conftest import Diary, MakeLaunch

CRASH = Exited(code=137, ran_s=63.0, was_ready=True, asked_for=False, restart_in_s=0.2)
FAILED_START = Exited(code=1, ran_s=0.5, was_ready=False, asked_for=False, restart_in_s=0.2)
ENDED = Exited(code=0, ran_s=5.0, was_ready=True, asked_for=True, restart_in_s=None)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def narrator(stream: io.StringIO) -> Narrator:
    return Narrator(Console(stream, colour=False))


@pytest.fixture
async def process(
    make_launch: MakeLaunch, spawner: MemorySpawner, clock: ManualClock
) -> ManagedProcess:
    return ManagedProcess(make_launch(), spawner=spawner, clock=clock, observer=Diary())


async def test_ready_line_has_address_and_time(
    process: ManagedProcess, narrator: Narrator, stream: io.StringIO, clock: ManualClock
) -> None:
    process.start()
    await clock.advance(0)
    narrator.on_ready(process, 3.14)
    assert stream.getvalue().split() == [
        "ready", "inference-svc-1", "http://127.0.0.1:1", "3.1", "s",
    ]  # fmt: skip
    await process.stop()


async def test_crash_is_one_line_with_what_follows(
    process: ManagedProcess, narrator: Narrator, stream: io.StringIO
) -> None:
    narrator.phase = Phase.RUNNING
    narrator.on_exit(process, CRASH)
    assert stream.getvalue().strip() == (
        "ended  inference-svc-1         killed by SIGKILL after 63.0 s; starts again in 0.2 s"
    )


@pytest.mark.parametrize(
    ("phase", "exited", "lines"),
    [
        (Phase.STARTING, FAILED_START, 0),
        (Phase.STARTING, CRASH, 1),
        (Phase.RUNNING, FAILED_START, 1),
        (Phase.RUNNING, ENDED, 1),
        (Phase.STOPPING, ENDED, 0),
    ],
)
async def test_what_is_news_depends_on_the_phase(
    process: ManagedProcess,
    narrator: Narrator,
    stream: io.StringIO,
    phase: Phase,
    exited: Exited,
    lines: int,
) -> None:
    narrator.phase = phase
    narrator.on_exit(process, exited)
    assert len(stream.getvalue().splitlines()) == lines


async def test_process_that_stays_down_is_not_announced_again(
    process: ManagedProcess, narrator: Narrator, stream: io.StringIO
) -> None:
    narrator.phase = Phase.RUNNING
    exited = Exited(code=0, ran_s=1.0, was_ready=True, asked_for=False, restart_in_s=None)
    narrator.on_exit(process, exited)
    assert stream.getvalue().strip().endswith("exit status 0 after 1.0 s")

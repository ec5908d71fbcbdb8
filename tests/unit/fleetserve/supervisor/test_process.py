import asyncio
import errno

import pytest

from fleetserve.clock import ManualClock
from fleetserve.supervisor.process import ManagedProcess
from fleetserve.supervisor.restart import RestartPolicy
from fleetserve.supervisor.spawner.memory import MemorySpawner
from fleetserve.supervisor.specs import ProcessState
from tests.unit.fleetserve.supervisor.conftest import Diary, MakeLaunch, MemoryReadiness


@pytest.fixture
def process(
    make_launch: MakeLaunch, spawner: MemorySpawner, clock: ManualClock, diary: Diary
) -> ManagedProcess:
    return ManagedProcess(make_launch(), spawner=spawner, clock=clock, observer=diary)


async def test_states_follow_the_life_of_a_process(
    process: ManagedProcess,
    spawner: MemorySpawner,
    clock: ManualClock,
    readiness: MemoryReadiness,
) -> None:
    readiness.address = None
    seen = [process.state]
    process.start()
    await clock.advance(0)
    seen.append(process.state)
    readiness.address = "http://127.0.0.1:7"
    await clock.advance(1)
    seen.append(process.state)
    spawner.children[0].exit(3)
    await clock.advance(0)
    seen.append(process.state)
    await process.stop()
    seen.append(process.state)
    assert seen == ["created", "starting", "running", "restarting", "exited"]


async def test_view_tells_address_pid_and_times(
    process: ManagedProcess, clock: ManualClock, readiness: MemoryReadiness
) -> None:
    readiness.address = None
    process.start()
    await clock.advance(2)
    readiness.address = "http://127.0.0.1:7"
    await clock.advance(1)
    view = process.view()
    assert (view.address, view.pid, view.exit_code) == ("http://127.0.0.1:7", 1001, None)
    assert (view.created_at, view.started_at) == (1000.0, 1000.0)
    assert view.ready_at == pytest.approx(1002.0, abs=0.1)


async def test_ended_process_shows_its_exit_code_and_no_address(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock
) -> None:
    process.start()
    await clock.advance(1)
    spawner.children[0].exit(137)
    await clock.advance(0)
    view = process.view()
    assert (view.exit_code, view.pid, view.address) == (137, None, None)
    assert view.finished_at == 1001.0


async def test_crash_is_followed_by_restarts_with_growing_delays(
    process: ManagedProcess,
    spawner: MemorySpawner,
    clock: ManualClock,
    diary: Diary,
    readiness: MemoryReadiness,
) -> None:
    readiness.address = None
    process.start()
    for _ in range(4):
        await clock.advance(0)
        spawner.children[-1].exit(1)
        await clock.advance(0)
        delay_s = diary.exits[-1].restart_in_s
        assert delay_s is not None
        count = len(spawner.children)
        await clock.advance(delay_s - 0.01)
        assert len(spawner.children) == count
        await clock.advance(0.02)
        assert len(spawner.children) == count + 1
    assert [e.restart_in_s for e in diary.exits] == [0.2, 0.4, 0.8, 1.6]
    assert process.view().restarts == 4


async def test_thirty_good_seconds_forget_earlier_crashes(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock, diary: Diary
) -> None:
    process.start()
    await clock.advance(0)
    spawner.children[-1].exit(1)
    await clock.advance(0.3)
    spawner.children[-1].exit(1)
    await clock.advance(0.5)
    await clock.advance(30)
    spawner.children[-1].exit(1)
    await clock.advance(0)
    assert [e.restart_in_s for e in diary.exits] == [0.2, 0.4, 0.2]


async def test_policy_never_leaves_it_down(
    make_launch: MakeLaunch, spawner: MemorySpawner, clock: ManualClock, diary: Diary
) -> None:
    launch = make_launch(restart=RestartPolicy.NEVER)
    process = ManagedProcess(launch, spawner=spawner, clock=clock, observer=diary)
    process.start()
    await clock.advance(0)
    spawner.children[0].exit(0)
    await clock.advance(60)
    assert process.state is ProcessState.EXITED
    assert len(spawner.children) == 1


async def test_stop_asks_first_and_kills_after_the_grace_period(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock
) -> None:
    spawner.stubborn = True
    process.start()
    await clock.advance(0)
    stopping = asyncio.create_task(process.stop(grace_s=5))
    await clock.advance(4.9)
    assert spawner.children[0].terminations == 1
    assert not stopping.done()
    await clock.advance(0.2)
    await stopping
    assert process.view().exit_code == 137
    assert process.was_killed


async def test_stop_of_an_obedient_process_is_no_kill(
    process: ManagedProcess, clock: ManualClock, diary: Diary
) -> None:
    process.start()
    await clock.advance(0)
    await process.stop()
    assert process.view().exit_code == 143
    assert not process.was_killed
    assert diary.exits[0].asked_for


async def test_stop_again_changes_nothing(process: ManagedProcess, clock: ManualClock) -> None:
    process.start()
    await clock.advance(0)
    await process.stop()
    before = process.view()
    await process.stop()
    assert process.view() == before


async def test_second_stop_with_a_shorter_grace_wins_and_does_not_signal_twice(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock
) -> None:
    spawner.stubborn = True
    process.start()
    await clock.advance(0)
    patient = asyncio.create_task(process.stop(grace_s=60))
    await clock.advance(1)
    hasty = asyncio.create_task(process.stop(grace_s=2))
    await clock.advance(2.1)
    await asyncio.wait_for(asyncio.gather(patient, hasty), timeout=5)
    assert spawner.children[0].terminations == 1


async def test_stop_during_the_back_off_ends_it_at_once(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock
) -> None:
    process.start()
    await clock.advance(0)
    spawner.children[0].exit(1)
    await clock.advance(0)
    assert process.view().state is ProcessState.RESTARTING
    await process.stop()
    await clock.advance(60)
    assert process.view().state is ProcessState.EXITED
    assert len(spawner.children) == 1
    assert process.view().restarts == 0


async def test_stop_before_the_start_starts_nothing(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock
) -> None:
    process.start()
    await process.stop()
    await clock.advance(1)
    assert process.state is ProcessState.EXITED
    assert spawner.children == []


async def test_kill_ends_a_deaf_process_without_grace(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock
) -> None:
    spawner.stubborn = True
    process.start()
    await clock.advance(0)
    process.kill()
    await clock.advance(0)
    assert process.state is ProcessState.EXITED


async def test_system_that_refuses_a_process_is_an_exit_with_its_reason(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock
) -> None:
    spawner.refusals = [OSError(errno.EAGAIN, "Resource temporarily unavailable")]
    process.start()
    await clock.advance(0)
    assert process.view().exit_code == 127
    assert process.output.tail(1) == ["cannot start a process: Resource temporarily unavailable"]
    await clock.advance(0.3)
    assert process.state is ProcessState.RUNNING


async def test_first_outcome_is_true_when_it_became_ready(
    process: ManagedProcess, clock: ManualClock, diary: Diary
) -> None:
    process.start()
    await clock.advance(0)
    assert await process.first_outcome()
    assert diary.ready == [("inference-svc-1", 0.0)]


async def test_first_outcome_is_false_when_it_ended_before(
    process: ManagedProcess,
    spawner: MemorySpawner,
    clock: ManualClock,
    readiness: MemoryReadiness,
) -> None:
    readiness.address = None
    process.start()
    await clock.advance(0)
    spawner.children[0].exit(1)
    assert not await process.first_outcome()
    await process.stop()


async def test_output_is_kept_over_a_restart(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock
) -> None:
    process.start()
    await clock.advance(0)
    spawner.children[0].say(b"going down\n")
    spawner.children[0].exit(1)
    await clock.advance(0.3)
    spawner.children[1].say(b"up again\n")
    assert process.output.tail(9) == ["going down", "up again"]


async def test_each_run_forgets_the_readiness_of_the_one_before(
    process: ManagedProcess,
    spawner: MemorySpawner,
    clock: ManualClock,
    readiness: MemoryReadiness,
) -> None:
    process.start()
    await clock.advance(0)
    readiness.address = None
    spawner.children[0].exit(1)
    await clock.advance(0.3)
    assert process.state is ProcessState.STARTING
    assert readiness.resets == 2
    await process.stop()

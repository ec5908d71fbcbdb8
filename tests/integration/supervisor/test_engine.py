"""The engine over its real socket, with real processes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fleetserve.supervisor.engine_client import EngineClient
from fleetserve.supervisor.restart import RestartPolicy
from fleetserve.supervisor.specs import ProcessSpec, ProcessState, ProcessView
from tests.integration.supervisor.conftest import StartFleet
from tests.integration.supervisor.fleet_runner import RunningFleet

MINE = {"test.origin": "mine"}


@pytest.fixture
async def engine(fleet: RunningFleet) -> AsyncIterator[EngineClient]:
    async with EngineClient(Path(fleet.record().engine_socket)) as client:
        yield client


async def ready(fleet: RunningFleet, engine: EngineClient, replica_id: str) -> ProcessView:
    await asyncio.to_thread(fleet.wait_for, rf"^  ready  {replica_id} ")
    return await engine.inspect(replica_id)


async def test_replica_is_created_ready_stopped_and_removed(
    fleet: RunningFleet, engine: EngineClient
) -> None:
    spec = ProcessSpec("inference-svc", replica_id="inference-svc-2", labels=MINE)
    created = await engine.create(spec)
    view = await ready(fleet, engine, "inference-svc-2")
    assert view.id == created.id
    assert view.state is ProcessState.RUNNING
    assert view.address is not None
    assert [v.id for v in await engine.list(MINE)] == [created.id]
    stopped = await engine.stop(created.id, grace_s=5)
    assert (stopped.state, stopped.exit_code) == (ProcessState.EXITED, 143)
    await engine.remove(created.id)
    assert await engine.list(MINE) == []


async def test_those_that_the_fleet_started_are_listed_by_service(engine: EngineClient) -> None:
    found = await engine.list({"fleetserve.service": "inference-svc"})
    assert [view.replica_id for view in found] == ["inference-svc-1"]


async def test_service_that_ignores_sigterm_is_killed_after_its_grace(
    start_fleet: StartFleet,
) -> None:
    fleet = start_fleet(TINY_AUDIO_SVC_9="deaf")
    await asyncio.to_thread(fleet.wait_until_ready)
    async with EngineClient(Path(fleet.record().engine_socket)) as engine:
        await engine.create(ProcessSpec("audio-svc", replica_id="audio-svc-9"))
        await ready(fleet, engine, "audio-svc-9")
        stopped = await engine.stop("audio-svc-9", grace_s=0.2)
        assert stopped.exit_code == 137


async def test_output_of_a_process_that_ended_can_be_read(start_fleet: StartFleet) -> None:
    fleet = start_fleet(TINY_AUDIO_SVC_9="crash")
    await asyncio.to_thread(fleet.wait_until_ready)
    async with EngineClient(Path(fleet.record().engine_socket)) as engine:
        spec = ProcessSpec("audio-svc", replica_id="audio-svc-9", restart=RestartPolicy.NEVER)
        await engine.create(spec)
        await asyncio.to_thread(fleet.wait_for, r"^  ended  audio-svc-9 +exit status 1")
        assert "No module named 'soundfile'" in await engine.logs("audio-svc-9", tail=1)
        assert (await engine.inspect("audio-svc-9")).state is ProcessState.EXITED
    assert "soundfile" in (fleet.home / "logs" / "audio-svc.out").read_text()


async def test_ten_at_once_start_and_stop(fleet: RunningFleet, engine: EngineClient) -> None:
    specs = [ProcessSpec("inference-svc", labels=MINE) for _ in range(10)]
    created = await asyncio.gather(*(engine.create(spec) for spec in specs))
    stopped = await asyncio.gather(*(engine.stop(view.id) for view in created))
    assert {view.state for view in stopped} == {ProcessState.EXITED}
    await asyncio.gather(*(engine.remove(view.id) for view in created))
    assert await engine.list(MINE) == []


async def test_replicas_end_with_the_fleet(fleet: RunningFleet, engine: EngineClient) -> None:
    await engine.create(ProcessSpec("inference-svc", replica_id="inference-svc-2"))
    await ready(fleet, engine, "inference-svc-2")
    fleet.press_ctrl_c()
    assert await asyncio.to_thread(fleet.wait_until_ended) == 0
    assert fleet.pids() == set()

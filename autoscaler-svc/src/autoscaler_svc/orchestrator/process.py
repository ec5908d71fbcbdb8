"""Replicas as local processes, by the supervisor's socket."""

import asyncio
from collections.abc import Sequence

from autoscaler_svc.orchestrator.base import (
    MANAGED_BY,
    MANAGED_LABEL,
    ReplicaSpec,
    Unit,
    UnitState,
)
from fleetserve.errors import NotFoundError
from fleetserve.supervisor.engine_client import EngineClient
from fleetserve.supervisor.specs import ProcessSpec, ProcessState, ProcessView

GPU_LABEL = "fleetserve.gpu"
_GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"

_STATES = {
    ProcessState.CREATED: UnitState.RUNNING,
    ProcessState.STARTING: UnitState.RUNNING,
    ProcessState.RUNNING: UnitState.RUNNING,
    ProcessState.RESTARTING: UnitState.RESTARTING,
    ProcessState.EXITED: UnitState.STOPPED,
}


class ProcessOrchestrator:
    """The supervisor keeps every process; an end that nobody asked for it starts again itself.

    A process that has been stopped can't be started again, so ``stop`` removes also those that
    the fleet itself had started, and the next one is a managed one.

    Args:
        engine: Closed with this.
        services: Those whose processes are replicas.
    """

    def __init__(self, engine: EngineClient, services: Sequence[str]) -> None:
        self._engine = engine
        self._services = frozenset(services)
        self._ends: dict[str, asyncio.Task[None]] = {}
        self._starting = asyncio.Lock()

    async def list(self) -> "list[Unit]":
        views = await self._engine.list()
        return [_unit(view) for view in views if view.service in self._services]

    async def start(self, spec: ReplicaSpec) -> Unit:
        labels = {MANAGED_LABEL: MANAGED_BY}
        if _GPU_VARIABLE in spec.environment:
            labels[GPU_LABEL] = spec.environment[_GPU_VARIABLE]
        # One at a time, so that no two take the same number.
        async with self._starting:
            wanted = ProcessSpec(
                spec.service,
                replica_id=await self._free_id(spec.service),
                environment=dict(spec.environment),
                labels=labels,
            )
            return _unit(await self._engine.create(wanted))

    async def drain(self, unit_id: str) -> None:
        self._begin_end(unit_id, None)
        # So that the request is on its way when this returns.
        await asyncio.sleep(0)

    async def stop(self, unit_id: str, *, grace_s: float | None = None) -> None:
        task = self._ends.get(unit_id)
        if task is None:
            task = self._begin_end(unit_id, grace_s)
        elif grace_s is not None:
            # The shortest grace of concurrent stops wins.
            await self._end(unit_id, grace_s)
        await asyncio.shield(task)

    async def close(self) -> None:
        for task in self._ends.values():
            task.cancel()
        await asyncio.gather(*self._ends.values(), return_exceptions=True)
        await self._engine.close()

    async def _free_id(self, service: str) -> str:
        """Numbered on from those that the fleet itself has: log files are named by it."""
        taken = {view.replica_id for view in await self._engine.list()}
        number = 1
        while f"{service}-{number}" in taken:
            number += 1
        return f"{service}-{number}"

    def _begin_end(self, unit_id: str, grace_s: float | None) -> "asyncio.Task[None]":
        task = self._ends.get(unit_id)
        if task is None:
            task = asyncio.create_task(self._end(unit_id, grace_s), name=f"end-{unit_id}")
            self._ends[unit_id] = task
            task.add_done_callback(lambda done: self._ended(unit_id, done))
        return task

    def _ended(self, unit_id: str, task: "asyncio.Task[None]") -> None:
        self._ends.pop(unit_id, None)
        # Whoever waits for it is told; where nobody does, the next list shows what is so.
        _ = task.cancelled() or task.exception()

    async def _end(self, unit_id: str, grace_s: float | None) -> None:
        try:
            await self._engine.stop(unit_id, grace_s)
            await self._engine.remove(unit_id)
        except NotFoundError:
            return


def _unit(view: ProcessView) -> Unit:
    return Unit(
        id=view.id,
        service=view.service,
        replica_id=view.replica_id,
        host="",
        state=_STATES[view.state],
        managed=view.labels.get(MANAGED_LABEL) == MANAGED_BY,
        created_at=view.created_at,
        gpu=view.labels.get(GPU_LABEL, ""),
    )

"""Replicas that only exist here, for tests."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from itertools import count

from autoscaler_svc.orchestrator.base import ReplicaSpec, Unit, UnitState
from fleetserve.errors import InvalidFieldError, UnavailableError


class MemoryOrchestrator:
    """Behaves as the others do; draining takes until ``finish`` is called, if ``slow``.

    Args:
        services: What can be started.
        on_change: Told each unit that was started or has ended (then STOPPED).
    """

    def __init__(
        self,
        services: Sequence[str],
        *,
        on_change: Callable[[Unit], None] = lambda _: None,
        slow: bool = False,
    ) -> None:
        self._services = tuple(services)
        self._on_change = on_change
        self.slow = slow
        self._units: dict[str, Unit] = {}
        self._numbers = count(1)
        self._ending: dict[str, asyncio.Event] = {}
        self.specs: list[ReplicaSpec] = []
        self.away = ""
        self.refusal = ""

    def add_base(self, service: str) -> Unit:
        """One of the fleet's own."""
        return self._add(service, managed=False)

    def add_managed(self, service: str) -> Unit:
        """One that an autoscaler before this one had made."""
        return self._add(service, managed=True)

    def lose(self, unit_id: str) -> None:
        """It vanishes without anybody's word."""
        self._units.pop(unit_id, None)

    def outdate(self) -> None:
        """The template has changed; what was made after it before is of yesterday."""
        for unit in [u for u in self._units.values() if u.managed]:
            self._units[unit.id] = dataclasses.replace(unit, outdated=True)

    def finish(self, unit_id: str) -> None:
        """What it had in flight is answered."""
        self._ending.setdefault(unit_id, asyncio.Event()).set()

    def known(self) -> tuple[Unit, ...]:
        """Every unit, also while the engine is away."""
        return tuple(self._units.values())

    async def list(self) -> "list[Unit]":
        self._ask()
        return list(self._units.values())

    async def start(self, spec: ReplicaSpec) -> Unit:
        self._ask()
        if spec.service not in self._services:
            raise InvalidFieldError("service", f"{spec.service!r} can't be started")
        if self.refusal:
            raise UnavailableError(self.refusal)
        self.specs.append(spec)
        for unit in self._units.values():
            if unit.service == spec.service and not unit.managed and _stopped(unit):
                return self._put(dataclasses.replace(unit, state=UnitState.RUNNING))
        return self._add(spec.service, managed=True, gpu=spec.environment.get(_GPU, ""))

    async def drain(self, unit_id: str) -> None:
        self._ask()
        if unit_id in self._units:
            self._ending.setdefault(unit_id, asyncio.Event())

    async def stop(self, unit_id: str, *, grace_s: float | None = None) -> None:
        self._ask()
        unit = self._units.get(unit_id)
        if unit is None:
            return
        ending = self._ending.setdefault(unit_id, asyncio.Event())
        if self.slow and grace_s != 0 and not _stopped(unit):
            await ending.wait()
        self._ending.pop(unit_id, None)
        stopped = dataclasses.replace(unit, state=UnitState.STOPPED)
        if unit.managed:
            self._units.pop(unit_id, None)
            self._on_change(stopped)
        else:
            self._put(stopped)

    async def close(self) -> None:
        self._ending.clear()

    def _add(self, service: str, *, managed: bool, gpu: str = "") -> Unit:
        number = next(self._numbers)
        name = f"{service}-{number}"
        return self._put(
            Unit(name, service, name, "", UnitState.RUNNING, managed, float(number), gpu)
        )

    def _put(self, unit: Unit) -> Unit:
        self._units[unit.id] = unit
        self._on_change(unit)
        return unit

    def _ask(self) -> None:
        if self.away:
            raise UnavailableError(self.away)


_GPU = "CUDA_VISIBLE_DEVICES"


def _stopped(unit: Unit) -> bool:
    return unit.state is UnitState.STOPPED

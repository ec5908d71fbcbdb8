"""A whole fleet in memory around the autoscaler: replicas that become ready, load, and obey."""

import asyncio
import dataclasses
from collections.abc import Mapping

import msgspec

from autoscaler_svc.app import assemble
from autoscaler_svc.bounds import Room
from autoscaler_svc.fleet.memory import MemoryFleet
from autoscaler_svc.fleet_state import FleetState, ServiceState
from autoscaler_svc.intents.memory import MemoryIntents
from autoscaler_svc.journal.base import Entry
from autoscaler_svc.journal.memory import MemoryJournal
from autoscaler_svc.lease.memory import Desk, MemoryLease
from autoscaler_svc.machine.memory import MemoryMachine
from autoscaler_svc.observer import LEASE_TTL_S
from autoscaler_svc.orchestrator.base import Unit, UnitState
from autoscaler_svc.orchestrator.memory import MemoryOrchestrator
from autoscaler_svc.ports import Ports
from autoscaler_svc.replica_calls.memory import MemoryReplicaCalls
from autoscaler_svc.services import AutoscalerServices
from fleetserve.announcements import Announcement, InstanceState
from fleetserve.clock import ManualClock
from fleetserve.runtime import ServiceRuntime
from tests.unit.autoscaler_svc.fleet_parts import AUDIO, INFERENCE, demand, instance, told

ME = "autoscaler-svc"


class World:
    """Time moves by ``tick`` only; replicas are ready at the tick after their start.

    Attributes:
        becomes_ready: Off: new replicas stay silent.
    """

    def __init__(self, runtime: ServiceRuntime, clock: ManualClock) -> None:
        self.clock = clock
        self.fleet = MemoryFleet()
        self.orchestrator = MemoryOrchestrator([INFERENCE, AUDIO], on_change=self._changed)
        self.intents = MemoryIntents()
        self.journal = MemoryJournal()
        self.desk = Desk()
        self.machine = MemoryMachine(Room(cores=4, free_mb=-1, gpus=0))
        self.calls = MemoryReplicaCalls()
        self.becomes_ready = True
        self.models: dict[str, set[str]] = {}
        self._boots = 0
        for service in (INFERENCE, AUDIO):
            self.orchestrator.add_base(service)
        self.fleet.announce(told(ME, service=ME))
        ports = Ports(
            self.fleet,
            self.orchestrator,
            self.intents,
            self.journal,
            MemoryLease(self.desk, ME, LEASE_TTL_S, clock),
            self.machine,
            self.calls,
        )
        self.services: AutoscalerServices = assemble(runtime, ports, leaves=True)
        self.scaler = self.services.scaler

    async def tick(
        self, count: int = 1, *, load: Mapping[str, tuple[float, int]] | None = None
    ) -> FleetState:
        """So many seconds; ``load`` is (concurrency, held) by model of inference-svc."""
        for _ in range(count):
            self._appear()
            if load is not None:
                asked = [(name, mean, held) for name, (mean, held) in load.items()]
                self.fleet.tell(demand(*asked))
            await self.scaler.tick()
            await self.clock.advance(1.0)
            self._obey()
        assert self.scaler.state is not None
        return self.scaler.state

    async def settled(self) -> FleetState:
        """The state after as many ticks as it takes to have everything known and done."""
        return await self.tick(6)

    async def wait_for(self, waiting: "asyncio.Task[object]", ticks: int = 30) -> object:
        """Lets time pass until the task is done."""
        for _ in range(ticks):
            if waiting.done():
                break
            await self.tick()
        if not waiting.done():
            waiting.cancel()
            raise AssertionError(f"still waiting after {ticks} ticks")
        return await waiting

    def service(self, name: str = INFERENCE) -> ServiceState:
        assert self.scaler.state is not None
        return self.scaler.state.services[name]

    async def units(self, service: str = INFERENCE) -> list[Unit]:
        return [u for u in await self.orchestrator.list() if u.service == service]

    async def running(self, service: str = INFERENCE) -> int:
        return sum(u.state is UnitState.RUNNING for u in await self.units(service))

    async def entries(self) -> list[Entry]:
        """The journal, oldest first."""
        return (await self.journal.read(100))[::-1]

    def hush(self, replica_id: str) -> None:
        """It is not heard any more."""
        self.fleet.forget(replica_id)
        self.becomes_ready = False

    def reboot(self, replica_id: str) -> None:
        """It crashed and runs again, with nothing loaded."""
        self.models[replica_id] = set()
        self.fleet.announce(self._word(replica_id, self.fleet.announcements[replica_id].service))

    def _changed(self, unit: Unit) -> None:
        if unit.state is UnitState.STOPPED:
            self.fleet.forget(unit.replica_id)
            self.models.pop(unit.replica_id, None)

    def _appear(self) -> None:
        if not self.becomes_ready:
            return
        for unit in self.orchestrator.known():
            if unit.state is UnitState.RUNNING and unit.replica_id not in self.fleet.announcements:
                self.fleet.announce(self._word(unit.replica_id, unit.service))

    def _word(self, replica_id: str, service: str) -> Announcement:
        self._boots += 1
        own = [instance("example")] if service == INFERENCE else []
        return told(replica_id, *own, service=service, boot_id=f"b{self._boots}")

    def _obey(self) -> None:
        """Loads and unloads what replicas were asked to."""
        for verb, replica_id, named in self.calls.made:
            name, _, revision = named.partition("@")
            word = self.fleet.announcements.get(replica_id)
            if word is None or name in self.calls.failures:
                continue
            kept = tuple(m for m in word.models if m.name != name)
            if verb == "load":
                kept = (*kept, instance(name, InstanceState.READY, revision=revision))
            self.fleet.announce(msgspec.structs.replace(word, models=kept))
        self.calls.made.clear()

    def room(self, **changes: object) -> None:
        self.machine.room = dataclasses.replace(self.machine.room, **changes)  # type: ignore[arg-type]

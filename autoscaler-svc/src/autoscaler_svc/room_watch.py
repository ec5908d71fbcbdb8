"""What the machine has, and what one more replica of it takes."""

import contextlib
from collections.abc import Iterable, Sequence

from autoscaler_svc.bounds import Room
from autoscaler_svc.census import Member
from autoscaler_svc.ports import Ports
from autoscaler_svc.replica_spec import on_gpu
from autoscaler_svc.service_scaler import DEFAULT_REPLICA_MB
from fleetserve.announcements import Announcement, ReplicaState
from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError

GPU_SERVICE = "gpu-svc"
# Reading it decodes the roll-ups of every process.
MEMORY_EVERY_S = 60.0


class RoomWatch:
    """Looks at each tick; ``room`` is what it saw last."""

    def __init__(self, ports: Ports, clock: Clock) -> None:
        self._machine = ports.machine
        self._fleet = ports.fleet
        self._clock = clock
        self._memory_due_s = -1.0
        self._memory: dict[str, float] = {}
        self.room = Room(cores=1, free_mb=-1.0, gpus=0)

    async def look(self, members: Sequence[Member], announced: Iterable[Announcement]) -> None:
        """Takes in what there is now."""
        addresses = [
            told.address
            for told in announced
            if told.service == GPU_SERVICE and told.state is ReplicaState.READY
        ]
        self.room = await self._machine.look(addresses if on_gpu(members) else None)
        if self._clock.monotonic_s() >= self._memory_due_s:
            self._memory_due_s = self._clock.monotonic_s() + MEMORY_EVERY_S
            for service in {member.service for member in members}:
                with contextlib.suppress(UnavailableError):
                    told = await self._fleet.memory_mb(service)
                    self._memory[service] = told or DEFAULT_REPLICA_MB

    def replica_mb(self, service: str) -> float:
        """What its largest process takes; a guess where none has told."""
        return self._memory.get(service, DEFAULT_REPLICA_MB)

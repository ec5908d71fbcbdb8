"""The port to what runs replicas: a Docker Engine, or the supervisor of local processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

MANAGED_LABEL = "fleetserve.managed"
MANAGED_BY = "autoscaler"


class UnitState(StrEnum):
    RUNNING = "running"  # a process runs, ready or not
    RESTARTING = "restarting"  # it ended, and the engine starts it again by itself
    STOPPED = "stopped"  # it is there and does not run, and nobody but us will start it


@dataclass(frozen=True, slots=True)
class Unit:
    """One replica as the engine knows it.

    Attributes:
        id: The engine's name for it.
        replica_id: What it announces itself as; empty where the engine does not know.
        host: The host of its address; empty where the engine does not know.
        managed: An autoscaler made it; else the fleet itself did.
        created_at: Seconds since the epoch.
        gpu: The one that it was given, if it was given one.
        outdated: It was made after a template that has changed since.
    """

    id: str
    service: str
    replica_id: str
    host: str
    state: UnitState
    managed: bool
    created_at: float
    gpu: str = ""
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class ReplicaSpec:
    """A replica that is wanted.

    Attributes:
        environment: On top of the service's own: TORCH_THREADS and CUDA_VISIBLE_DEVICES only.
    """

    service: str
    environment: Mapping[str, str] = field(default_factory=dict)


class Orchestrator(Protocol):
    """Lists, starts and ends replicas; for the event loop, none of its calls blocks it.

    Labels are the database: what one autoscaler started, the next one finds by ``list``. Every
    method raises UnavailableError where the engine does not answer or refuses, with its reason;
    nothing was done then, as far as is known.
    """

    async def list(self) -> "list[Unit]":
        """Every replica of this fleet, the fleet's own and the managed, oldest first."""
        ...

    async def start(self, spec: ReplicaSpec) -> Unit:
        """One more running replica; it becomes ready later.

        A replica of the fleet's own that was stopped is started again before a new one is made.

        Raises: InvalidFieldError: the engine has no template for that service.
        """
        ...

    async def drain(self, unit_id: str) -> None:
        """Begins to end it and returns at once: it announces that, finishes, and exits.

        Idempotent; a unit that is not there is drained.
        """
        ...

    async def stop(self, unit_id: str, *, grace_s: float | None = None) -> None:
        """Returns when it runs no more, and, if it is managed, is gone.

        It drains first if it was not drained, and is killed after ``grace_s`` (None: what its
        service is allowed, 0: at once). Idempotent; a unit that is not there is stopped.
        """
        ...

    async def close(self) -> None:
        """Lets go of the engine; replicas run on."""
        ...

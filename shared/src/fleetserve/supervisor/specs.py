"""What goes over the engine's socket."""

from enum import StrEnum

import msgspec

from fleetserve.supervisor.restart import RestartPolicy

SERVICE_LABEL = "fleetserve.service"
REPLICA_LABEL = "fleetserve.replica_id"


class ProcessState(StrEnum):
    """created → starting → running → exited; or restarting → starting, under ``always``."""

    CREATED = "created"
    STARTING = "starting"  # runs, not ready yet
    RUNNING = "running"  # has been ready
    RESTARTING = "restarting"  # ended; the back-off runs
    EXITED = "exited"


class ProcessSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A process that is wanted.

    ``service`` names a row of the table of services; nothing else can be started.
    ``replica_id`` is made up when left out. ``environment`` comes on top of the service's own.
    """

    service: str
    replica_id: str | None = None
    environment: dict[str, str] = {}
    labels: dict[str, str] = {}
    restart: RestartPolicy = RestartPolicy.ALWAYS


class ProcessView(msgspec.Struct, frozen=True):
    """A process as it is.

    Times are seconds since the epoch. ``exit_code`` is that of the last run, 128 + n for
    signal n, while the process is restarting or exited. ``address`` is there once it is ready
    and serves HTTP.
    """

    id: str
    service: str
    replica_id: str
    state: ProcessState
    labels: dict[str, str]
    restart: RestartPolicy
    restarts: int
    created_at: float
    pid: int | None = None
    exit_code: int | None = None
    address: str | None = None
    started_at: float | None = None
    ready_at: float | None = None
    finished_at: float | None = None


class ProcessList(msgspec.Struct, frozen=True):
    processes: list[ProcessView]

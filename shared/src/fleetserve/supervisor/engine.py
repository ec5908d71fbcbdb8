"""Process mode's Docker Engine: creates, lists, stops and removes processes with labels."""

import re
from collections.abc import Iterable, Mapping

from fleetserve.clock import Clock
from fleetserve.errors import ConflictError, InvalidFieldError, NotFoundError, UnavailableError
from fleetserve.supervisor.launcher import Launcher
from fleetserve.supervisor.process import Launch, ManagedProcess, Observer
from fleetserve.supervisor.services import ServiceTemplate, find_template
from fleetserve.supervisor.spawner.base import Spawner
from fleetserve.supervisor.specs import ProcessSpec, ProcessState

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
# Settings of a service, and nothing that changes what a process is (PATH, LD_PRELOAD, PYTHON…).
SETTABLE = re.compile(r"(FLEETSERVE_[A-Z0-9_]+__[A-Z0-9_]+|[A-Z]+_NUM_THREADS)")
SETTABLE_NAMES = frozenset(
    {"TORCH_THREADS", "DEVICE", "BATCH_SIZE", "LOG_LEVEL", "CUDA_VISIBLE_DEVICES"}
)


class Engine:
    """All processes of the fleet. For the event loop's thread only; nothing here blocks it."""

    def __init__(
        self,
        templates: Iterable[ServiceTemplate],
        *,
        spawner: Spawner,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._templates = tuple(templates)
        self._spawner = spawner
        self._clock = clock
        self._observer = observer
        self._launcher: Launcher | None = None
        self._processes: dict[str, ManagedProcess] = {}
        self._closed = False

    def use(self, launcher: Launcher) -> None:
        """From here on services can be created."""
        self._launcher = launcher

    def close(self) -> None:
        """From here on nothing new is created; stopping and listing still work."""
        self._closed = True

    def create(self, spec: ProcessSpec) -> ManagedProcess:
        """Creates and starts one more process of a service; it becomes ready later.

        Raises:
            InvalidFieldError: no such service, one that is there once, or a wrong name.
            ConflictError: another process has that replica id, as the detail says.
            UnavailableError: the fleet is stopping or not yet starting services.
        """
        template = find_template(self._templates, spec.service)
        if template is None or template.replicas is None:
            allowed = ", ".join(t.name for t in self._templates if t.replicas is not None)
            raise InvalidFieldError("service", f"{spec.service!r} can't be created; {allowed} can")
        if spec.replica_id is not None and not NAME.fullmatch(spec.replica_id):
            raise InvalidFieldError(
                "replica_id", "small letters, digits, '-', '_' and '.', at most 63 of them"
            )
        for name in spec.environment:
            if name not in SETTABLE_NAMES and not SETTABLE.fullmatch(name):
                allowed = ", ".join(sorted(SETTABLE_NAMES))
                raise InvalidFieldError(
                    "environment",
                    f"{name} can't be set here; {allowed}, *_NUM_THREADS and "
                    "FLEETSERVE_<SECTION>__<KEY> can",
                )
        return self.create_service(template, spec)

    def create_service(self, template: ServiceTemplate, spec: ProcessSpec) -> ManagedProcess:
        """As ``create``, for the fleet itself: any service of the table.

        Raises: ConflictError, UnavailableError: as ``create``.
        """
        if self._closed or self._launcher is None:
            raise UnavailableError("The fleet is stopping; nothing new is started.")
        return self.run(self._launcher.service(template, spec))

    def run(self, launch: Launch) -> ManagedProcess:
        """Starts a process that is described down to its command.

        Raises: ConflictError: its replica id is taken.
        """
        for other in self._processes.values():
            if other.launch.replica_id == launch.replica_id:
                raise ConflictError(
                    f"The replica id {launch.replica_id} belongs to process {other.launch.id}; "
                    "remove that first, or choose another.",
                    extra={"id": other.launch.id},
                )
        process = ManagedProcess(
            launch, spawner=self._spawner, clock=self._clock, observer=self._observer
        )
        self._processes[launch.id] = process
        process.start()
        return process

    def list(self, *, labels: Mapping[str, str | None] | None = None) -> "list[ManagedProcess]":
        """Processes in the order of their creation that have these labels.

        A label's value None stands for any value.
        """
        wanted = (labels or {}).items()
        return [
            process
            for process in self._processes.values()
            if all(_matches(process.launch.labels, name, value) for name, value in wanted)
        ]

    def find(self, process_id: str) -> ManagedProcess:
        """Raises: NotFoundError: no process has this id or replica id."""
        if process_id in self._processes:
            return self._processes[process_id]
        for process in self._processes.values():
            if process.launch.replica_id == process_id:
                return process
        raise NotFoundError(f"There is no process {process_id}.", code="process_not_found")

    async def stop(self, process_id: str, grace_s: float | None = None) -> ManagedProcess:
        """Returns when the process has ended, by itself or by force after the grace period.

        Raises: NotFoundError: there is no such process.
        """
        process = self.find(process_id)
        await process.stop(grace_s)
        return process

    async def remove(self, process_id: str, *, force: bool = False) -> None:
        """Forgets a process that has ended; its output file stays. ``force`` kills it before.

        Raises: NotFoundError: there is no such process. ConflictError: it runs.
        """
        process = self.find(process_id)
        if force:
            await process.stop(0)
        elif process.state is not ProcessState.EXITED:
            raise ConflictError(
                f"Process {process_id} is {process.state}; stop it first, or use force=true."
            )
        process.launch.readiness.reset()
        self._processes.pop(process.launch.id, None)


def _matches(labels: Mapping[str, str], name: str, value: str | None) -> bool:
    return name in labels and value in (None, labels[name])

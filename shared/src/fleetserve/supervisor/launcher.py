"""From what is wanted to what is run: the command, environment and readiness of a process."""

from pathlib import Path
from secrets import token_hex

from fleetserve.clock import Clock
from fleetserve.supervisor.environment import Wiring, child_environment
from fleetserve.supervisor.home import FleetHome
from fleetserve.supervisor.output import OutputFile
from fleetserve.supervisor.process import Launch
from fleetserve.supervisor.readiness import HttpReadiness, WorkerReadiness
from fleetserve.supervisor.redis_server import RedisReadiness, RedisTarget, redis_environment
from fleetserve.supervisor.services import REDIS, ServiceTemplate
from fleetserve.supervisor.settings import SupervisorSettings
from fleetserve.supervisor.spawner.base import Command
from fleetserve.supervisor.specs import REPLICA_LABEL, SERVICE_LABEL, ProcessSpec

REDIS_GRACE_S = 10.0


class Launcher:
    """Knows the fleet's folders and addresses, so that others need not."""

    def __init__(
        self, settings: SupervisorSettings, home: FleetHome, wiring: Wiring, clock: Clock
    ) -> None:
        self._settings = settings
        self._home = home
        self._wiring = wiring
        self._clock = clock

    def service(self, template: ServiceTemplate, spec: ProcessSpec) -> Launch:
        """A process of a service."""
        process_id = new_id()
        replica_id = spec.replica_id or f"{template.name}-{process_id[:6]}"
        address_file = self._home.run_dir / process_id
        environment = child_environment(
            self._settings,
            self._wiring,
            template,
            replica_id=replica_id,
            address_file=address_file,
            extras=spec.environment,
        )
        # -P: the folder that the fleet is started from must not shadow installed packages.
        argv = (self._settings.python, "-P", "-m", template.module)
        readiness = HttpReadiness if template.serves_http else WorkerReadiness
        return Launch(
            id=process_id,
            service=template.name,
            replica_id=replica_id,
            command=Command(argv, environment),
            readiness=readiness(address_file, self._clock),
            output_file=self._output_file(template.name),
            grace_s=template.grace_s,
            labels={**spec.labels, **identity_labels(template.name, replica_id)},
            restart=spec.restart,
        )

    def _output_file(self, name: str) -> OutputFile:
        return OutputFile(self._home.logs_dir / f"{name}.out")


def redis_launch(
    binary: Path, config: Path, target: RedisTarget, *, settings: SupervisorSettings, clock: Clock
) -> Launch:
    """The fleet's own Redis as a supervised process."""
    return Launch(
        id=new_id(),
        service=REDIS,
        replica_id=REDIS,
        command=Command((str(binary), str(config)), redis_environment(settings.inherited)),
        readiness=RedisReadiness(target, clock),
        output_file=OutputFile(settings.base.logs_dir / f"{REDIS}.out"),
        grace_s=REDIS_GRACE_S,
        labels=identity_labels(REDIS, REDIS),
    )


def identity_labels(service: str, replica_id: str) -> dict[str, str]:
    """The labels that every process carries; a spec can't set them otherwise."""
    return {SERVICE_LABEL: service, REPLICA_LABEL: replica_id}


def new_id() -> str:
    return token_hex(6)

"""What ``fleetserve up`` reads from the environment; the only file of the supervisor that does."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleetserve.config import AudioConfig, InferenceConfig
from fleetserve.config_sources import SettingsError
from fleetserve.settings import ServiceSettings, load_service_settings
from fleetserve.supervisor.services import ServiceTemplate

START_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class SupervisorSettings:
    """How a fleet of local processes is run.

    Attributes:
        base: Folders and configuration, the same that every service sees.
        external_redis_url: A Redis to use instead of starting one.
        key_prefix: The fleet's name in Redis, if one is set.
        start_timeout_s: How long a service may take to become ready at the first start.
        runtime_dir: The user's folder for sockets, where the system has one.
        inherited: The environment that children get, before what the supervisor adds.
        python: The interpreter that runs the services.
    """

    base: ServiceSettings
    external_redis_url: str | None
    key_prefix: str | None
    start_timeout_s: float
    runtime_dir: Path | None
    inherited: Mapping[str, str]
    python: str
    colour: bool

    @property
    def home(self) -> Path:
        return self.base.home

    @property
    def bind(self) -> str:
        return self.base.config.server.bind

    @property
    def port(self) -> int:
        return self.base.config.server.port

    def replica_count(self, template: ServiceTemplate) -> int:
        """How many processes of that service there are at the start."""
        if template.replicas is None:
            return 1
        section: InferenceConfig | AudioConfig = getattr(self.base.config, template.replicas)
        return section.replicas


def load_supervisor_settings(environ: Mapping[str, str] | None = None) -> SupervisorSettings:
    """The settings of a fleet.

    Raises: SettingsError: what is wrong, where it stands and what is allowed.
    """
    env = dict(os.environ if environ is None else environ)
    runtime_dir = env.get("XDG_RUNTIME_DIR")
    return SupervisorSettings(
        base=load_service_settings("supervisor", env),
        external_redis_url=env.get("REDIS_URL") or None,
        key_prefix=env.get("FLEETSERVE_PREFIX") or None,
        start_timeout_s=_seconds(env, "FLEETSERVE_START_TIMEOUT_S", START_TIMEOUT_S),
        runtime_dir=Path(runtime_dir) if runtime_dir else None,
        inherited=env,
        python=sys.executable,
        colour=not env.get("NO_COLOR") and env.get("TERM") != "dumb",
    )


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    value = env.get(name)
    if not value:
        return default
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise SettingsError(f"environment {name}: {value!r} is not a number of seconds above 0")
    return seconds

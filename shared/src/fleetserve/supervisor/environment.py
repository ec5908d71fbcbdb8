"""The environment that each child gets: the same names that compose gives a container."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleetserve.supervisor.http_probe import WILDCARDS
from fleetserve.supervisor.services import ServiceTemplate
from fleetserve.supervisor.settings import SupervisorSettings

# The gateway's alone, and set for it below.
NOT_PASSED_ON = frozenset({"PORT", "BIND", "FLEETSERVE_ADVERTISE"})
LOOPBACK_ANY_PORT = "127.0.0.1:0"


@dataclass(frozen=True, slots=True)
class Wiring:
    """What is known only once the fleet has begun to start."""

    redis_url: str
    key_prefix: str
    engine_socket: Path
    compute_processes: int


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def host_and_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def child_environment(
    settings: SupervisorSettings,
    wiring: Wiring,
    template: ServiceTemplate,
    *,
    replica_id: str,
    address_file: Path,
    extras: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment of one process; ``extras`` win over what it inherits.

    What ties the process to this fleet wins over ``extras``.
    """
    inherited = {k: v for k, v in settings.inherited.items() if k not in NOT_PASSED_ON}
    return {
        **inherited,
        **(_compute_share(settings, wiring) if template.computes else {}),
        **extras,
        **_folders(settings),
        **_listening(settings, template),
        "REDIS_URL": wiring.redis_url,
        "FLEETSERVE_PREFIX": wiring.key_prefix,
        "FLEETSERVE_REPLICA_ID": replica_id,
        "FLEETSERVE_ADDRESS_FILE": str(address_file),
        "FLEETSERVE_ENGINE_SOCKET": str(wiring.engine_socket),
        # The services write their own log files; here it would only be read and kept twice.
        "FLEETSERVE_LOGGING__STDOUT": "false",
        "PYTHONUNBUFFERED": "1",
    }


def _folders(settings: SupervisorSettings) -> dict[str, str]:
    base = settings.base
    return {
        "FLEETSERVE_HOME": str(base.home),
        "FLEETSERVE_MODELS_DIR": str(base.models_dir),
        "FLEETSERVE_LOGS_DIR": str(base.logs_dir),
        "FLEETSERVE_JOBS_DIR": str(base.jobs_dir),
        "FLEETSERVE_DATA_DIR": str(base.data_dir),
        "FLEETSERVE_CACHE_DIR": str(base.cache_dir),
        "FLEETSERVE_SECRETS_DIR": str(base.secrets_dir),
        "FLEETSERVE_CONFIG": str(base.config_path),
        "FLEETSERVE_CATALOGUE": str(base.catalogue_path),
        "FLEETSERVE_AUTH": str(base.auth_path),
    }


def _listening(settings: SupervisorSettings, template: ServiceTemplate) -> dict[str, str]:
    if not template.public:
        return {"FLEETSERVE_LISTEN": LOOPBACK_ANY_PORT}
    listening = {
        "PORT": str(settings.port),
        "BIND": settings.bind,
        "FLEETSERVE_LISTEN": host_and_port(settings.bind, settings.port),
    }
    if settings.bind in WILDCARDS and settings.port:
        # The fleet reaches it from here; a machine's own name may not even resolve.
        local = host_and_port(WILDCARDS[settings.bind], settings.port)
        listening["FLEETSERVE_ADVERTISE"] = f"http://{local}"
    return listening


def _compute_share(settings: SupervisorSettings, wiring: Wiring) -> dict[str, str]:
    # Threads that wait must sleep: spinning against each other made a 32 ms forward pass 690 ms.
    share = {"OMP_WAIT_POLICY": "PASSIVE"} | _kept(settings.inherited, "OMP_WAIT_POLICY")
    if settings.base.config.inference.torch_threads == 0:
        share["TORCH_THREADS"] = str(max(1, usable_cores() // max(1, wiring.compute_processes)))
    return share


def _kept(inherited: Mapping[str, str], name: str) -> dict[str, str]:
    return {name: inherited[name]} if name in inherited else {}

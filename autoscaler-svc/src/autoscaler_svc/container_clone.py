"""The container of one more replica, made after one of the fleet's own: pure.

Compose has filled the template's container already, so its inspection holds everything that
compose would say: image, environment, volumes, networks, health check, limits, hardening. What
differs is its identity, and the service that it is labelled as: a second ``compose up`` would
remove another container of a running service, but leaves one of an inactive profile alone, and
``ps`` and ``logs`` show it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autoscaler_svc.orchestrator.base import MANAGED_BY, MANAGED_LABEL

SERVICE_LABEL = "fleetserve.service"
TEMPLATE_LABEL = "fleetserve.template"
REPLICA_LABEL = "fleetserve.replica_id"
GPU_LABEL = "fleetserve.gpu"
COMPOSE = "com.docker.compose."
PROJECT_LABEL = f"{COMPOSE}project"
NUMBER_LABEL = f"{COMPOSE}container-number"
HASH_LABEL = f"{COMPOSE}config-hash"

REPLICA_VARIABLE = "FLEETSERVE_REPLICA_ID"
# What a replica may be given beside its template's environment, and how it must look.
SETTABLE = {
    "TORCH_THREADS": re.compile(r"[1-9][0-9]{0,3}"),
    "CUDA_VISIBLE_DEVICES": re.compile(r"[0-9]{1,2}|(GPU|MIG)-[0-9a-fA-F/-]{1,64}"),
}
REPLICA_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")

# Everything that is taken over; anything else that a template has is not given to its clones.
CONFIG_KEYS = (
    "Cmd",
    "Entrypoint",
    "Healthcheck",
    "StopSignal",
    "StopTimeout",
    "User",
    "WorkingDir",
)
HOST_KEYS = (
    "Binds",
    "CapDrop",
    "CpuPeriod",
    "CpuQuota",
    "CpuShares",
    "CpusetCpus",
    "DeviceRequests",
    "GroupAdd",
    "Init",
    "LogConfig",
    "Memory",
    "MemoryReservation",
    "MemorySwap",
    "Mounts",
    "NanoCpus",
    "NetworkMode",
    "OomScoreAdj",
    "PidsLimit",
    "ReadonlyRootfs",
    "RestartPolicy",
    "SecurityOpt",
    "ShmSize",
    "Tmpfs",
)
_KEPT_LABELS = (
    PROJECT_LABEL,
    HASH_LABEL,
    f"{COMPOSE}image",
    f"{COMPOSE}project.config_files",
    f"{COMPOSE}project.environment_file",
    f"{COMPOSE}project.working_dir",
    f"{COMPOSE}version",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a clone another replica than its template.

    Attributes:
        number: Compose's number of the container within its service.
        environment: Of SETTABLE's names only.
    """

    number: int
    replica_id: str
    environment: Mapping[str, str] = field(default_factory=dict)


def clone_name(template: Mapping[str, Any], number: int) -> str:
    """The container's name, as compose would give it."""
    labels = template["Config"]["Labels"]
    return f"{labels[PROJECT_LABEL]}-{labels[TEMPLATE_LABEL]}-{number}"


def clone_body(template: Mapping[str, Any], image: str, identity: Identity) -> dict[str, Any]:
    """The body of POST /containers/create.

    Args:
        template: The inspection of one of the fleet's own containers, with TEMPLATE_LABEL.
        image: A name or id of the very image that the template runs.
        identity: Of the clone.
    """
    config, host = template["Config"], template["HostConfig"]
    service = config["Labels"][TEMPLATE_LABEL]
    return {
        "Image": image,
        "Env": _environment(config.get("Env") or [], identity),
        "Labels": _labels(config["Labels"], service, identity),
        **{key: config[key] for key in CONFIG_KEYS if config.get(key)},
        "HostConfig": {key: host[key] for key in HOST_KEYS if host.get(key)},
        "NetworkingConfig": {
            "EndpointsConfig": {
                name: {"Aliases": [service]} for name in template["NetworkSettings"]["Networks"]
            }
        },
    }


def _environment(template: list[str], identity: Identity) -> list[str]:
    own = {**identity.environment, REPLICA_VARIABLE: identity.replica_id}
    kept = [entry for entry in template if entry.partition("=")[0] not in own]
    return [*kept, *(f"{name}={value}" for name, value in sorted(own.items()))]


def _labels(template: Mapping[str, str], service: str, identity: Identity) -> dict[str, str]:
    gpu = identity.environment.get("CUDA_VISIBLE_DEVICES")
    return {
        **{name: template[name] for name in _KEPT_LABELS if name in template},
        f"{COMPOSE}service": service,
        NUMBER_LABEL: str(identity.number),
        f"{COMPOSE}oneoff": "False",
        SERVICE_LABEL: template[SERVICE_LABEL],
        MANAGED_LABEL: MANAGED_BY,
        REPLICA_LABEL: identity.replica_id,
        **({GPU_LABEL: gpu} if gpu is not None else {}),
    }

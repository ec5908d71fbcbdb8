"""Containers as the engine inspects them: the fleet's own, a clone, and somebody else's."""

from typing import Any

from autoscaler_svc.container_clone import (
    HASH_LABEL,
    NUMBER_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    TEMPLATE_LABEL,
    Identity,
    clone_body,
)

PROJECT = "fleet"
IMAGE = "fleetserve/inference-svc:1"
OWN_ID, CLONE_ID, OTHER_ID = "a" * 64, "b" * 64, "c" * 64


def container(container_id: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "Id": container_id,
        "Image": "sha256:" + "1" * 64,
        "Config": {"Image": IMAGE, "Env": ["LOG_LEVEL=info"], "Labels": labels, "User": "10001"},
        "HostConfig": {
            "NetworkMode": f"{PROJECT}_fleet",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "Mounts": [{"Type": "volume", "Source": f"{PROJECT}_models", "Target": "/models"}],
        },
        "NetworkSettings": {"Networks": {f"{PROJECT}_fleet": {}}},
        "State": {"Status": "running"},
    }


def own() -> dict[str, Any]:
    """The fleet's own replica, a template."""
    labels = {
        PROJECT_LABEL: PROJECT,
        "com.docker.compose.service": "inference-svc",
        NUMBER_LABEL: "1",
        HASH_LABEL: "f00d",
        SERVICE_LABEL: "inference-svc",
        TEMPLATE_LABEL: "inference-replica",
    }
    return container(OWN_ID, labels)


def body(number: int = 1) -> dict[str, Any]:
    """What an honest autoscaler asks for."""
    return clone_body(own(), IMAGE, Identity(number, f"inference-svc-{number}"))


def clone() -> dict[str, Any]:
    return container(CLONE_ID, body()["Labels"])


def other() -> dict[str, Any]:
    """The same service of another project."""
    return container(OTHER_ID, {**own()["Config"]["Labels"], PROJECT_LABEL: "another"})

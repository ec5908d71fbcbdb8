import copy
from typing import Any

import pytest

from autoscaler_svc.container_clone import (
    HASH_LABEL,
    NUMBER_LABEL,
    PROJECT_LABEL,
    REPLICA_LABEL,
    SERVICE_LABEL,
    TEMPLATE_LABEL,
    Identity,
    clone_body,
    clone_name,
)
from autoscaler_svc.orchestrator.base import MANAGED_LABEL

MOUNT = {
    "Type": "volume",
    "Source": "fleet_secrets",
    "Target": "/secrets/inference-svc",
    "ReadOnly": True,
    "VolumeOptions": {"Subpath": "inference-svc"},
}
TEMPLATE: dict[str, Any] = {
    "Config": {
        "Image": "fleetserve/inference-svc:latest",
        "Env": ["HF_ENDPOINT", "TORCH_THREADS", "MODE=a=b", "FLEETSERVE_REPLICA_ID=mine"],
        "Entrypoint": ["python", "-m", "inference_svc"],
        "Cmd": None,
        "User": "fleetserve",
        "Hostname": "f0ae40eefa01",
        "Tty": False,
        "StopTimeout": 75,
        "Healthcheck": {"Test": ["CMD", "healthcheck"]},
        "Labels": {
            PROJECT_LABEL: "fleet",
            "com.docker.compose.service": "inference-svc",
            "com.docker.compose.project.working_dir": "/somewhere",
            "com.docker.compose.depends_on": "redis:service_started:false",
            NUMBER_LABEL: "1",
            HASH_LABEL: "fec6",
            SERVICE_LABEL: "inference-svc",
            TEMPLATE_LABEL: "inference-replica",
            "mine.alone": "x",
        },
    },
    "HostConfig": {
        "NetworkMode": "fleet_fleet",
        "Mounts": [MOUNT],
        "Binds": None,
        "CapDrop": ["ALL"],
        "ReadonlyRootfs": True,
        "Privileged": False,
        "PortBindings": {"80/tcp": []},
        "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
        "DeviceRequests": [{"Driver": "nvidia", "Count": -1}],
    },
    "NetworkSettings": {"Networks": {"fleet_fleet": {"Aliases": ["inference-svc"]}}},
}
IDENTITY = Identity(2, "inference-svc-2", {"TORCH_THREADS": "3"})


@pytest.fixture
def body() -> dict[str, Any]:
    return clone_body(copy.deepcopy(TEMPLATE), "sha256:abc", IDENTITY)


def test_what_compose_set_up_is_taken_over(body: dict[str, Any]) -> None:
    host = body["HostConfig"]
    assert body["Image"] == "sha256:abc"
    assert body["Entrypoint"] == ["python", "-m", "inference_svc"]
    assert (body["User"], body["StopTimeout"]) == ("fleetserve", 75)
    assert host["Mounts"] == [MOUNT]
    assert host["CapDrop"] == ["ALL"]
    assert host["ReadonlyRootfs"] is True
    assert host["DeviceRequests"] == [{"Driver": "nvidia", "Count": -1}]


def test_what_is_its_templates_alone_is_not(body: dict[str, Any]) -> None:
    assert "Hostname" not in body
    assert {"Binds", "Privileged", "PortBindings"}.isdisjoint(body["HostConfig"])
    assert "mine.alone" not in body["Labels"]


def test_environment_is_the_templates_with_its_own_in_place(body: dict[str, Any]) -> None:
    assert body["Env"] == [
        "HF_ENDPOINT",
        "MODE=a=b",
        "FLEETSERVE_REPLICA_ID=inference-svc-2",
        "TORCH_THREADS=3",
    ]


def test_labels_are_those_of_the_managed_service(body: dict[str, Any]) -> None:
    labels = body["Labels"]
    assert labels["com.docker.compose.service"] == "inference-replica"
    assert labels[PROJECT_LABEL] == "fleet"
    assert labels["com.docker.compose.project.working_dir"] == "/somewhere"
    assert (labels[NUMBER_LABEL], labels[HASH_LABEL]) == ("2", "fec6")
    assert labels[SERVICE_LABEL] == "inference-svc"
    assert labels[REPLICA_LABEL] == "inference-svc-2"
    assert labels[MANAGED_LABEL] == "autoscaler"
    assert TEMPLATE_LABEL not in labels


def test_it_is_on_the_same_network_under_its_own_service(body: dict[str, Any]) -> None:
    assert body["NetworkingConfig"]["EndpointsConfig"] == {
        "fleet_fleet": {"Aliases": ["inference-replica"]}
    }


def test_name_is_what_compose_would_give_it() -> None:
    assert clone_name(TEMPLATE, 2) == "fleet-inference-replica-2"


def test_gpu_stands_in_a_label() -> None:
    mine = Identity(1, "r", {"CUDA_VISIBLE_DEVICES": "1"})
    body = clone_body(TEMPLATE, "image", mine)
    assert body["Labels"]["fleetserve.gpu"] == "1"
    assert "CUDA_VISIBLE_DEVICES=1" in body["Env"]

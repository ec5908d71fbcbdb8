import copy
from collections.abc import Callable
from typing import Any

import pytest

from autoscaler_svc.container_clone import (
    GPU_LABEL,
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
from autoscaler_svc.proxy.create_check import check_create, service_of
from autoscaler_svc.proxy.errors import RefusedError

IMAGE = "fleetserve/inference:1"
IMAGES = (IMAGE, "sha256:" + "a" * 64)
IDENTITY = Identity(2, "inference-svc-2", {"TORCH_THREADS": "2"})
VOLUME = {"Type": "volume", "Source": "fleet_models", "Target": "/models", "ReadOnly": True}

Body = dict[str, Any]
Change = Callable[[Body], object]


@pytest.fixture
def template() -> Body:
    return {
        "Image": IMAGES[1],
        "Config": {
            "Image": IMAGE,
            "Env": ["REDIS_URL=redis://redis:6379/0", "TORCH_THREADS=4", "LOG_LEVEL=info"],
            "Labels": {
                PROJECT_LABEL: "fleet",
                "com.docker.compose.service": "inference-svc",
                NUMBER_LABEL: "1",
                HASH_LABEL: "f00d",
                SERVICE_LABEL: "inference-svc",
                TEMPLATE_LABEL: "inference-managed",
            },
            "Cmd": ["python", "-m", "inference_svc"],
            "User": "10001:10001",
            "WorkingDir": "/app",
        },
        "HostConfig": {
            "Binds": ["fleet_logs:/logs:rw"],
            "CapDrop": ["ALL"],
            "IpcMode": "private",
            "Memory": 4 << 30,
            "Mounts": [VOLUME],
            "NetworkMode": "fleet_internal",
            "Privileged": False,
            "ReadonlyRootfs": True,
            "SecurityOpt": ["no-new-privileges:true"],
        },
        "NetworkSettings": {"Networks": {"fleet_internal": {}}},
    }


@pytest.fixture
def body(template: Body) -> Body:
    return copy.deepcopy(clone_body(template, IMAGE, IDENTITY))


def check(body: object, template: Body, name: str | None = "fleet-inference-managed-2") -> Identity:
    return check_create(body, name, template, IMAGES)


def host(**values: object) -> Change:
    return lambda body: body["HostConfig"].update(values)


def top(**values: object) -> Change:
    return lambda body: body.update(values)


def label(name: str, value: object) -> Change:
    return lambda body: body["Labels"].update({name: value})


def variable(*entries: object) -> Change:
    return lambda body: body["Env"].extend(entries)


def without(*path: str) -> Change:
    def change(body: Body) -> None:
        for key in path[:-1]:
            body = body[key]
        del body[path[-1]]

    return change


HOSTILE: dict[str, tuple[Change, str]] = {
    "privileged": (host(Privileged=True), "Privileged"),
    "privileged said to be off": (host(Privileged=False), "Privileged"),
    "bind of the host's root": (host(Binds=["/:/host"]), "Binds"),
    "bind beside the template's": (host(Binds=["fleet_logs:/logs:rw", "/:/h"]), "Binds"),
    "bind of the engine's socket": (
        host(Binds=["/var/run/docker.sock:/var/run/docker.sock"]),
        "Binds",
    ),
    "own volume elsewhere": (host(Binds=["fleet_logs:/etc:rw"]), "Binds"),
    "device": (host(Devices=[{"PathOnHost": "/dev/sda"}]), "Devices"),
    "rule for devices": (host(DeviceCgroupRules=["a *:* rwm"]), "DeviceCgroupRules"),
    "request for devices": (host(DeviceRequests=[{"Count": -1}]), "DeviceRequests"),
    "capability": (host(CapAdd=["SYS_ADMIN"]), "CapAdd"),
    "capabilities not dropped": (without("HostConfig", "CapDrop"), "CapDrop"),
    "fewer capabilities dropped": (host(CapDrop=["CHOWN"]), "CapDrop"),
    "network of the host": (host(NetworkMode="host"), "NetworkMode"),
    "network of a container": (host(NetworkMode="container:redis"), "NetworkMode"),
    "processes of the host": (host(PidMode="host"), "PidMode"),
    "memory of the host": (host(IpcMode="host"), "IpcMode"),
    "name of the host": (host(UTSMode="host"), "UTSMode"),
    "users of the host": (host(UsernsMode="host"), "UsernsMode"),
    "groups of the host": (host(CgroupnsMode="host"), "CgroupnsMode"),
    "no seccomp": (host(SecurityOpt=["seccomp=unconfined"]), "SecurityOpt"),
    "no seccomp beside the template's": (
        host(SecurityOpt=["no-new-privileges:true", "seccomp=unconfined"]),
        "SecurityOpt",
    ),
    "new privileges": (host(SecurityOpt=["no-new-privileges:false"]), "SecurityOpt"),
    "no options at all": (without("HostConfig", "SecurityOpt"), "SecurityOpt"),
    "mount of a path": (
        host(Mounts=[VOLUME, {"Type": "bind", "Source": "/", "Target": "/h"}]),
        "Mounts",
    ),
    "mount of a path in place of the volume": (
        host(Mounts=[{**VOLUME, "Type": "bind", "Source": "/"}]),
        "Mounts",
    ),
    "foreign volume": (host(Mounts=[{**VOLUME, "Source": "other_secrets"}]), "Mounts"),
    "volume for writing": (host(Mounts=[{**VOLUME, "ReadOnly": False}]), "Mounts"),
    "volume with a driver": (
        host(Mounts=[{**VOLUME, "VolumeOptions": {"DriverConfig": {"Name": "local"}}}]),
        "Mounts",
    ),
    "volumes of another container": (host(VolumesFrom=["gateway"]), "VolumesFrom"),
    "kernel settings": (host(Sysctls={"net.ipv4.ip_forward": "1"}), "Sysctls"),
    "other runtime": (host(Runtime="evil"), "Runtime"),
    "other parent": (host(CgroupParent="/"), "CgroupParent"),
    "root that can be written": (host(ReadonlyRootfs=False), "ReadonlyRootfs"),
    "one for true": (host(ReadonlyRootfs=1), "ReadonlyRootfs"),
    "memory without a limit": (without("HostConfig", "Memory"), "Memory"),
    "published port": (host(PortBindings={"80/tcp": [{"HostPort": "80"}]}), "PortBindings"),
    "key in another case": (host(privileged=True), "privileged"),
    "unknown key of the host": (host(Brandnew=1), "Brandnew"),
    "unknown key": (top(Brandnew=1), "Brandnew"),
    "top key in another case": (top(image="evil"), "image"),
    "anonymous volumes": (top(Volumes={"/x": {}}), "Volumes"),
    "foreign image": (top(Image="evil:latest"), "Image"),
    "image that is no name": (top(Image=[IMAGE]), "Image"),
    "other command": (top(Cmd=["sh", "-c", "id"]), "Cmd"),
    "other entrypoint": (top(Entrypoint=["sh"]), "Entrypoint"),
    "other user": (top(User="0:0"), "User"),
    "health check that runs something": (
        top(Healthcheck={"Test": ["CMD-SHELL", "id"]}),
        "Healthcheck",
    ),
    "further network": (
        top(NetworkingConfig={"EndpointsConfig": {"fleet_internal": {}, "engine": {}}}),
        "NetworkingConfig",
    ),
    "name of another service": (
        lambda body: body["NetworkingConfig"]["EndpointsConfig"]["fleet_internal"].update(
            Aliases=["gateway"]
        ),
        "Aliases",
    ),
    "foreign label": (label("traefik.enable", "true"), "traefik.enable"),
    "label of another project": (label(PROJECT_LABEL, "other"), PROJECT_LABEL),
    "label of another service": (label(SERVICE_LABEL, "gateway"), SERVICE_LABEL),
    "label of a template": (label(TEMPLATE_LABEL, "inference-managed"), TEMPLATE_LABEL),
    "no label of who manages it": (without("Labels", MANAGED_LABEL), MANAGED_LABEL),
    "number that is none": (label(NUMBER_LABEL, "2; id"), NUMBER_LABEL),
    "number that is not text": (label(NUMBER_LABEL, 2), NUMBER_LABEL),
    "replica's id with a path": (label(REPLICA_LABEL, "../x"), REPLICA_LABEL),
    "replica's id of another line": (label(REPLICA_LABEL, "a\n"), REPLICA_LABEL),
    "GPU that is only a label": (label(GPU_LABEL, "0"), GPU_LABEL),
    "foreign variable": (variable("LD_PRELOAD=/models/evil.so"), "LD_PRELOAD"),
    "variable twice": (variable("LOG_LEVEL=debug"), "LOG_LEVEL"),
    "variable that is not text": (variable(7), "Env"),
    "GPUs that are no index": (variable("CUDA_VISIBLE_DEVICES=0,1"), "CUDA_VISIBLE_DEVICES"),
    "no labels": (without("Labels"), "Labels"),
    "no variables": (without("Env"), "Env"),
    "no host": (without("HostConfig"), "HostConfig"),
    "labels that are a list": (top(Labels=[]), "Labels"),
}


def test_honest_body_is_accepted_and_says_who_it_is(body: Body, template: Body) -> None:
    assert check(body, template) == IDENTITY


def test_image_may_be_named_by_its_id(body: Body, template: Body) -> None:
    assert check({**body, "Image": IMAGES[1]}, template).number == 2


def test_order_of_the_variables_does_not_matter(body: Body, template: Body) -> None:
    assert check({**body, "Env": body["Env"][::-1]}, template) == IDENTITY


def test_gpu_with_its_label_is_accepted(template: Body) -> None:
    mine = Identity(3, "inference-svc-3", {"CUDA_VISIBLE_DEVICES": "1"})
    found = check(clone_body(template, IMAGE, mine), template, clone_name(template, 3))
    assert (found.number, found.environment["CUDA_VISIBLE_DEVICES"]) == (3, "1")


def test_empty_variable_of_the_template_is_no_choice_beside_a_gpu(template: Body) -> None:
    threads = template["Config"]["Env"].index("TORCH_THREADS=4")
    template["Config"]["Env"][threads] = "TORCH_THREADS="
    mine = Identity(3, "inference-svc-3", {"CUDA_VISIBLE_DEVICES": "1"})
    found = check(clone_body(template, IMAGE, mine), template, clone_name(template, 3))
    assert found == mine


@pytest.mark.parametrize("label", ["", "0"])
def test_empty_gpu_of_the_template_is_none_that_was_asked_for(template: Body, label: str) -> None:
    template["Config"]["Env"].append("CUDA_VISIBLE_DEVICES=")
    body = clone_body(template, IMAGE, IDENTITY)
    body["Labels"][GPU_LABEL] = label
    with pytest.raises(RefusedError, match="Labels"):
        check(body, template)


@pytest.mark.parametrize(("change", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_body_is_refused_by_its_key(
    body: Body, template: Body, change: Change, reason: str
) -> None:
    change(body)
    with pytest.raises(RefusedError) as refused:
        check(body, template)
    assert reason in refused.value.reason
    assert refused.value.status == 403


@pytest.mark.parametrize("value", ["0", "-1", "99999", "2 ", "2\n", "", "$(id)", "٣"])
def test_threads_are_a_small_number(body: Body, template: Body, value: str) -> None:
    body["Env"] = [e for e in body["Env"] if not e.startswith("TORCH_THREADS")]
    body["Env"].append(f"TORCH_THREADS={value}")
    with pytest.raises(RefusedError, match="TORCH_THREADS"):
        check(body, template)


@pytest.mark.parametrize("other", [None, "", "fleet-gateway-1", "fleet-inference-managed-3"])
def test_name_is_the_clones_own(body: Body, template: Body, other: str | None) -> None:
    with pytest.raises(RefusedError, match="the name must be fleet-inference-managed-2"):
        check(body, template, other)


@pytest.mark.parametrize("other", [None, [], "text", 7])
def test_body_that_is_no_object_is_refused(template: Body, other: object) -> None:
    with pytest.raises(RefusedError, match="not an object"):
        check(other, template)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Privileged", True),
        ("CapAdd", ["SYS_ADMIN"]),
        ("Devices", [{"PathOnHost": "/dev/sda"}]),
        ("VolumesFrom", ["gateway"]),
        ("Sysctls", {"a": "1"}),
        ("UsernsMode", "host"),
        ("PidMode", "host"),
        ("UTSMode", "host"),
        ("CgroupParent", "/"),
        ("IpcMode", "host"),
        ("IpcMode", "shareable"),
        ("NetworkMode", "host"),
        ("NetworkMode", "bridge"),
        ("NetworkMode", "container:redis"),
        ("NetworkMode", ""),
        ("SecurityOpt", ["seccomp=unconfined"]),
        ("Binds", ["/etc:/etc"]),
        ("Binds", ["../x:/x"]),
        ("Mounts", [{"Type": "bind", "Source": "/etc"}]),
        ("Mounts", [{"Type": "npipe", "Source": "x"}]),
        ("Mounts", [{**VOLUME, "VolumeOptions": {"DriverConfig": {"Name": "nfs"}}}]),
    ],
)
def test_harmful_template_is_not_multiplied(template: Body, key: str, value: object) -> None:
    template["HostConfig"][key] = value
    hers = clone_body(template, IMAGE, IDENTITY)
    with pytest.raises(RefusedError, match=r"the template|no clone may"):
        check(hers, template)


def test_service_is_the_labels(body: Body) -> None:
    assert service_of(body) == "inference-svc"


@pytest.mark.parametrize("other", [None, [], {}, {"Labels": []}, {"Labels": {SERVICE_LABEL: 1}}])
def test_body_without_a_service_is_refused(other: object) -> None:
    with pytest.raises(RefusedError, match=SERVICE_LABEL):
        service_of(other)

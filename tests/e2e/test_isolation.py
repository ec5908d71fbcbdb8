"""What a container of the fleet may and may not do."""

from pathlib import Path

import pytest

from tests.e2e.compose_fleet import ComposeFleet

pytestmark = pytest.mark.docker

GATEWAY = "gateway-1"
# Only the proxy of the engine's socket is root, since the socket is root's; it has no capabilities.
ROOTS = {"engine-proxy-1"}
# The tests' own, not the fleet's.
OTHERS = {"hub-1"}

CALL_WITHOUT_TOKEN = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], data=b"{}", timeout=5).status)
except urllib.error.HTTPError as exc:
    print(exc.code)
"""


@pytest.fixture(scope="module")
def names(fleet: ComposeFleet) -> list[str]:
    """The containers of the fleet that run."""
    return sorted(set(fleet.containers()) - OTHERS)


def process_status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_only_the_gateway_publishes_a_port_and_on_loopback(
    fleet: ComposeFleet, names: list[str]
) -> None:
    published = {
        name: [binding for bindings in ports.values() for binding in bindings or []]
        for name, ports in (
            (name, fleet.container(name)["NetworkSettings"]["Ports"]) for name in names
        )
    }
    assert {name for name, bindings in published.items() if bindings} == {GATEWAY}
    assert published[GATEWAY] == [{"HostIp": "127.0.0.1", "HostPort": str(fleet.port)}]


def test_no_process_is_root_or_has_or_can_gain_a_capability(
    fleet: ComposeFleet, names: list[str]
) -> None:
    for name in names:
        for pid in fleet.pids(name):
            status = process_status(pid)
            assert "0" not in status["Uid"].split() or name in ROOTS, name
            for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(status[kind], 16) == 0, (name, kind)
            assert status["NoNewPrivs"] == "1", name
            assert status["Seccomp"] == "2", name


def test_no_root_filesystem_can_be_written(fleet: ComposeFleet, names: list[str]) -> None:
    for name in names:
        assert fleet.container(name)["HostConfig"]["ReadonlyRootfs"] is True, name
        told = fleet.execute(name, "touch", "/app/x", "/etc/x", status=1)
        assert told.count("Read-only file system") == 2 or "No such file" in told, (name, told)


def test_only_the_registry_and_its_worker_can_write_models(
    fleet: ComposeFleet, names: list[str]
) -> None:
    writers = {
        name
        for name in names
        for mount in fleet.container(name)["Mounts"]
        if mount["Destination"] == "/models" and mount["RW"]
    }
    assert writers == {"model-registry-svc-1", "model-registry-worker-1"}


def test_nothing_of_the_host_is_mounted_but_the_engines_socket(
    fleet: ComposeFleet, names: list[str]
) -> None:
    for name in names:
        binds = {m["Source"] for m in fleet.container(name)["Mounts"] if m["Type"] == "bind"}
        assert binds <= ({"/var/run/docker.sock"} if name in ROOTS else set()), name


def test_a_service_sees_its_own_secrets_alone(fleet: ComposeFleet) -> None:
    for name in ("gateway", "inference-svc", "gpu-svc"):
        assert fleet.execute(f"{name}-1", "ls", "/secrets").split() == [name]
        modes = fleet.execute(f"{name}-1", "bash", "-c", f"stat -c %a /secrets/{name}/*")
        assert set(modes.split()) == {"600"}
        fleet.execute(f"{name}-1", "touch", f"/secrets/{name}/x", status=1)


def test_no_secret_stands_in_an_environment_or_on_a_command_line(
    fleet: ComposeFleet, names: list[str]
) -> None:
    password = fleet.execute("redis-1", "cat", "/redis/password").strip()
    assert len(password) == 64
    for name in names:
        described = fleet.container(name)
        assert password not in str(described), name
        for pid in fleet.pids(name):
            assert password not in Path(f"/proc/{pid}/cmdline").read_text()
            assert password not in Path(f"/proc/{pid}/environ").read_text()


def test_redis_refuses_who_has_no_password(fleet: ComposeFleet) -> None:
    told = fleet.execute("redis-1", "redis-cli", "keys", "*")
    assert "NOAUTH" in told


@pytest.mark.parametrize(
    "url",
    [
        "http://inference-svc:8000/predict",
        "http://audio-svc:8000/synthesize",
        "http://model-registry-svc:8000/models/download",
        "http://gpu-svc:8000/gpu/detect",
        "http://auth-svc:8000/auth/login",
    ],
)
def test_service_refuses_a_call_that_brings_no_token(fleet: ComposeFleet, url: str) -> None:
    told = fleet.execute(GATEWAY, "python", "-c", CALL_WITHOUT_TOKEN, url)
    assert told.strip() == "401"


def test_replicas_reach_nothing_outside_the_fleet(fleet: ComposeFleet) -> None:
    hub = fleet.container("hub-1")["NetworkSettings"]["Networks"]
    (address,) = (network["IPAddress"] for network in hub.values())
    knock = f"timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/8080'"
    assert fleet.execute("model-registry-worker-1", "bash", "-c", knock) == ""
    fleet.execute("inference-svc-1", "bash", "-c", f"! {knock} 2>/dev/null")
    fleet.execute("audio-svc-1", "bash", "-c", f"! {knock} 2>/dev/null")

"""The autoscaler over the Docker API: grows, shrinks, adopts, is adopted, leaves nothing."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.load import EXAMPLE_BODY, Tally, closed_loop
from tests.e2e.compose_fleet import ComposeFleet

pytestmark = pytest.mark.docker

INFERENCE, REPLICA = "inference-svc", "inference-replica"
AUTOSCALER, PROXY = "autoscaler-svc-1", "engine-proxy-1"
DEADLINE_S = 60.0
# Windows of seconds: the same decisions, sooner.
QUICK = {
    "stable_window_s": 4,
    "panic_window_s": 2,
    "scale_down_delay_s": 3,
    "interval_s": 0.5,
    "max_replicas": 4,
}

# What whoever had taken over the autoscaler would try next.
CALL_ENGINE = """
import json, sys, urllib.error, urllib.request
method, path, body = sys.argv[1:]
request = urllib.request.Request(
    "http://engine-proxy:2375" + path, method=method, data=body.encode() or None,
    headers={"Content-Type": "application/json"},
)
try:
    with urllib.request.urlopen(request, timeout=10) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as exc:
    print(exc.code, exc.read().decode())
"""


class Scaling:
    """What the tests ask of the autoscaler, and of the engine behind its back."""

    def __init__(self, fleet: ComposeFleet, client: httpx.AsyncClient) -> None:
        self.fleet = fleet
        self.client = client

    async def scale(self, number: int, model: str = "example") -> dict[str, Any]:
        """Returns when it is so."""
        body = {"model_name": model, "target_instances": number, "wait": True}
        answer = await self.client.post("/autoscaler/scale", json=body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def stats(self) -> dict[str, Any]:
        answer = await self.client.get("/autoscaler/stats")
        told: dict[str, Any] = answer.json()
        return told if answer.status_code == 200 else {}

    async def until(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The stats that are so first. Raises: AssertionError: not within DEADLINE_S."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + DEADLINE_S
        while not (told := await self.stats()) or not is_so(told):
            assert loop.time() < end_s, told
            await asyncio.sleep(0.2)
        return told

    async def ready(self) -> dict[str, str]:
        """Container by replica id."""
        told = (await self.stats())["services"][INFERENCE]["replicas"]
        return {r["replica_id"]: r["unit"] for r in told if r["state"] == "ready"}

    def made(self) -> list[str]:
        """The names of the containers that the autoscaler made."""
        names = self.fleet.containers(running=False)
        return sorted(name for name in names if name.startswith(REPLICA))

    async def load(self, connections: int, seconds: float) -> Tally:
        url = f"{self.fleet.url}/predict"
        return await closed_loop(url, EXAMPLE_BODY, connections, seconds)

    def kill(self, name: str) -> None:
        """As a crash would; one that is just starting again has no process to kill."""
        if pid := self.fleet.container(name)["State"]["Pid"]:
            os.kill(pid, signal.SIGKILL)


def call_engine(fleet: ComposeFleet, method: str, path: str, body: str = "") -> str:
    """Status and body of a call from inside the autoscaler's container."""
    return fleet.execute(AUTOSCALER, "python", "-c", CALL_ENGINE, method, path, body)


@pytest.fixture
async def scaling(fleet: ComposeFleet, client: httpx.AsyncClient) -> AsyncIterator[Scaling]:
    """The shared fleet with a quick autoscaler; one replica before and after."""
    answer = await client.put("/autoscaler/config", json=QUICK)
    assert answer.status_code == 200, answer.text
    scaling = Scaling(fleet, client)
    yield scaling
    await scaling.until(lambda told: told["state"] == "running")
    await scaling.scale(1)
    await client.put("/autoscaler/config", json=dict.fromkeys(QUICK))


async def test_load_grows_replicas_and_they_shrink_after_without_a_failure(
    scaling: Scaling,
) -> None:
    busy = asyncio.create_task(scaling.load(32, 15))
    await scaling.until(lambda t: t["services"][INFERENCE]["ready_replicas"] > 1)
    assert scaling.made() != []
    tally = await busy
    calm = asyncio.create_task(scaling.load(1, 15))
    await scaling.until(lambda t: t["services"][INFERENCE]["current_replicas"] == 1)
    assert tally.failures == (await calm).failures == {}
    assert scaling.made() == []


async def test_second_up_leaves_three_alone_and_ps_shows_them(scaling: Scaling) -> None:
    await scaling.scale(3)
    before = await scaling.ready()
    scaling.fleet.up()
    assert await scaling.ready() == before
    listed = scaling.fleet.compose("ps")
    assert [name for name in scaling.made() if name not in listed] == []
    assert "replica.ready" in scaling.fleet.compose(
        "--profile", "managed", "logs", "--no-color", REPLICA
    )


async def test_clones_are_as_hardened_as_what_they_were_made_after(scaling: Scaling) -> None:
    await scaling.scale(2)
    own = scaling.fleet.container(f"{INFERENCE}-1")
    clone = scaling.fleet.container(scaling.made()[0])
    for key in ("ReadonlyRootfs", "CapDrop", "SecurityOpt", "PidsLimit", "Tmpfs", "Init"):
        assert clone["HostConfig"][key] == own["HostConfig"][key], key
    assert clone["Config"]["User"] == own["Config"]["User"]
    assert clone["Image"] == own["Image"]
    assert [m["Source"] for m in clone["HostConfig"]["Mounts"]] == [
        m["Source"] for m in own["HostConfig"]["Mounts"]
    ]


async def test_killed_autoscaler_adopts_what_it_had_made(scaling: Scaling) -> None:
    await scaling.scale(2)
    before = await scaling.ready()
    scaling.kill(AUTOSCALER)
    await scaling.until(lambda told: told["counters"]["adopt"] == 1)
    assert await scaling.ready() == before
    await scaling.scale(1)
    assert scaling.made() == []
    assert set((await scaling.ready()).values()) < set(before.values())


async def test_a_minute_of_killed_replicas_costs_no_request(scaling: Scaling) -> None:
    await scaling.scale(4)
    names = [f"{INFERENCE}-1", *scaling.made()]
    busy = asyncio.create_task(scaling.load(16, 60))
    victims = itertools.cycle(names)
    for _ in range(9):
        await asyncio.sleep(6)
        scaling.kill(next(victims))
    tally = await busy
    assert tally.failures == {}
    told = await scaling.until(lambda t: t["services"][INFERENCE]["ready_replicas"] == 4)
    assert told["services"][INFERENCE]["desired_replicas"] == 4
    assert [f"{INFERENCE}-1", *scaling.made()] == names


async def test_at_zero_the_fleets_own_is_stopped_and_a_request_starts_it_again(
    scaling: Scaling,
) -> None:
    own = scaling.fleet.container(f"{INFERENCE}-1")["Id"]
    await scaling.scale(0)
    assert scaling.fleet.container(f"{INFERENCE}-1")["State"]["Status"] == "exited"
    assert (await scaling.client.get("/health")).json()["status"] == "ok"
    body = {"model_name": "example", "inputs": [1, 2, 3]}
    assert (await scaling.client.post("/predict", json=body)).status_code == 200
    assert scaling.fleet.container(f"{INFERENCE}-1")["Id"] == own
    assert scaling.made() == []


async def test_replicas_of_an_older_template_are_renewed(scaling: Scaling) -> None:
    await scaling.scale(2)
    (before,) = scaling.made()
    old = scaling.fleet.container(before)["Id"]
    # Without --no-deps, which Compose 2.26 counts as a change of the service.
    recreate = ("up", "-d", "--wait", "--force-recreate", INFERENCE)
    changed = scaling.fleet.altered(LOG_LEVEL="debug")
    changed.compose(*recreate)
    try:
        await scaling.until(
            lambda t: (
                t["services"][INFERENCE]["ready_replicas"] == 2
                and old not in {r["unit"] for r in t["services"][INFERENCE]["replicas"]}
            )
        )
        (now,) = scaling.made()
        assert "LOG_LEVEL=debug" in scaling.fleet.container(now)["Config"]["Env"]
    finally:
        scaling.fleet.compose(*recreate)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1.45/info", "", "403"),
        ("GET", "/v1.45/images/json", "", "403"),
        ("GET", "/containers/json", "", "403"),
        ("POST", "/v1.45/containers/create", '{"Image":"redis:7"}', "403"),
        ("POST", "/v1.45/containers/create", '{"HostConfig":{"Privileged":true}}', "403"),
        ("GET", "/_ping", "", "200"),
    ],
)
def test_proxy_refuses_whatever_is_not_its_business(
    fleet: ComposeFleet, method: str, path: str, body: str, status: str
) -> None:
    told = call_engine(fleet, method, path, body)
    assert told.startswith(status), told


def test_proxy_shows_replicas_and_no_other_container(fleet: ComposeFleet) -> None:
    told = call_engine(fleet, "GET", "/v1.45/containers/json?all=1")
    for name in ("gateway", "redis", "auth-svc", PROXY):
        assert f"{fleet.project}-{name}" not in told
    assert f"{fleet.project}-{INFERENCE}-1" in told


def test_nobody_else_reaches_the_proxy(fleet: ComposeFleet) -> None:
    script = "import socket; socket.create_connection(('engine-proxy', 2375), 2)"
    told = fleet.execute("gateway-1", "python", "-c", script, status=1)
    assert "gaierror" in told or "Errno" in told


@pytest.fixture
def scaled_fleet(own_fleet: ComposeFleet) -> ComposeFleet:
    """Its own, with three replicas."""
    own_fleet.up()
    with httpx.Client(base_url=own_fleet.url, timeout=DEADLINE_S) as client:
        body = {"model_name": "example", "target_instances": 3, "wait": True}
        answer = client.post("/autoscaler/scale", json=body)
        assert answer.status_code == 200, answer.text
    return own_fleet


def test_plain_down_leaves_nothing_of_what_was_made(scaled_fleet: ComposeFleet) -> None:
    pids = scaled_fleet.pids()
    assert len([n for n in scaled_fleet.containers() if n.startswith(REPLICA)]) == 2
    scaled_fleet.down()
    label = f"label=com.docker.compose.project={scaled_fleet.project}"
    assert scaled_fleet.docker("ps", "-aq", "--filter", label) == ""
    assert scaled_fleet.docker("network", "ls", "-q", "--filter", label) == ""
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    scaled_fleet.up()
    assert [n for n in scaled_fleet.containers() if n.startswith(REPLICA)] == []

"""A fleet that runs goes on: crashes of services, of Redis and of the supervisor itself."""

import os
import signal
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
import redis

from fleetserve.redis_client import make_sync_redis
from tests.integration.supervisor.conftest import StartFleet
from tests.integration.supervisor.fleet_runner import RunningFleet, wait_until_gone
from tests.redis_server import RedisServer


def view(fleet: RunningFleet, replica_id: str) -> dict[str, object]:
    with fleet.engine() as engine:
        found: dict[str, object] = engine.get(f"/processes/{replica_id}").json()
    return found


def kill(fleet: RunningFleet, replica_id: str) -> None:
    pid = view(fleet, replica_id)["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)


def redis_url(fleet: RunningFleet) -> str:
    url: str = httpx.get(f"{fleet.record().gateway}/environment").json()["REDIS_URL"]
    return url


@pytest.fixture
def client(fleet: RunningFleet) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url(fleet)) as client:
        yield client


def test_killed_replica_is_started_again_and_says_so(fleet: RunningFleet) -> None:
    fleet.output = ""
    kill(fleet, "inference-svc-1")
    fleet.wait_for(r"^  ended  inference-svc-1 +killed by SIGKILL after .*; starts again in 0\.2 s")
    fleet.wait_for(r"^  ready  inference-svc-1 +http://")
    after = view(fleet, "inference-svc-1")
    assert (after["state"], after["restarts"]) == ("running", 1)
    assert httpx.get(f"{after['address']}/health/ready").status_code == 200


def test_grandchildren_of_a_killed_service_go_with_it(start_fleet: StartFleet) -> None:
    fleet = start_fleet(TINY_INFERENCE_SVC_1="family")
    fleet.wait_until_ready()
    before = fleet.pids()
    fleet.output = ""
    kill(fleet, "inference-svc-1")
    fleet.wait_for(r"^  ready  inference-svc-1")
    assert len(wait_until_gone(before - fleet.pids())) == 0
    assert len(before - fleet.pids()) == 2


def test_killed_redis_comes_back_at_the_same_address_with_its_data(
    fleet: RunningFleet, client: "redis.Redis"
) -> None:
    client.set("key", "value")
    fleet.output = ""
    kill(fleet, "redis")
    fleet.wait_for(r"^  ready  redis")
    assert client.get("key") == b"value"


def test_home_of_a_killed_fleet_is_taken_over_with_its_data(
    fleet: RunningFleet, client: "redis.Redis", start_fleet: StartFleet
) -> None:
    client.set("key", "value")
    old = redis_url(fleet)
    pids = fleet.pids()
    fleet.signal(signal.SIGKILL)
    assert wait_until_gone(pids) == set()
    second = start_fleet()
    second.wait_until_ready()
    new = redis_url(second)
    assert urlsplit(new).password == urlsplit(old).password
    with redis.Redis.from_url(new) as again:
        assert again.get("key") == b"value"


def test_port_of_a_fleet_killed_a_moment_ago_can_be_used_again(start_fleet: StartFleet) -> None:
    first = start_fleet()
    first.wait_until_ready()
    port = str(urlsplit(first.record().gateway).port)
    first.signal(signal.SIGKILL)
    second = start_fleet(PORT=port)
    second.wait_until_ready()
    assert urlsplit(second.record().gateway).port == int(port)


def test_redis_wants_its_password(fleet: RunningFleet) -> None:
    port = urlsplit(redis_url(fleet)).port
    stranger = make_sync_redis(f"redis://127.0.0.1:{port}/0")
    with stranger, pytest.raises(redis.exceptions.AuthenticationError):
        stranger.ping()


def test_given_redis_is_used(start_fleet: StartFleet, redis_server: RedisServer) -> None:
    fleet = start_fleet(REDIS_URL=redis_server.url)
    fleet.wait_until_ready()
    assert "  given  redis" in fleet.output
    found = httpx.get(f"{fleet.record().gateway}/environment").json()
    assert found["REDIS_URL"] == redis_server.url
    assert found["FLEETSERVE_PREFIX"].startswith("fleetserve-")

import asyncio

import pytest
from msgspec.structs import replace

from fleetserve.announcements import ReplicaState
from fleetserve.clock import SystemClock
from fleetserve.redis_client import make_redis
from gateway.directory.memory import MemoryDirectory
from gateway.fleet_health import FleetHealth, checks_as_json
from gateway.replica_table import STALE_S
from tests.redis_server import RedisServer
from tests.unit.gateway.fleet import Fleet, Gate, announced, answering, failing

INFERENCE, AUDIO, REGISTRY = "inference-svc", "audio-svc", "model-registry-svc"


@pytest.fixture
def directory(fleet: Fleet) -> MemoryDirectory:
    return MemoryDirectory(fleet.table, fleet.models)


@pytest.fixture
def health(fleet: Fleet, directory: MemoryDirectory) -> FleetHealth:
    expected = (INFERENCE, AUDIO, REGISTRY)
    return FleetHealth(fleet.table, fleet.calls, directory, fleet.runtime, expected)


@pytest.fixture
def redis(fleet: Fleet, redis_server: RedisServer) -> RedisServer:
    """A Redis that the runtime can reach."""
    fleet.runtime.redis = make_redis(redis_server.url)
    return redis_server


def whole(fleet: Fleet) -> None:
    for service in (INFERENCE, AUDIO, REGISTRY):
        fleet.add(answering(), announced(f"{service}-1", service=service))


async def test_whole_fleet_is_ok(health: FleetHealth, fleet: Fleet, redis: RedisServer) -> None:
    whole(fleet)
    state = await health.state()
    assert (state.can_serve, state.status) == (True, "ok")
    assert set(state.checks) == {INFERENCE, AUDIO, REGISTRY, "redis"}
    assert checks_as_json(state.checks)[INFERENCE]["detail"] == "1 of 1 ready"
    assert {r.target for r in fleet.upstream.sent} == {"/health/ready"}


async def test_fleet_without_replicas_cannot_serve_and_says_what_is_missing(
    health: FleetHealth, redis: RedisServer
) -> None:
    state = await health.state()
    assert (state.can_serve, state.status) == (False, "down")
    assert "nothing has announced itself" in state.checks[INFERENCE].detail


@pytest.mark.parametrize("missing", [AUDIO, REGISTRY])
async def test_fleet_without_one_service_is_degraded(
    health: FleetHealth, fleet: Fleet, redis: RedisServer, missing: str
) -> None:
    for service in {INFERENCE, AUDIO, REGISTRY} - {missing}:
        fleet.add(answering(), announced(f"{service}-1", service=service))
    state = await health.state()
    assert (state.can_serve, state.status) == (True, "degraded")
    assert [name for name, check in state.checks.items() if not check.healthy] == [missing]


async def test_service_beyond_the_expected_is_checked_too(
    health: FleetHealth, fleet: Fleet, redis: RedisServer
) -> None:
    whole(fleet)
    fleet.add(answering(status=503), announced("p1", service="gpu-svc"))
    state = await health.state()
    assert state.status == "degraded"
    assert "p1 is not ready" in state.checks["gpu-svc"].detail


async def test_one_replica_of_two_is_enough_and_the_other_is_named(
    health: FleetHealth, fleet: Fleet, redis: RedisServer
) -> None:
    whole(fleet)
    fleet.add(failing(sent=False), announced("dead"))
    state = await health.state()
    assert state.status == "ok"
    assert state.checks[INFERENCE].detail.startswith("1 of 2 ready (dead does not answer")


@pytest.mark.parametrize(
    ("state", "detail"),
    [(ReplicaState.DRAINING, "is draining"), (ReplicaState.STARTING, "is not ready: loading")],
)
async def test_service_whose_only_process_is_not_ready_says_why(
    health: FleetHealth, fleet: Fleet, redis: RedisServer, state: ReplicaState, detail: str
) -> None:
    fleet.add(answering(b"loading", status=503), announced("i1", state=state))
    result = (await health.state()).checks[INFERENCE]
    assert not result.healthy
    assert detail in result.detail


async def test_process_that_fell_silent_is_not_asked(
    health: FleetHealth, fleet: Fleet, redis: RedisServer
) -> None:
    fleet.add(answering(), announced("i1"))
    fleet.clock.move(STALE_S)
    result = (await health.state()).checks[INFERENCE]
    assert "has not been heard" in result.detail
    assert fleet.upstream.sent == []


async def test_hung_process_costs_less_than_a_second(
    health: FleetHealth, fleet: Fleet, redis: RedisServer
) -> None:
    whole(fleet)
    for number in range(3):
        fleet.add(Gate(), announced(f"hung{number}", service="gpu-svc"))
    fleet.runtime.clock = SystemClock()
    async with asyncio.timeout(1.0):
        state = await health.state()
    assert state.can_serve
    assert "did not answer" in state.checks["gpu-svc"].detail


async def test_fleet_whose_redis_is_away_serves_on_and_says_so(
    health: FleetHealth, fleet: Fleet, directory: MemoryDirectory
) -> None:
    whole(fleet)
    directory.lose("Redis is connected but silent")
    fleet.clock.move(60.0)
    state = await health.state()
    assert (state.can_serve, state.status) == (True, "degraded")
    assert "connected but silent" in state.checks["redis"].detail
    assert "predictions go on" in state.checks["redis"].detail


@pytest.mark.parametrize("fault", ["stop", "hang"])
async def test_redis_that_went_a_moment_ago_is_noticed_within_a_second(
    health: FleetHealth, fleet: Fleet, redis: RedisServer, fault: str
) -> None:
    whole(fleet)
    assert (await health.state()).status == "ok"
    getattr(redis, fault)()
    async with asyncio.timeout(1.0):
        state = await health.state()
    assert (state.can_serve, state.status) == (True, "degraded")
    assert not state.checks["redis"].healthy


async def test_service_at_zero_on_purpose_is_well(
    health: FleetHealth, fleet: Fleet, redis: RedisServer
) -> None:
    fleet.add(answering(), announced("registry-1", service=REGISTRY))
    told = b'{"healthy":true,"state":"running","components":{},"asleep":["inference-svc"]}'
    fleet.add(answering(told), announced("scaler", service="autoscaler-svc"))
    state = await health.state()
    assert (state.can_serve, state.status) == (True, "degraded")
    assert state.checks[INFERENCE].healthy
    assert "next request" in state.checks[INFERENCE].detail
    assert not state.checks[AUDIO].healthy


async def test_service_that_came_back_is_asked_itself(
    health: FleetHealth, fleet: Fleet, redis: RedisServer
) -> None:
    whole(fleet)
    told = b'{"healthy":true,"state":"running","components":{},"asleep":["inference-svc"]}'
    fleet.add(answering(told), announced("scaler", service="autoscaler-svc"))
    state = await health.state()
    assert state.status == "ok"
    assert state.checks[INFERENCE].detail == "1 of 1 ready"


async def test_worker_without_an_address_is_well_as_long_as_it_is_heard(
    health: FleetHealth, fleet: Fleet, redis: RedisServer
) -> None:
    whole(fleet)
    fleet.table.update(replace(announced("w1", service="jobs-worker"), address=""))
    assert (await health.state()).checks["jobs-worker"].detail == "1 of 1 ready"
    await fleet.clock.advance(STALE_S)
    assert not (await health.state()).checks["jobs-worker"].healthy

"""Predictions go on while Redis is stopped, and while it hangs."""

import asyncio
from time import monotonic

import pytest

from tests.integration.gateway.load import Load, loaded
from tests.integration.gateway.processes import GatewayFleet, body, until

FAULTS = {"stop": "start", "hang": "resume"}
CONNECTIONS = 4
# A steady rate, so that what is measured is the gateway and not the machine's last cycle.
PAUSE_S = 0.02


@pytest.fixture
async def running(fleet: GatewayFleet) -> GatewayFleet:
    for replica_id in ("i1", "i2"):
        fleet.start_replica(replica_id)
    fleet.start_gateway()
    await fleet.ready("i1", "i2")
    return fleet


async def go_through(fleet: GatewayFleet, fault: str, seconds: float) -> Load:
    """Load through the fault and its end, /health asked all the while."""
    async with loaded(fleet, connections=CONNECTIONS, pause_s=PAUSE_S) as load:
        getattr(fleet.redis, fault)()
        await watch_health(fleet, seconds)
        getattr(fleet.redis, FAULTS[fault])()
        await until_well(fleet)
    return load


async def watch_health(fleet: GatewayFleet, seconds: float, *, healthy: bool = False) -> None:
    """It answers within a second all the time, and says how Redis is."""
    end_s = monotonic() + seconds
    async with fleet.client() as client:
        while monotonic() < end_s:
            begin_s = monotonic()
            answer = await client.get("/health")
            assert monotonic() - begin_s < 1.0
            assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
            redis = answer.json()["checks"]["redis"]
            assert redis["healthy"] is healthy
            assert redis["detail"]
            await asyncio.sleep(0.25)


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


async def until_well(fleet: GatewayFleet) -> None:
    async with fleet.client() as client:

        async def well() -> bool:
            answer = (await client.get("/health")).json()
            redis: bool = answer["checks"]["redis"]["healthy"]
            return redis

        await until(well)


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_prediction_fails_while_redis_is_away(running: GatewayFleet, fault: str) -> None:
    load = await go_through(running, fault, 4.0)
    assert load.failures == []
    assert load.answered > 100
    assert set(load.replicas) == {"i1", "i2"}
    # What waits for anything of Redis's takes half a second at least, and would do so each
    # second; a stall of the machine may cost one request or two.
    assert sorted(running.latencies_ms())[-3] < 500.0
    await running.ready("i1", "i2")


@pytest.mark.parametrize("fault", FAULTS)
async def test_replica_that_dies_while_redis_is_away_fails_no_request(
    running: GatewayFleet, fault: str
) -> None:
    async with loaded(running, connections=CONNECTIONS, pause_s=PAUSE_S) as load:
        getattr(running.redis, fault)()
        await load.more(50)
        running.replicas["i1"].kill()
        await load.more(200)
        getattr(running.redis, FAULTS[fault])()
        await until_well(running)
    assert load.failures == []
    assert load.replicas["i2"] > 150


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
async def test_p99_stays_under_twice_the_usual_for_ten_seconds(
    running: GatewayFleet, fault: str
) -> None:
    async with loaded(running, connections=CONNECTIONS, pause_s=PAUSE_S):
        await watch_health(running, 10.0, healthy=True)
    before = running.latencies_ms()
    load = await go_through(running, fault, 10.0)
    during = running.latencies_ms()[len(before) :]
    assert load.failures == []
    assert p99(during) < 2 * p99(before)


async def test_gateway_that_starts_without_redis_serves_once_it_is_there(
    fleet: GatewayFleet,
) -> None:
    fleet.redis.stop()
    fleet.start_replica("i1")
    fleet.start_gateway()
    async with fleet.client() as client:
        health = await client.get("/health")
        assert health.status_code == 503
        assert not health.json()["checks"]["redis"]["healthy"]
        asking = asyncio.ensure_future(client.post("/predict", json=body()))
        fleet.redis.start()
        assert (await asking).status_code == 200

"""What clients see when a replica dies, drains, sheds or is not there yet."""

import asyncio
import signal

from tests.integration.gateway.load import loaded
from tests.integration.gateway.processes import GatewayFleet, body, until


async def test_killing_one_of_two_replicas_under_16_connections_fails_no_request(
    fleet: GatewayFleet,
) -> None:
    for replica_id in ("i1", "i2"):
        fleet.start_replica(replica_id)
    fleet.start_gateway()
    await fleet.ready("i1", "i2")
    async with loaded(fleet, request=body("sleep", s=0.01)) as load:
        await load.more(200)
        before = load.replicas["i2"]
        fleet.replicas["i1"].kill()
        await load.more(400)
    assert load.failures == []
    assert load.replicas["i2"] > before + 350
    assert load.replicas["i1"] > 50
    async with fleet.client() as client:
        health = (await client.get("/health")).json()
        assert health["healthy"]
        assert "1 of 2 ready (i1" in health["checks"]["inference-svc"]["detail"]


async def test_requests_of_the_only_replica_wait_for_its_successor(fleet: GatewayFleet) -> None:
    fleet.start_replica("i1")
    fleet.start_gateway()
    await fleet.ready("i1")
    async with loaded(fleet, request=body("sleep", s=0.02)) as load:
        await load.more(100)
        fleet.replicas["i1"].kill()
        fleet.start_replica("i1")
        await load.more(100)
    assert load.failures == []


async def test_request_that_kills_its_replica_is_a_504_at_its_time(fleet: GatewayFleet) -> None:
    fleet.start_replica("i1")
    fleet.start_gateway()
    await fleet.ready("i1")
    async with fleet.client() as client:
        answer = await client.post("/predict", json=body("die", timeout=1.0))
    assert answer.status_code == 504
    assert "attempts" in answer.json()["detail"]


async def test_draining_replica_under_load_fails_no_request_and_ends(fleet: GatewayFleet) -> None:
    for replica_id in ("i1", "i2"):
        fleet.start_replica(replica_id, "--drain-s", "1.0")
    fleet.start_gateway()
    await fleet.ready("i1", "i2")
    async with loaded(fleet, request=body("sleep", s=0.02)) as load:
        await load.more(100)
        fleet.replicas["i1"].signal(signal.SIGTERM)

        async def ended() -> bool:
            return fleet.replicas["i1"].process.poll() is not None

        await until(ended)
        await load.more(100)
    assert load.failures == []
    assert fleet.replicas["i1"].process.returncode in (0, -signal.SIGTERM)
    await fleet.ready("i2")


async def test_replica_that_sheds_sends_its_requests_to_the_other(fleet: GatewayFleet) -> None:
    fleet.start_replica("full", "--sheds")
    fleet.start_replica("i1")
    fleet.start_gateway()
    await fleet.ready("full", "i1")
    async with loaded(fleet, connections=4) as load:
        await load.more(100)
    assert load.failures == []
    assert set(load.replicas) == {"i1"}
    assert (await fleet.state_of("full"))["shed"] > 10


async def test_overload_is_a_503_with_retry_after_within_the_callers_time(
    fleet: GatewayFleet,
) -> None:
    for replica_id in ("full1", "full2"):
        fleet.start_replica(replica_id, "--sheds")
    fleet.start_gateway()
    await fleet.ready("full1", "full2")
    async with fleet.client() as client:
        asking = (client.post("/predict", json=body(timeout=0.5)) for _ in range(32))
        answers = await asyncio.gather(*asking)
    for answer in answers:
        assert answer.status_code == 503
        assert answer.json()["code"] == "overloaded"
        assert answer.headers["retry-after"] == "2"


async def test_gateway_with_as_many_requests_as_it_may_have_sheds_the_rest(
    fleet: GatewayFleet,
) -> None:
    fleet.start_replica("i1")
    fleet.start_gateway(SERVER__MAX_IN_FLIGHT="4")
    await fleet.ready("i1")
    async with loaded(fleet, connections=12, request=body("sleep", s=0.1)) as load:
        await load.more(48)
    assert load.replicas["i1"] > 0
    assert load.failures
    assert all(failure.startswith("503") for failure in load.failures)


async def test_request_waits_for_the_first_replica_to_start(fleet: GatewayFleet) -> None:
    fleet.start_gateway()
    async with loaded(fleet, connections=1) as load:
        fleet.start_replica("i1")
        await load.more(5)
    assert load.failures == []


async def test_gateway_ends_on_sigterm_once_its_requests_are_answered(fleet: GatewayFleet) -> None:
    fleet.start_replica("i1")
    fleet.start_gateway()
    await fleet.ready("i1")
    async with loaded(fleet, connections=1, request=body("sleep", s=0.5)) as load:

        async def is_there() -> bool:
            return (await fleet.state_of("i1"))["in_flight"] == 1

        await until(is_there)
        fleet.gateway.signal(signal.SIGTERM)
        await load.more(1)
        assert load.failures == []

        async def ended() -> bool:
            return fleet.gateway.process.poll() is not None

        await until(ended)

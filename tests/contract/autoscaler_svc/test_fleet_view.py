"""What every adapter of the autoscaler's FleetView port tells."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from autoscaler_svc.fleet.base import FleetView
from autoscaler_svc.fleet.memory import MemoryFleet
from autoscaler_svc.fleet.redis import RedisFleet
from fleetserve.announcements import Announcement, ReplicaState, encode_announcement
from fleetserve.built_in import SPEECH_MODELS
from fleetserve.clock import ManualClock
from fleetserve.demand import Demand, ModelDemand, encode_demand
from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.metrics.redis import RedisMetricsStore
from fleetserve.metrics.rollup import RollUp
from fleetserve.model_policies import ModelPolicy, encode_policy
from fleetserve.model_records import ModelRecord, ModelState, encode_record
from fleetserve.redis_client import make_redis
from tests.redis_server import RedisServer

NOW_S = 1000.0
REPLICA = Announcement("audio-svc", "a1", "http://a1:8000", "b1", ReplicaState.READY)
GATEWAY = Announcement("gateway", "g1", "http://g1:8000", "b2", ReplicaState.READY)
DEMAND = Demand("g1", {"voice": ModelDemand("audio-svc", 2.5, 1)})
POLICY = ModelPolicy("voice", pinned=True, keep_alive_s=5.0)
RECORD = ModelRecord("voice", "text-to-speech", ModelState.READY, revision="rev", size_bytes=9)


@dataclass
class Case:
    fleet: FleetView
    lose: Callable[[], None]


@pytest.fixture(params=["memory", "redis"])
async def case(request: pytest.FixtureRequest, redis_server: RedisServer) -> AsyncIterator[Case]:
    if request.param == "memory":
        memory = MemoryFleet()
        memory.announce(REPLICA)
        memory.announce(GATEWAY)
        memory.tell(DEMAND)
        memory.records[RECORD.name] = RECORD
        memory.asked[POLICY.name] = POLICY
        memory.memory["audio-svc"] = 300.0

        def lose() -> None:
            memory.away = "away"

        yield Case(memory, lose)
        return
    keys = Keys("fleet-a")
    async with make_redis(redis_server.url) as client:
        for told in (REPLICA, GATEWAY):
            key = keys.announcement(told.service, told.replica_id)
            await client.set(key, encode_announcement(told))
        await client.set(keys.announcement("audio-svc", "strange"), b'{"of": "another version"}')
        # Others' keys of other types, whose names are as like as can be.
        await client.hset(f"{keys.prefix}:autoscaler:floors", "voice", "3")
        await client.zadd(f"{keys.prefix}:auth:revocations", {"s1": 1.0})
        await client.set(keys.demand("g1"), encode_demand(DEMAND))
        await client.set(Keys("fleet-b").demand("g9"), encode_demand(DEMAND))
        await client.set("fleet-a:auth:something", b"else")
        await client.hset(keys.models, RECORD.name, encode_record(RECORD))
        await client.hset(keys.policies, POLICY.name, encode_policy(POLICY))
        store = RedisMetricsStore(client, keys)
        for replica, memory_mb in (("a1", 300.0), ("a2", 250.0)):
            gauges = {"memory_mb": memory_mb}
            await store.record(RollUp(int(NOW_S), "audio-svc", replica, {}, gauges))
        yield Case(RedisFleet(client, keys, ManualClock(NOW_S)), redis_server.stop)


async def test_everybody_who_announces_himself_is_seen(case: Case) -> None:
    sight = await case.fleet.look()
    assert sorted(a.replica_id for a in sight.announcements) == ["a1", "g1"]
    assert REPLICA in sight.announcements


async def test_what_gateways_have_to_do_is_seen(case: Case) -> None:
    assert (await case.fleet.look()).demands == (DEMAND,)


async def test_models_are_known_by_name(case: Case) -> None:
    known = await case.fleet.models()
    assert known.pop("voice") == RECORD
    assert known == {record.name: record for record in SPEECH_MODELS}


async def test_what_was_asked_of_models_is_known_by_name(case: Case) -> None:
    assert await case.fleet.policies() == {"voice": POLICY}


async def test_memory_is_that_of_the_largest_process(case: Case) -> None:
    assert await case.fleet.memory_mb("audio-svc") == 300.0
    assert await case.fleet.memory_mb("inference-svc") is None


async def test_fleet_that_cannot_be_heard_is_unavailable(case: Case) -> None:
    case.lose()
    with pytest.raises(UnavailableError):
        await case.fleet.look()
    with pytest.raises(UnavailableError):
        await case.fleet.models()
    with pytest.raises(UnavailableError):
        await case.fleet.policies()
    with pytest.raises(UnavailableError):
        await case.fleet.memory_mb("audio-svc")

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis.asyncio

from fleetserve.asgi import Receive, Scope, Send
from fleetserve.demand import ModelDemand, decode_demand
from fleetserve.keys import Keys
from fleetserve.redis_client import make_redis
from fleetserve.request_watch import RequestWatch
from gateway.bodies import Body, BodyStore
from gateway.carrier import Carrier
from gateway.demand import DemandMeter, DemandPublisher
from gateway.exchange import Exchange, Headers
from gateway.relay import Relay
from tests.redis_server import RedisServer
from tests.unit.gateway.fleet import Client, Fleet, Gate

SERVICE = "inference-svc"
KEYS = Keys("fleet-a")


@pytest.fixture
def meter(fleet: Fleet) -> DemandMeter:
    return DemandMeter(fleet.clock)


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    async with make_redis(redis_server.url) as client:
        yield client


def test_concurrency_is_the_mean_over_the_time_since_it_was_read(
    meter: DemandMeter, fleet: Fleet
) -> None:
    exchange = fleet.exchange()
    meter.enter(exchange)
    meter.enter(exchange)
    fleet.clock.move(0.25)
    meter.leave(exchange)
    fleet.clock.move(0.5)
    meter.leave(exchange)
    fleet.clock.move(0.25)
    assert meter.read({}) == {"example": ModelDemand(SERVICE, 1.0)}


def test_request_that_lasts_is_counted_each_time(meter: DemandMeter, fleet: Fleet) -> None:
    meter.enter(fleet.exchange())
    fleet.clock.move(1.0)
    assert meter.read({})["example"].concurrency == 1.0
    fleet.clock.move(1.0)
    assert meter.read({})["example"].concurrency == 1.0


def test_model_without_requests_is_left_out(meter: DemandMeter, fleet: Fleet) -> None:
    exchange = fleet.exchange()
    meter.enter(exchange)
    fleet.clock.move(1.0)
    meter.leave(exchange)
    assert "example" in meter.read({})
    fleet.clock.move(1.0)
    assert meter.read({}) == {}


def test_request_of_a_control_route_is_no_demand(meter: DemandMeter, fleet: Fleet) -> None:
    exchange = fleet.exchange(None)
    meter.enter(exchange)
    fleet.clock.move(1.0)
    meter.leave(exchange)
    assert meter.read({}) == {}


def test_held_requests_stand_beside_it(meter: DemandMeter, fleet: Fleet) -> None:
    meter.enter(fleet.exchange())
    fleet.clock.move(1.0)
    assert meter.read({"example": 3, "other": 1})["example"].held == 3


async def test_demand_is_told_until_there_is_none(
    meter: DemandMeter, fleet: Fleet, client: redis.asyncio.Redis
) -> None:
    publisher = DemandPublisher(client, KEYS, "g1", meter, fleet.room.demand, fleet.clock)
    await publisher.publish()
    assert await client.get(KEYS.demand("g1")) is None
    exchange = fleet.exchange()
    meter.enter(exchange)
    fleet.clock.move(1.0)
    with fleet.room.place("example", 0, ""):
        await publisher.publish()
    raw = await client.get(KEYS.demand("g1"))
    assert raw is not None
    assert decode_demand(raw).models == {"example": ModelDemand(SERVICE, 1.0, 1)}
    assert await client.ttl(KEYS.demand("g1")) > 0
    meter.leave(exchange)
    await publisher.publish()
    fleet.clock.move(1.0)
    await publisher.publish()
    assert await client.get(KEYS.demand("g1")) is None


async def test_redis_that_is_away_is_no_fault(meter: DemandMeter, fleet: Fleet) -> None:
    publisher = DemandPublisher(
        fleet.runtime.redis, KEYS, "g1", meter, fleet.room.demand, fleet.clock
    )
    meter.enter(fleet.exchange())
    await publisher.publish()
    await publisher.publish()


async def test_carried_requests_are_counted_until_they_are_answered(
    fleet: Fleet, tmp_path: Path
) -> None:
    bodies = BodyStore(tmp_path, max_body=1000, spool_above=100, max_total=2000)
    carrier = Carrier(fleet.runtime, bodies, fleet.dispatcher, RequestWatch(fleet.clock))
    gate = Gate()
    fleet.add(gate)

    async def make(scope: Scope, sent: Headers, body: Body, relay: Relay) -> Exchange:
        return fleet.exchange()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await carrier.carry(scope, receive, send, "/predict", make)

    asking = asyncio.create_task(Client(app).send("POST", "/predict", b"{}"))
    await gate.arrived.wait()
    fleet.clock.move(1.0)
    assert fleet.dispatcher.demand.read({})["example"].concurrency == 1.0
    gate.opened.set()
    await asking
    fleet.clock.move(1.0)
    assert fleet.dispatcher.demand.read({}) == {}

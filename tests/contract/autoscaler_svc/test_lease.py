"""What every adapter of the Lease port does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from autoscaler_svc.lease.base import Lease
from autoscaler_svc.lease.memory import Desk, MemoryLease
from autoscaler_svc.lease.redis import RedisLease
from autoscaler_svc.redis_keys import ScalerKeys
from fleetserve.clock import ManualClock
from fleetserve.errors import UnavailableError
from fleetserve.redis_client import make_redis
from tests.redis_server import RedisServer

TTL_S = 6.0


@dataclass
class Case:
    """Two autoscalers, and a way to let the time of a lease pass."""

    one: Lease
    two: Lease
    let_it_run_out: Callable[[], Awaitable[None]]
    lose: Callable[[], None]


@pytest.fixture(params=["memory", "redis"])
async def case(request: pytest.FixtureRequest, redis_server: RedisServer) -> AsyncIterator[Case]:
    if request.param == "memory":
        clock, desk = ManualClock(), Desk()

        def lose_desk() -> None:
            desk.away = "away"

        yield Case(
            MemoryLease(desk, "one", TTL_S, clock),
            MemoryLease(desk, "two", TTL_S, clock),
            lambda: clock.advance(TTL_S),
            lose_desk,
        )
        return
    keys = ScalerKeys("fleet-a")
    async with make_redis(redis_server.url) as client:

        async def expire() -> None:
            # Redis counts by its own clock; that it does is all there is to see.
            assert 0 < await client.pttl(keys.lease) <= TTL_S * 1000
            await client.delete(keys.lease)

        yield Case(
            RedisLease(client, keys, "one", TTL_S),
            RedisLease(client, keys, "two", TTL_S),
            expire,
            redis_server.stop,
        )


async def test_first_who_asks_leads_and_the_other_learns_who(case: Case) -> None:
    assert await case.one.hold() == "one"
    assert await case.two.hold() == "one"
    assert await case.one.hold() == "one"


async def test_lease_that_ran_out_is_free(case: Case) -> None:
    await case.one.hold()
    await case.let_it_run_out()
    assert await case.two.hold() == "two"
    assert await case.one.hold() == "two"


async def test_lease_that_was_given_up_is_free_at_once(case: Case) -> None:
    await case.one.hold()
    await case.one.release()
    assert await case.two.hold() == "two"


async def test_nobody_gives_up_what_is_not_his(case: Case) -> None:
    await case.one.hold()
    await case.two.release()
    assert await case.two.hold() == "one"


async def test_nobody_leads_where_nobody_can_tell(case: Case) -> None:
    case.lose()
    with pytest.raises(UnavailableError):
        await case.one.hold()
    with pytest.raises(UnavailableError):
        await case.one.release()

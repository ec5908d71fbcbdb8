"""What every adapter of the Intents port does."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from autoscaler_svc.intents.base import Floor, Intents
from autoscaler_svc.intents.memory import MemoryIntents
from autoscaler_svc.intents.redis import RedisIntents
from autoscaler_svc.redis_keys import ScalerKeys
from fleetserve.errors import UnavailableError
from fleetserve.redis_client import make_redis
from tests.redis_server import RedisServer


@dataclass
class Case:
    intents: Intents
    lose: Callable[[], None]


@pytest.fixture(params=["memory", "redis"])
async def case(request: pytest.FixtureRequest, redis_server: RedisServer) -> AsyncIterator[Case]:
    if request.param == "memory":
        memory = MemoryIntents()

        def lose() -> None:
            memory.away = "away"

        yield Case(memory, lose)
        return
    async with make_redis(redis_server.url) as client:
        yield Case(RedisIntents(client, ScalerKeys("fleet-a")), redis_server.stop)


def floor(instances: int, scaling_id: str = "s1", target: str = "service:audio-svc") -> Floor:
    return Floor(target, "audio-svc", instances, 12.5, scaling_id, "näher", force=True)


async def test_nothing_was_asked_for_at_first(case: Case) -> None:
    assert await case.intents.floors() == {}
    assert await case.intents.overrides() == {}


async def test_floor_takes_the_place_of_the_one_before(case: Case) -> None:
    await case.intents.put_floor(floor(1))
    await case.intents.put_floor(floor(3, "s2"))
    await case.intents.put_floor(floor(0, "s3", "m"))
    assert await case.intents.floors() == {
        "service:audio-svc": floor(3, "s2"),
        "m": floor(0, "s3", "m"),
    }


async def test_floor_is_dropped_unless_it_is_another_one_by_now(case: Case) -> None:
    await case.intents.put_floor(floor(3, "s2"))
    await case.intents.drop_floor("service:audio-svc", "s1")
    assert len(await case.intents.floors()) == 1
    await case.intents.drop_floor("service:audio-svc", "s2")
    await case.intents.drop_floor("service:audio-svc", "s2")
    assert await case.intents.floors() == {}


async def test_all_floors_can_be_cleared_and_settings_stay(case: Case) -> None:
    await case.intents.put_floor(floor(3))
    await case.intents.put_overrides({"max_replicas": 3})
    await case.intents.clear_floors()
    assert await case.intents.floors() == {}
    assert await case.intents.overrides() == {"max_replicas": 3}


async def test_settings_are_added_changed_and_taken_back(case: Case) -> None:
    await case.intents.put_overrides({"max_replicas": 3, "enabled": False, "interval_s": 0.5})
    await case.intents.put_overrides({"max_replicas": 4, "enabled": None})
    assert await case.intents.overrides() == {"max_replicas": 4, "interval_s": 0.5}
    await case.intents.put_overrides({})
    assert len(await case.intents.overrides()) == 2


async def test_store_that_cannot_be_reached_is_unavailable(case: Case) -> None:
    case.lose()
    with pytest.raises(UnavailableError):
        await case.intents.floors()
    with pytest.raises(UnavailableError):
        await case.intents.put_floor(floor(1))
    with pytest.raises(UnavailableError):
        await case.intents.overrides()
    with pytest.raises(UnavailableError):
        await case.intents.put_overrides({"enabled": True})
    with pytest.raises(UnavailableError):
        await case.intents.clear_floors()
    with pytest.raises(UnavailableError):
        await case.intents.drop_floor("m", "s1")

"""What every adapter of gpu-svc's FleetView port tells."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from fleetserve.announcements import Announcement, ReplicaState, encode_announcement
from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.model_records import ModelRecord, ModelState, encode_record
from fleetserve.redis_client import make_redis
from gpu_svc.fleet.base import FleetView
from gpu_svc.fleet.memory import MemoryFleet
from gpu_svc.fleet.redis import RedisFleet
from gpu_svc.torch_builds import TorchBuild
from tests.redis_server import RedisServer

RECORD = ModelRecord("whisper_base", "automatic-speech-recognition", ModelState.READY, size_bytes=9)
BUILD = TorchBuild("replica r1", "2.13.0+cpu", "")


@dataclass
class Case:
    fleet: FleetView
    lose: Callable[[], Awaitable[None]]


@pytest.fixture(params=["memory", "redis"])
async def case(request: pytest.FixtureRequest, redis_server: RedisServer) -> AsyncIterator[Case]:
    if request.param == "memory":
        memory = MemoryFleet([BUILD], [RECORD])

        async def lose_memory() -> None:
            memory.away = "away"

        yield Case(memory, lose_memory)
        return

    async def lose_redis() -> None:
        redis_server.stop()

    keys = Keys("fleet-a")
    replica = Announcement(
        "inference-svc",
        "r1",
        "http://127.0.0.1:1",
        "boot",
        ReplicaState.READY,
        device="cpu",
        versions={"torch": "2.13.0+cpu"},
    )
    async with make_redis(redis_server.url) as client:
        await client.set(keys.announcement("inference-svc", "r1"), encode_announcement(replica))
        await client.hset(keys.models, RECORD.name, encode_record(RECORD))
        yield Case(RedisFleet(client, keys), lose_redis)


async def test_torch_of_every_replica_is_known(case: Case) -> None:
    assert await case.fleet.torch_builds() == [BUILD]


@pytest.mark.parametrize("name", ["whisper_base", "whisper-base"])
async def test_model_is_found_by_both_spellings(case: Case, name: str) -> None:
    assert await case.fleet.model(name) == RECORD


async def test_unknown_model_is_none(case: Case) -> None:
    assert await case.fleet.model("absent") is None


async def test_away_is_told_as_unavailable(case: Case) -> None:
    await case.lose()
    with pytest.raises(UnavailableError):
        await case.fleet.torch_builds()
    with pytest.raises(UnavailableError):
        await case.fleet.model("whisper_base")

"""What every adapter of the Journal port does."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from autoscaler_svc.journal.base import KEPT, Entry, EntryKind, Journal
from autoscaler_svc.journal.memory import MemoryJournal
from autoscaler_svc.journal.redis import RedisJournal
from autoscaler_svc.redis_keys import ScalerKeys
from fleetserve.errors import UnavailableError
from fleetserve.redis_client import make_redis
from tests.redis_server import RedisServer


@dataclass
class Case:
    journal: Journal
    lose: Callable[[], None]


@pytest.fixture(params=["memory", "redis"])
async def case(request: pytest.FixtureRequest, redis_server: RedisServer) -> AsyncIterator[Case]:
    if request.param == "memory":
        memory = MemoryJournal()

        def lose() -> None:
            memory.away = "away"

        yield Case(memory, lose)
        return
    keys = ScalerKeys("fleet-a")
    async with make_redis(redis_server.url) as client:
        await client.lpush(keys.journal, b'{"of": "another version"}')
        yield Case(RedisJournal(client, keys), redis_server.stop)


def entry(number: int) -> Entry:
    return Entry(
        f"e{number}",
        float(number),
        EntryKind.SCALE_UP,
        "inference-svc",
        "inference-svc",
        1,
        2,
        "panic",
        "load",
        "load",
        limited_by="cores",
        inputs={"load": 9.5, "lower_reason": "min_replicas", "gone": None},
    )


async def test_what_is_written_is_read_the_newest_first(case: Case) -> None:
    for number in range(3):
        await case.journal.write(entry(number))
    assert await case.journal.read(10) == [entry(2), entry(1), entry(0)]
    assert await case.journal.read(1) == [entry(2)]


async def test_empty_journal_has_no_entries(case: Case) -> None:
    assert await case.journal.read(10) == []


async def test_only_so_many_are_kept(case: Case) -> None:
    for number in range(KEPT + 3):
        await case.journal.write(entry(number))
    found = await case.journal.read(KEPT + 100)
    assert len(found) == KEPT
    assert found[-1] == entry(3)


async def test_journal_that_cannot_be_reached_is_unavailable(case: Case) -> None:
    case.lose()
    with pytest.raises(UnavailableError):
        await case.journal.write(entry(1))
    with pytest.raises(UnavailableError):
        await case.journal.read(1)

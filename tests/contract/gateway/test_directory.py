"""What the gateway counts on from every Directory."""

import asyncio

import pytest

from fleetserve.announcements import Announcement, InstanceState, ModelInstance, ReplicaState
from fleetserve.errors import ModelNotFoundError
from fleetserve.model_records import ModelRecord, ModelState
from tests.contract.gateway.tellers import MemoryTeller, Teller, until

SERVICE = "inference-svc"


@pytest.fixture(params=["memory", "redis"])
def teller(request: pytest.FixtureRequest) -> Teller:
    if request.param == "memory":
        return MemoryTeller()
    teller: Teller = request.getfixturevalue("redis_teller")
    return teller


def announced(state: ReplicaState = ReplicaState.READY, **fields: object) -> Announcement:
    model = ModelInstance("example", "r", InstanceState.READY)
    return Announcement(SERVICE, "i1", "http://i1", "b1", state, (model,), **fields)  # type: ignore[arg-type]


def recorded(state: ModelState, progress: float = 0.0) -> ModelRecord:
    return ModelRecord("m", "feature-extraction", state, progress=progress)


def state_of(teller: Teller) -> ModelState | None:
    try:
        return teller.models.find("m").record.state
    except ModelNotFoundError:
        return None


async def test_announced_replica_reaches_the_table(teller: Teller) -> None:
    await teller.announce(announced(in_flight=3))
    await until(lambda: bool(teller.table.ready(SERVICE)))
    (replica,) = teller.table.ready(SERVICE)
    assert replica.load == 3
    assert replica.instances == {"example": InstanceState.READY}


async def test_change_of_a_replica_reaches_the_table(teller: Teller) -> None:
    await teller.announce(announced())
    await until(lambda: bool(teller.table.ready(SERVICE)))
    await teller.announce(announced(ReplicaState.DRAINING))
    await until(lambda: not teller.table.ready(SERVICE))
    assert len(teller.table.all(SERVICE)) == 1


async def test_replica_that_is_gone_leaves_the_table(teller: Teller) -> None:
    await teller.announce(announced())
    await until(lambda: bool(teller.table.all(SERVICE)))
    await teller.announce(announced(ReplicaState.GONE))
    await until(lambda: not teller.table.all(SERVICE))


async def test_model_is_known_from_its_download_to_its_end(teller: Teller) -> None:
    assert state_of(teller) is None
    for state in (ModelState.DOWNLOADING, ModelState.READY):
        await teller.record(recorded(state, progress=0.5))
        await until(lambda state=state: state_of(teller) is state)  # type: ignore[misc]
    await teller.record(recorded(ModelState.DELETED))
    await until(lambda: state_of(teller) is None)


async def test_waiting_requests_are_woken_when_their_model_is_ready(teller: Teller) -> None:
    await teller.record(recorded(ModelState.DOWNLOADING))
    await until(lambda: state_of(teller) is ModelState.DOWNLOADING)
    change = teller.table.next_change()
    await teller.record(recorded(ModelState.READY))
    async with asyncio.timeout(5.0):
        await change.wait()
    assert state_of(teller) is ModelState.READY


async def test_source_that_can_be_heard_is_not_away(teller: Teller) -> None:
    assert teller.directory.away_reason == ""
    assert not teller.table.frozen


async def test_table_is_frozen_while_the_source_is_away(teller: Teller) -> None:
    await teller.announce(announced())
    await teller.record(recorded(ModelState.READY))
    await until(lambda: bool(teller.table.ready(SERVICE)) and state_of(teller) is not None)
    await teller.lose()
    await until(lambda: teller.table.frozen)
    assert teller.directory.away_reason
    assert len(teller.table.ready(SERVICE)) == 1
    assert state_of(teller) is ModelState.READY


async def test_source_that_is_back_is_heard_again(teller: Teller) -> None:
    await teller.lose()
    await until(lambda: teller.table.frozen)
    await teller.find()
    await until(lambda: not teller.directory.away_reason)
    assert not teller.table.frozen
    await teller.announce(announced())
    await until(lambda: bool(teller.table.ready(SERVICE)))

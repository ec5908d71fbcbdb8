import asyncio

import orjson
import pytest

from fleetserve.errors import DoesNotFitError, FleetError, NotFoundError, UnavailableError
from gateway.download_orders import FIRST_PAUSE_S, REGISTRY, DownloadOrders
from gateway.upstream.memory import Behaviour, MemoryAnswer, SentRequest
from tests.unit.gateway.fleet import OFFER, Fleet, Gate, announced, answering, in_turn

BEGUN = answering(b'{"download_id":"dl-1"}', status=202)
FULL = answering(b'{"detail":"no room","code":"no_disk_room"}', status=507)


@pytest.fixture
def orders(fleet: Fleet) -> DownloadOrders:
    return DownloadOrders(fleet.calls, fleet.table, fleet.clock)


def serve(fleet: Fleet, behaviour: Behaviour) -> None:
    fleet.add(behaviour, announced("r1", service=REGISTRY, models=()))


async def order(fleet: Fleet, orders: DownloadOrders, failed_id: str = "") -> str:
    return await orders.order(OFFER, failed_id, fleet.clock.monotonic_s() + 60.0)


async def pass_time(fleet: Fleet, seconds: float) -> None:
    """The registry is heard of all the while."""
    await fleet.go_on(seconds)


async def test_registry_is_asked_for_what_the_catalogue_has(
    fleet: Fleet, orders: DownloadOrders
) -> None:
    serve(fleet, BEGUN)
    assert await order(fleet, orders) == "dl-1"
    (sent,) = fleet.upstream.sent
    assert (sent.method, sent.target) == ("POST", "/models/download")
    assert orjson.loads(sent.body) == {
        "source": "huggingface",
        "model_id": "microsoft/speecht5_tts",
        "name": "speecht5_tts",
        "load": False,
    }


async def test_many_who_ask_at_once_are_one_order(fleet: Fleet, orders: DownloadOrders) -> None:
    gate = Gate()

    async def slow(request: SentRequest) -> MemoryAnswer:
        await gate(request)
        return await BEGUN(request)

    serve(fleet, slow)
    asking = [asyncio.ensure_future(order(fleet, orders)) for _ in range(50)]
    await gate.arrived.wait()
    asking.pop().cancel()  # One that leaves does not end it for the others.
    gate.opened.set()
    assert set(await asyncio.gather(*asking)) == {"dl-1"}
    assert len(fleet.upstream.sent) == 1


async def test_refusal_is_told_to_all_and_not_asked_for_again_at_once(
    fleet: Fleet, orders: DownloadOrders
) -> None:
    serve(fleet, FULL)
    errors = await asyncio.gather(*(order(fleet, orders) for _ in range(3)), return_exceptions=True)
    # Each has an error of its own, since stages add to it.
    assert len({id(error) for error in errors}) == 3
    for _ in range(3):
        with pytest.raises(DoesNotFitError, match="no room"):
            await order(fleet, orders)
    assert len(fleet.upstream.sent) == 1
    await pass_time(fleet, FIRST_PAUSE_S)
    serve(fleet, BEGUN)
    assert await order(fleet, orders) == "dl-1"


async def test_pause_doubles_with_each_failure(fleet: Fleet, orders: DownloadOrders) -> None:
    serve(fleet, FULL)
    asked = []
    for _ in range(20):
        with pytest.raises(DoesNotFitError):
            await order(fleet, orders)
        asked.append(len(fleet.upstream.sent))
        await pass_time(fleet, FIRST_PAUSE_S / 2)
    # 0, 30, 90 and 210 s; the failure is noted by who comes next, 15 s later.
    assert asked[-1] == 4


async def test_download_that_failed_is_not_begun_again_at_once(
    fleet: Fleet, orders: DownloadOrders
) -> None:
    second = answering(b'{"download_id":"dl-2"}', status=202)
    serve(fleet, in_turn(BEGUN, second))
    assert await order(fleet, orders) == "dl-1"
    assert await order(fleet, orders, failed_id="dl-1") == "dl-1"
    await pass_time(fleet, FIRST_PAUSE_S)
    assert await order(fleet, orders, failed_id="dl-1") == "dl-2"
    assert len(fleet.upstream.sent) == 2


async def test_failure_of_somebody_elses_download_is_no_reason_to_wait(
    fleet: Fleet, orders: DownloadOrders
) -> None:
    serve(fleet, BEGUN)
    assert await order(fleet, orders, failed_id="dl-0") == "dl-1"


async def test_model_that_was_deleted_meanwhile_is_ordered_anew(
    fleet: Fleet, orders: DownloadOrders
) -> None:
    serve(fleet, BEGUN)
    await order(fleet, orders)
    await order(fleet, orders)
    assert len(fleet.upstream.sent) == 2


async def test_registry_that_is_away_says_nothing_about_the_model(
    fleet: Fleet, orders: DownloadOrders
) -> None:
    with pytest.raises(UnavailableError, match=REGISTRY):
        await order(fleet, orders)
    serve(fleet, BEGUN)
    assert await order(fleet, orders) == "dl-1"


async def test_who_has_less_time_than_the_registry_takes_is_told_to_come_back(
    fleet: Fleet, orders: DownloadOrders
) -> None:
    gate = Gate()
    serve(fleet, gate)
    asking = asyncio.ensure_future(order(fleet, orders))
    await gate.arrived.wait()
    await fleet.clock.advance(60.0)
    with pytest.raises(UnavailableError) as caught:
        await asking
    assert caught.value.code == "not_ready"
    assert not gate.cancelled
    gate.opened.set()


@pytest.mark.parametrize(
    ("told", "status", "expected"),
    [
        (b'{"detail":"no such repo","code":"repository_not_found"}', 404, NotFoundError),
        (b"<html>", 500, FleetError),
    ],
)
async def test_registrys_word_is_passed_on(
    fleet: Fleet, orders: DownloadOrders, told: bytes, status: int, expected: type[FleetError]
) -> None:
    serve(fleet, answering(told, status=status))
    with pytest.raises(expected):
        await order(fleet, orders)

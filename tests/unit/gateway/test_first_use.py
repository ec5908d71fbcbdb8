import asyncio

import pytest

from fleetserve.auth.principals import Principal, PrincipalKind
from fleetserve.auth.scopes import Scope
from fleetserve.errors import ForbiddenError, ModelNotFoundError, UnavailableError
from fleetserve.model_records import ModelRecord, ModelState
from fleetserve.tasks import AUDIO_SERVICE
from gateway.download_orders import REGISTRY
from gateway.entrance import PRINCIPAL
from gateway.exchange import Exchange, Fetch
from gateway.first_use import CATALOGUE_WAIT_S, FetchRule
from gateway.known_models import Target
from gateway.relay import Relay
from gateway.upstream.memory import Behaviour
from tests.unit.gateway.fleet import OFFER, OFFERED, Fleet, Gate, announced, answering, recorded

BEGUN = answering(b'{"download_id":"dl-1"}', status=202)
REFUSED = answering(b'{"detail":"gated","code":"gated"}', status=403)


def asked(fleet: Fleet, *, allowed: bool = True, timeout_s: float = 30.0) -> Exchange:
    """A request for a model of the catalogue that is not here."""
    exchange = fleet.exchange(timeout_s=timeout_s)
    record = ModelRecord(OFFERED, OFFER.task, ModelState.DOWNLOADING)
    exchange.model, exchange.service = Target(record, AUDIO_SERVICE), AUDIO_SERVICE
    exchange.headers.append(("x-fleet-model", OFFERED))
    exchange.fetch, exchange.may_fetch = Fetch(OFFER, "tts-1"), allowed
    return exchange


def serve(fleet: Fleet, registry: Behaviour = BEGUN) -> None:
    fleet.add(registry, announced("r1", service=REGISTRY, models=()))
    fleet.add(answering(b"sound"), announced("a1", service=AUDIO_SERVICE))


def tell(fleet: Fleet, state: ModelState, **more: object) -> None:
    """The registry tells of the download."""
    record = recorded(OFFERED, state, task=OFFER.task, **{"download_id": "dl-1", **more})  # type: ignore[arg-type]
    if fleet.models.put(record):
        fleet.table.notify()


def start(fleet: Fleet, exchange: Exchange) -> asyncio.Task[bytes]:
    async def ask() -> bytes:
        async with fleet.first_use.reply_to(exchange) as reply:
            return reply.content or b""

    return asyncio.ensure_future(ask())


async def test_first_request_has_the_model_fetched_and_is_served_when_it_is_here(
    fleet: Fleet,
) -> None:
    serve(fleet)
    exchange = asked(fleet)
    asking = start(fleet, exchange)
    await fleet.go_on(5.0)
    tell(fleet, ModelState.DOWNLOADING, progress=0.5)
    await fleet.go_on(5.0)
    assert fleet.room.demand == {OFFERED: 1}
    assert fleet.sent_to() == ["r1"]
    tell(fleet, ModelState.READY)
    assert await asking == b"sound"
    assert fleet.sent_to() == ["r1", "a1"]
    assert fleet.upstream.sent[1].headers["x-fleet-model"] == OFFERED
    assert exchange.held_s == pytest.approx(10.0)
    assert fleet.room.held == 0


async def test_model_of_another_spelling_is_sent_under_its_own_name(fleet: Fleet) -> None:
    serve(fleet)
    asking = start(fleet, asked(fleet))
    await fleet.go_on(1.0)
    fleet.models.put(recorded("speecht5-tts", task=OFFER.task))
    fleet.table.notify()
    await asking
    assert fleet.upstream.sent[-1].headers["x-fleet-model"] == "speecht5-tts"


async def test_download_that_lasts_longer_than_the_caller_waits_is_a_503_with_its_progress(
    fleet: Fleet,
) -> None:
    serve(fleet)
    asking = start(fleet, asked(fleet, timeout_s=10.0))
    await fleet.go_on(1.0)
    tell(fleet, ModelState.DOWNLOADING, progress=0.4)
    await fleet.go_on(9.0)
    with pytest.raises(UnavailableError, match="downloading 40%") as caught:
        await asking
    assert caught.value.extra == {"phase": "downloading", "progress": 0.4}


async def test_download_that_is_slow_to_begin_is_a_503_too(fleet: Fleet) -> None:
    serve(fleet)
    asking = start(fleet, asked(fleet, timeout_s=10.0))
    await fleet.go_on(10.0)
    with pytest.raises(UnavailableError, match="about to begin"):
        await asking
    assert fleet.room.held == 0


async def test_download_that_fails_gives_its_reason_to_all_that_wait_and_to_the_next(
    fleet: Fleet,
) -> None:
    serve(fleet)
    asking = [start(fleet, asked(fleet)) for _ in range(3)]
    await fleet.go_on(1.0)
    tell(fleet, ModelState.DOWNLOADING)
    await fleet.go_on(1.0)
    tell(fleet, ModelState.FAILED, message="The file is not what its digest says.")
    asking.append(start(fleet, asked(fleet)))
    for one in asking:
        with pytest.raises(ModelNotFoundError, match="not what its digest says"):
            await one
    assert fleet.sent_to() == ["r1"]


async def test_refusal_of_the_registry_is_the_answer(fleet: Fleet) -> None:
    serve(fleet, REFUSED)
    with pytest.raises(ForbiddenError, match="gated"):
        await start(fleet, asked(fleet))
    assert fleet.room.held == 0


async def test_client_that_leaves_leaves_nothing_and_the_download_goes_on(fleet: Fleet) -> None:
    gate = Gate()
    serve(fleet, gate)
    asking = start(fleet, asked(fleet))
    await gate.arrived.wait()
    asking.cancel()
    await asyncio.wait([asking])
    assert (fleet.room.held, gate.cancelled) == (0, False)
    gate.opened.set()


async def test_full_room_takes_nobody_in(fleet: Fleet) -> None:
    serve(fleet)
    asking = [start(fleet, asked(fleet)) for _ in range(4)]
    await fleet.go_on(1.0)
    with pytest.raises(UnavailableError) as caught:
        await start(fleet, asked(fleet))
    assert caught.value.code == "waiting_room_full"
    for one in asking:
        one.cancel()
    await asyncio.wait(asking)


async def test_without_leave_it_only_waits_a_moment(fleet: Fleet) -> None:
    serve(fleet)
    asking = start(fleet, asked(fleet, allowed=False))
    await fleet.go_on(CATALOGUE_WAIT_S)
    with pytest.raises(ModelNotFoundError, match="It is in the catalogue"):
        await asking
    assert fleet.sent_to() == []


async def test_without_leave_somebody_elses_download_is_waited_for(fleet: Fleet) -> None:
    serve(fleet)
    asking = start(fleet, asked(fleet, allowed=False))
    await fleet.go_on(1.0)
    tell(fleet, ModelState.DOWNLOADING)
    await fleet.go_on(10.0)
    tell(fleet, ModelState.READY)
    assert await asking == b"sound"


async def test_job_is_taken_in_once_its_model_is_on_its_way(fleet: Fleet) -> None:
    serve(fleet)
    taken: list[str] = []

    async def accept(exchange: Exchange, relay: Relay) -> None:
        taken.append(exchange.model_name)

    async def send(message: object) -> None:
        raise AssertionError(message)

    accepting = fleet.first_use.accepting(accept)
    relay = Relay(send, "r-1", fleet.clock)
    job = asyncio.ensure_future(accepting(asked(fleet), relay))
    await fleet.go_on(1.0)
    assert taken == []
    tell(fleet, ModelState.DOWNLOADING)
    await job
    await accepting(fleet.exchange(), relay)
    assert taken == [OFFERED, "example"]


def caller(*scopes: Scope) -> Principal:
    return Principal("key:1", PrincipalKind.KEY, frozenset(scopes), "")


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (None, True),  # Auth is off.
        (caller(Scope.MODELS_WRITE), True),
        (caller(Scope.ADMIN), True),
        (caller(Scope.AUDIO, Scope.MODELS_READ), False),
    ],
)
def test_permitted_are_those_who_may_download(principal: Principal | None, expected: bool) -> None:
    scope = {} if principal is None else {PRINCIPAL: principal}
    assert FetchRule("permitted").allows(scope) is expected
    assert FetchRule("everyone").allows(scope)
    assert not FetchRule("never").allows(scope)

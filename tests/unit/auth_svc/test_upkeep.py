import asyncio
import contextlib

import pytest
from prometheus_client import CollectorRegistry

from auth_svc.app import Stores
from auth_svc.feed.memory import MemoryRevocationFeed
from auth_svc.identities import Session, User
from auth_svc.lockout import FORGET_S, Attempts
from auth_svc.revoker import Revoker
from auth_svc.services import AuthServices
from auth_svc.tally import Tally
from auth_svc.upkeep import PRUNE_EVERY_S, Upkeep
from fleetserve.clock import ManualClock
from fleetserve.errors import UnavailableError
from fleetserve.metrics.requests import RequestMetrics
from tests.unit.auth_svc.conftest import NOW_S, told


class Bench:
    def __init__(self, stores: Stores, services: AuthServices, clock: ManualClock) -> None:
        self.tally = Tally()
        self.metrics = RequestMetrics("auth-svc", "a1", CollectorRegistry())
        self.revoker = Revoker(stores.revocations, stores.feed, clock, token_s=1800)
        self.upkeep = Upkeep(
            self.revoker,
            stores.sessions,
            stores.attempts,
            services.signing_keys,
            self.tally,
            self.metrics,
            clock,
        )


@pytest.fixture
def bench(stores: Stores, services: AuthServices, clock: ManualClock) -> Bench:
    return Bench(stores, services, clock)


async def test_events_reach_the_metrics(bench: Bench) -> None:
    bench.tally.add("logins")
    await bench.upkeep.once()
    assert bench.metrics.roll_up(0).counters == {"logins": 1}


async def test_what_gateways_missed_is_told_within_a_round(
    bench: Bench, feed: MemoryRevocationFeed
) -> None:
    feed.away = True
    bench.revoker.sessions(["s1"])
    await bench.upkeep.once()
    assert bench.metrics.gauges["revocations_untold"] == 1
    feed.away = False
    await bench.upkeep.once()
    assert told(feed) == ["session:s1:0"]
    await bench.upkeep.once()
    assert bench.metrics.gauges["revocations_untold"] == 0


async def test_what_is_over_is_forgotten_each_hour(
    bench: Bench, stores: Stores, ada: User, clock: ManualClock
) -> None:
    await bench.upkeep.once()
    stores.sessions.add(Session("s1", ada.id, "d", NOW_S, NOW_S + 10))
    stores.attempts.put("n", Attempts(1, 0, NOW_S - FORGET_S), was=None)
    await bench.upkeep.once()
    assert stores.sessions.get("s1") is not None
    clock.move(PRUNE_EVERY_S)
    await bench.upkeep.once()
    assert stores.sessions.get("s1") is None
    assert stores.attempts.get("n") is None


async def test_new_signing_key_is_made_when_it_is_time(
    bench: Bench, services: AuthServices, clock: ManualClock
) -> None:
    before = services.signing_keys.current().id
    clock.move(90 * 86400)
    await bench.upkeep.once()
    assert services.signing_keys.current().id != before


async def test_database_that_is_away_ends_nothing(
    bench: Bench, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def sync() -> None:
        calls.append(1)
        raise UnavailableError("the database does not answer")

    monkeypatch.setattr(bench.revoker, "sync", sync)
    task = asyncio.ensure_future(bench.upkeep.run())
    while len(calls) < 3:
        await clock.advance(1)
        await asyncio.sleep(0.001)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

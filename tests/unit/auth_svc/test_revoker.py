import pytest

from auth_svc.feed.memory import MemoryRevocationFeed
from auth_svc.revocations.memory import MemoryRevocationStore
from auth_svc.revoker import KEPT_S, SYNC_EVERY_S, Revoker
from fleetserve.auth.verifier import KEY_STALE_S
from fleetserve.clock import ManualClock
from tests.unit.auth_svc.conftest import told

TOKEN_S = 1800.0


@pytest.fixture
def store() -> MemoryRevocationStore:
    return MemoryRevocationStore()


@pytest.fixture
def revoker(
    store: MemoryRevocationStore, feed: MemoryRevocationFeed, clock: ManualClock
) -> Revoker:
    return Revoker(store, feed, clock, token_s=TOKEN_S)


def test_gateways_are_told_at_once(revoker: Revoker, feed: MemoryRevocationFeed) -> None:
    revoker.sessions(["s1", "s2"])
    revoker.keys(["k1"])
    revoker.user("u1", 3)
    assert told(feed) == ["key:k1:0", "session:s1:0", "session:s2:0", "user:u1:3"]


def test_nothing_to_revoke_tells_nothing(revoker: Revoker, feed: MemoryRevocationFeed) -> None:
    revoker.sessions([])
    assert told(feed) == []


def test_what_redis_could_not_take_is_told_when_it_is_back(
    revoker: Revoker, feed: MemoryRevocationFeed
) -> None:
    feed.away = True
    revoker.sessions(["s1"])
    assert revoker.behind
    revoker.sync()
    assert revoker.behind
    feed.away = False
    revoker.sync()
    assert told(feed) == ["session:s1:0"]
    assert not revoker.behind


def test_what_redis_lost_is_told_again_soon(
    store: MemoryRevocationStore, feed: MemoryRevocationFeed, clock: ManualClock
) -> None:
    Revoker(store, feed, clock, token_s=TOKEN_S).keys(["k1"])
    emptied = MemoryRevocationFeed()
    restarted = Revoker(store, emptied, clock, token_s=TOKEN_S)
    restarted.sync()
    assert told(emptied) == ["key:k1:0"]


def test_in_quiet_times_it_is_told_every_few_seconds_only(
    revoker: Revoker, feed: MemoryRevocationFeed, clock: ManualClock
) -> None:
    revoker.sync()
    feed.away = True
    revoker.sync()
    assert not revoker.behind
    clock.move(SYNC_EVERY_S)
    revoker.sync()
    assert revoker.behind


def test_entries_outlive_what_they_speak_of(
    revoker: Revoker, store: MemoryRevocationStore, clock: ManualClock
) -> None:
    revoker.sessions(["s1"])
    revoker.keys(["k1"])
    revoker.user("u1", 2)
    clock.move(TOKEN_S)
    assert len(store.live(clock.now_s())) == 3
    clock.move(KEY_STALE_S - TOKEN_S)
    assert {entry.id for entry in store.live(clock.now_s())} == {"k1", "u1"}
    clock.move(KEPT_S - KEY_STALE_S)
    revoker.prune()
    assert store.live(0) == []

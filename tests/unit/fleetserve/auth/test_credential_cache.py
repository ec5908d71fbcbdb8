import pytest

from fleetserve.auth.credential_cache import CredentialCache, Known
from fleetserve.auth.principals import Principal, PrincipalKind
from fleetserve.auth.revocations import Revocation, RevokedKind
from fleetserve.clock import ManualClock


def principal(name: str) -> Principal:
    return Principal(f"user:{name}", PrincipalKind.USER, frozenset(), "user", name)


def session(name: str, session_id: str, version: int = 1) -> Known:
    return Known(principal(name), session_id, "", f"id-of-{name}", version)


def key(name: str, key_id: str, version: int = 1) -> Known:
    return Known(principal(name), "", key_id, f"id-of-{name}", version)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cache(clock: ManualClock) -> CredentialCache:
    return CredentialCache(clock, 4)


def test_credential_is_known_until_its_time_is_over(
    cache: CredentialCache, clock: ManualClock
) -> None:
    cache.put("t", session("ada", "s1"), good_s=10)
    assert cache.principal("t") == principal("ada")
    clock.move(10)
    assert cache.principal("t") is None


def test_what_was_put_in_first_leaves_first(cache: CredentialCache) -> None:
    for number in range(6):
        cache.put(f"t{number}", session("ada", f"s{number}"), good_s=10)
    assert len(cache) == 4
    assert cache.principal("t1") is None
    assert cache.principal("t2") is not None


def test_revoked_session_leaves_alone(cache: CredentialCache) -> None:
    cache.put("t1", session("ada", "s1"), good_s=10)
    cache.put("t2", session("ada", "s2"), good_s=10)
    cache.forget(Revocation(RevokedKind.SESSION, "s1", 100))
    assert cache.principal("t1") is None
    assert cache.principal("t2") is not None


def test_two_tokens_of_one_session_leave_together(cache: CredentialCache) -> None:
    cache.put("t1", session("ada", "s1"), good_s=10)
    cache.put("t2", session("ada", "s1"), good_s=10)
    cache.forget(Revocation(RevokedKind.SESSION, "s1", 100))
    assert len(cache) == 0


def test_revoked_key_leaves_and_is_not_stale_either(cache: CredentialCache) -> None:
    cache.put("k", key("ada", "k1"), good_s=10, ends_s=100)
    cache.forget(Revocation(RevokedKind.KEY, "k1", 100))
    assert cache.principal("k") is None
    assert cache.stale("k", 1000) is None


def test_changed_user_loses_older_credentials_only(cache: CredentialCache) -> None:
    cache.put("old", session("ada", "s1", version=1), good_s=10)
    cache.put("oldkey", key("ada", "k1", version=1), good_s=10)
    cache.put("new", session("ada", "s2", version=2), good_s=10)
    cache.put("bobs", session("bob", "s3", version=1), good_s=10)
    cache.forget(Revocation(RevokedKind.USER, "id-of-ada", 100, version=2))
    known = {name: cache.principal(name) is not None for name in ("old", "oldkey", "new", "bobs")}
    assert known == {"old": False, "oldkey": False, "new": True, "bobs": True}


def test_stale_credential_can_be_renewed_but_not_beyond_its_end(
    cache: CredentialCache, clock: ManualClock
) -> None:
    cache.put("k", key("ada", "k1"), good_s=10, ends_s=15)
    clock.move(12)
    assert cache.principal("k") is None
    assert cache.stale("k", 100) is not None
    cache.renew("k", 100)
    assert cache.principal("k") is not None
    clock.move(3)
    assert cache.principal("k") is None
    assert cache.stale("k", 100) is None


def test_stale_credential_is_only_taken_for_so_long(
    cache: CredentialCache, clock: ManualClock
) -> None:
    cache.put("k", key("ada", "k1"), good_s=10, ends_s=1000)
    clock.move(49)
    assert cache.stale("k", 50) is not None
    clock.move(1)
    assert cache.stale("k", 50) is None


def test_unknown_credential_can_be_dropped_and_renewed_without_effect(
    cache: CredentialCache,
) -> None:
    cache.drop("x")
    cache.renew("x", 10)
    assert cache.stale("x", 10) is None
    assert len(cache) == 0


def test_nothing_is_left_of_what_left(cache: CredentialCache) -> None:
    for number in range(100):
        cache.put(f"t{number}", session("ada", f"s{number}"), good_s=10)
    for number in range(100):
        cache.forget(Revocation(RevokedKind.SESSION, f"s{number}", 100))
    assert len(cache) == 0
    assert cache._by_subject == {}

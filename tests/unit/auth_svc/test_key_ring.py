from dataclasses import replace

import pytest

from auth_svc.app import Stores
from auth_svc.feed.memory import MemoryRevocationFeed
from auth_svc.identities import User
from auth_svc.key_ring import DAY_S, KeyRing
from auth_svc.passwords import PasswordHashes
from auth_svc.services import AuthServices
from fleetserve.auth.api_keys import digest, looks_like_key
from fleetserve.auth.scopes import ALL_SCOPES, Scope
from fleetserve.clock import ManualClock
from fleetserve.errors import ConflictError, ForbiddenError, InvalidFieldError, NotFoundError
from tests.unit.auth_svc.conftest import NOW_S, add_user, told


@pytest.fixture
def ring(services: AuthServices) -> KeyRing:
    return services.key_ring


def test_key_is_stored_by_digest_alone(ring: KeyRing, ada: User, stores: Stores) -> None:
    key, text = ring.generate(ada, "ci", ["predict"], 30)
    assert looks_like_key(text)
    stored = stores.keys.get(key.id)
    assert stored is not None
    assert stored.digest == digest(text)
    assert text not in repr(stored)
    assert stored.expires_at == NOW_S + 30 * DAY_S


def test_without_scopes_a_key_has_its_users_but_never_admin(
    ring: KeyRing, ada: User, boss: User, services: AuthServices
) -> None:
    key, _ = ring.generate(ada, "ci", None, None)
    assert frozenset(key.scopes) == services.config.scopes_of("user")
    assert key.expires_at == NOW_S + services.config.tokens.key_days * DAY_S
    key, _ = ring.generate(boss, "ci", None, None)
    assert frozenset(key.scopes) == ALL_SCOPES - {Scope.ADMIN}


def test_admin_can_make_a_key_for_everything(ring: KeyRing, boss: User) -> None:
    key, _ = ring.generate(boss, "all", ["admin"], 1)
    record = ring.record(key.digest)
    assert record is not None
    assert record.scopes == ("admin",)


def test_nobody_can_give_what_they_have_not(ring: KeyRing, ada: User) -> None:
    with pytest.raises(ForbiddenError) as caught:
        ring.generate(ada, "ci", ["predict", "logs:read"], 30)
    assert "logs:read" in caught.value.detail


@pytest.mark.parametrize("scopes", [[], ["time:travel"]])
def test_scopes_that_are_none_are_refused_with_those_allowed(
    ring: KeyRing, ada: User, scopes: list[str]
) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        ring.generate(ada, "ci", scopes, 30)
    assert "allowed: audio, autoscaler:read" in caught.value.detail


def test_keys_of_one_user_are_bounded(
    ring: KeyRing, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth_svc.key_ring.MAX_KEYS", 2)
    for _ in range(2):
        ring.generate(ada, "ci", None, None)
    with pytest.raises(ConflictError):
        ring.generate(ada, "ci", None, None)


def test_record_tells_gateways_whose_it_is_and_notes_the_use(
    ring: KeyRing, ada: User, clock: ManualClock
) -> None:
    key, _ = ring.generate(ada, "ci", ["predict"], 30)
    clock.move(5)
    record = ring.record(key.digest)
    assert record is not None
    assert (record.key_id, record.owner, record.user_id, record.version) == (
        key.id,
        "Ada",
        ada.id,
        1,
    )
    assert ring.of_user(ada)[0].last_used_at == NOW_S + 5


def test_expired_or_unknown_key_has_no_record(ring: KeyRing, ada: User, clock: ManualClock) -> None:
    key, _ = ring.generate(ada, "ci", ["predict"], 1)
    clock.move(DAY_S)
    assert ring.record(key.digest) is None
    assert ring.record("0" * 64) is None


def test_key_can_do_no_more_than_its_user_can_now(
    ring: KeyRing, stores: Stores, hashes: PasswordHashes
) -> None:
    eve = add_user(stores, hashes, "eve", role="operator")
    key, _ = ring.generate(eve, "ci", ["predict", "models:write"], 30)
    stores.users.replace(replace(eve, role="user"), was=1)
    record = ring.record(key.digest)
    assert record is not None
    assert record.scopes == ("predict",)


def test_deleted_key_is_revoked_everywhere(
    ring: KeyRing, ada: User, feed: MemoryRevocationFeed
) -> None:
    key, _ = ring.generate(ada, "ci", None, None)
    ring.delete(ada, key.id)
    assert ring.record(key.digest) is None
    assert told(feed) == [f"key:{key.id}:0"]
    with pytest.raises(NotFoundError):
        ring.delete(ada, key.id)


def test_somebody_elses_key_can_be_deleted_by_an_admin_only(
    ring: KeyRing, ada: User, boss: User, stores: Stores, hashes: PasswordHashes
) -> None:
    key, _ = ring.generate(ada, "ci", None, None)
    with pytest.raises(NotFoundError):
        ring.delete(add_user(stores, hashes, "eve"), key.id)
    ring.delete(boss, key.id)
    assert ring.of_user(ada) == []

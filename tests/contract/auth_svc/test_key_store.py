from dataclasses import replace

import pytest

from auth_svc.identities import ApiKey
from auth_svc.keys.base import KeyStore
from fleetserve.auth.scopes import Scope
from tests.contract.auth_svc.conftest import Stores, make_user

ADA, BOB = make_user("Ada"), make_user("bob")
SCOPES = (Scope.MODELS_READ, Scope.PREDICT)
FIRST = ApiKey("k1", ADA.id, "ci", "d" * 64, "sk_abcd", SCOPES, 100.5, 200.0)
SECOND = replace(FIRST, id="k2", digest="e" * 64, created_at=101.0, last_used_at=102.0)


@pytest.fixture
def keys(stores: Stores) -> KeyStore:
    stores.users.add(ADA)
    stores.users.add(BOB)
    return stores.keys


def test_key_is_found_by_id_and_by_digest(keys: KeyStore) -> None:
    keys.add(FIRST)
    assert keys.get("k1") == keys.by_digest("d" * 64) == FIRST
    assert keys.get("k2") is None
    assert keys.by_digest("e" * 64) is None


def test_users_keys_are_listed_oldest_first(keys: KeyStore) -> None:
    for key in (SECOND, FIRST, replace(FIRST, id="k3", user_id=BOB.id, digest="f" * 64)):
        keys.add(key)
    assert keys.of_user(ADA.id) == [FIRST, SECOND]
    assert keys.of_user("nobody") == []


def test_deleted_key_is_gone(keys: KeyStore) -> None:
    keys.add(FIRST)
    assert keys.delete("k1")
    assert not keys.delete("k1")
    assert keys.by_digest("d" * 64) is None


def test_use_is_noted(keys: KeyStore) -> None:
    keys.add(FIRST)
    keys.note_use("k1", 150.25)
    keys.note_use("unknown", 150.25)
    assert keys.get("k1") == replace(FIRST, last_used_at=150.25)

import pytest

from auth_svc.revocations.base import RevocationStore
from fleetserve.auth.revocations import Revocation, RevokedKind
from tests.contract.auth_svc.conftest import Stores

SESSION = Revocation(RevokedKind.SESSION, "s1", 200.5)
KEY = Revocation(RevokedKind.KEY, "k1", 300.0)
USER = Revocation(RevokedKind.USER, "u1", 300.0, 2)


@pytest.fixture
def revocations(stores: Stores) -> RevocationStore:
    return stores.revocations


def test_entries_are_live_until_they_expire(revocations: RevocationStore) -> None:
    revocations.add([SESSION, KEY, USER])
    assert set(revocations.live(100.0)) == {SESSION, KEY, USER}
    assert set(revocations.live(200.5)) == {KEY, USER}


def test_adding_again_changes_nothing(revocations: RevocationStore) -> None:
    revocations.add([SESSION, SESSION])
    revocations.add([KEY, SESSION, USER])
    assert sorted(e.text() for e in revocations.live(0)) == [
        "key:k1:0",
        "session:s1:0",
        "user:u1:2",
    ]


def test_expired_entries_are_pruned(revocations: RevocationStore) -> None:
    revocations.add([SESSION, KEY])
    assert revocations.prune(200.5) == 1
    assert revocations.live(0) == [KEY]

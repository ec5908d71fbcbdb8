from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from auth_svc.identities import Session
from auth_svc.sessions.base import SessionStore
from tests.contract.auth_svc.conftest import Stores, make_user

ADA, BOB = make_user("Ada"), make_user("bob")
FIRST = Session("s1", ADA.id, "digest-1", 100.5, 200.0)
SECOND = Session("s2", ADA.id, "digest-2", 101.0, 300.0)


@pytest.fixture
def sessions(stores: Stores) -> SessionStore:
    stores.users.add(ADA)
    stores.users.add(BOB)
    return stores.sessions


def test_session_is_kept_until_it_ends(sessions: SessionStore) -> None:
    sessions.add(FIRST)
    assert sessions.get("s1") == FIRST
    assert sessions.end("s1")
    assert sessions.get("s1") is None
    assert not sessions.end("s1")


def test_users_sessions_are_listed_oldest_first(sessions: SessionStore) -> None:
    for session in (SECOND, FIRST, replace(FIRST, id="s3", user_id=BOB.id)):
        sessions.add(session)
    assert sessions.of_user(ADA.id) == [FIRST, SECOND]
    assert sessions.of_user("nobody") == []


def test_rotation_replaces_digest_and_end(sessions: SessionStore) -> None:
    sessions.add(FIRST)
    assert sessions.rotate("s1", was="digest-1", digest="new", expires_at=900.0)
    assert sessions.get("s1") == replace(FIRST, digest="new", expires_at=900.0)


def test_digest_can_be_rotated_once(sessions: SessionStore) -> None:
    sessions.add(FIRST)
    assert sessions.rotate("s1", was="digest-1", digest="new", expires_at=900.0)
    assert not sessions.rotate("s1", was="digest-1", digest="other", expires_at=900.0)
    assert not sessions.rotate("none", was="digest-1", digest="other", expires_at=900.0)


def test_of_many_rotations_at_once_one_wins(sessions: SessionStore) -> None:
    sessions.add(FIRST)

    def rotate(number: int) -> bool:
        return sessions.rotate("s1", was="digest-1", digest=f"new-{number}", expires_at=900.0)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(rotate, range(8))).count(True) == 1


def test_expired_sessions_are_pruned_and_others_stay(sessions: SessionStore) -> None:
    sessions.add(FIRST)
    sessions.add(SECOND)
    assert sessions.prune(200.0) == 1
    assert sessions.of_user(ADA.id) == [SECOND]

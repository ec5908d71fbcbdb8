from collections.abc import Callable
from dataclasses import replace

import pytest

from auth_svc.app import Stores
from auth_svc.feed.memory import MemoryRevocationFeed
from auth_svc.identities import User
from auth_svc.revoker import Revoker
from auth_svc.services import AuthServices
from auth_svc.user_changes import TRIES, UserChanges
from fleetserve.clock import ManualClock
from fleetserve.errors import ConflictError, NotFoundError
from tests.unit.auth_svc.conftest import told


@pytest.fixture
def changes(stores: Stores, clock: ManualClock) -> UserChanges:
    revoker = Revoker(stores.revocations, stores.feed, clock, token_s=1800)
    return UserChanges(stores.users, stores.sessions, stores.keys, revoker)


def rename(user: User) -> User:
    return replace(user, full_name="A.")


def test_change_without_revoking_tells_nobody(
    changes: UserChanges, ada: User, feed: MemoryRevocationFeed
) -> None:
    changed = changes.apply(ada.id, rename, revoke=False)
    assert (changed.full_name, changed.version, changed.edition) == ("A.", 1, 2)
    assert told(feed) == []


def test_change_that_revokes_raises_the_version_and_tells_it(
    changes: UserChanges, ada: User, feed: MemoryRevocationFeed
) -> None:
    assert changes.apply(ada.id, rename, revoke=True).version == 2
    assert changes.apply(ada.id, rename, revoke=True).version == 3
    assert told(feed) == [f"user:{ada.id}:2", f"user:{ada.id}:3"]


def interfering(stores: Stores, ada: User, times: int) -> Callable[[User], User]:
    """A change that finds, so many times, that somebody else was quicker."""
    left = [times]

    def change(user: User) -> User:
        if left[0]:
            left[0] -= 1
            stores.users.replace(
                replace(user, email=f"{left[0]}@example.com", edition=user.edition + 1),
                was=user.edition,
            )
        return rename(user)

    return change


def test_change_that_came_between_is_not_lost(
    changes: UserChanges, ada: User, stores: Stores
) -> None:
    changed = changes.apply(ada.id, interfering(stores, ada, 2), revoke=False)
    assert (changed.full_name, changed.email) == ("A.", "0@example.com")


def test_endless_interference_is_a_conflict(
    changes: UserChanges, ada: User, stores: Stores
) -> None:
    with pytest.raises(ConflictError):
        changes.apply(ada.id, interfering(stores, ada, TRIES), revoke=False)


def test_nobody_can_not_be_changed(changes: UserChanges) -> None:
    with pytest.raises(NotFoundError):
        changes.apply("x", rename, revoke=False)


def test_deleted_user_leaves_nothing_that_holds(
    changes: UserChanges,
    services: AuthServices,
    ada: User,
    stores: Stores,
    feed: MemoryRevocationFeed,
) -> None:
    session_id = services.sign_in.open_session(ada).refresh_token.partition(".")[0]
    key, _ = services.key_ring.generate(ada, "ci", None, None)
    changes.delete(ada)
    assert stores.users.get(ada.id) is None
    assert stores.sessions.get(session_id) is None
    assert stores.keys.get(key.id) is None
    assert told(feed) == [f"key:{key.id}:0", f"session:{session_id}:0", f"user:{ada.id}:2"]

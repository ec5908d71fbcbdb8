import pytest

from auth_svc.accounts import Accounts, NewUser, UserPatch
from auth_svc.app import Stores
from auth_svc.feed.memory import MemoryRevocationFeed
from auth_svc.identities import User
from auth_svc.passwords import PasswordHashes
from auth_svc.services import AuthServices
from fleetserve.clock import ManualClock
from fleetserve.errors import (
    ConflictError,
    ForbiddenError,
    InvalidFieldError,
    NotFoundError,
    TooManyRequestsError,
    UnauthorizedError,
)
from tests.unit.auth_svc.conftest import PASSWORD, add_user, told

NEW_PASSWORD = "staple horse correct"
BOB = NewUser("Bob", "Bob@Example.com", PASSWORD, "Bob B.")


@pytest.fixture
def accounts(services: AuthServices) -> Accounts:
    return services.accounts


def stored(stores: Stores, user: User) -> User:
    found = stores.users.get(user.id)
    assert found is not None
    return found


def test_registered_user_can_log_in_with_the_role_of_auth_yaml(
    accounts: Accounts, services: AuthServices
) -> None:
    user = accounts.register(BOB, allowed=False)
    assert (user.role, user.email, user.username) == ("user", "bob@example.com", "Bob")
    assert services.sign_in.login("bob", PASSWORD)[0].id == user.id


@pytest.mark.parametrize("auth_yaml", ["registration:\n  open: false\n"])
def test_closed_registration_is_refused_but_to_whom_may(accounts: Accounts) -> None:
    with pytest.raises(ForbiddenError) as caught:
        accounts.register(BOB, allowed=False)
    assert caught.value.code == "registration_closed"
    accounts.register(BOB, allowed=True)


def test_common_password_is_refused_and_nobody_is_registered(
    accounts: Accounts, stores: Stores
) -> None:
    with pytest.raises(InvalidFieldError):
        accounts.register(NewUser("bob", "b@x.y", "password1", ""), allowed=True)
    assert stores.users.find("bob") is None


def test_password_change_ends_every_session_and_begins_one(
    accounts: Accounts, services: AuthServices, ada: User, feed: MemoryRevocationFeed
) -> None:
    old = services.sign_in.open_session(ada)
    changed, pair = accounts.change_password(ada, PASSWORD, NEW_PASSWORD)
    assert changed.version == 2
    with pytest.raises(UnauthorizedError):
        services.sign_in.refresh(old.refresh_token)
    services.sign_in.refresh(pair.refresh_token)
    services.sign_in.login("ada", NEW_PASSWORD)
    with pytest.raises(UnauthorizedError):
        services.sign_in.login("ada", PASSWORD)
    assert f"user:{ada.id}:2" in told(feed)


def test_password_change_needs_the_current_one_and_guessing_it_locks(
    accounts: Accounts, ada: User, stores: Stores
) -> None:
    for _ in range(5):
        with pytest.raises(UnauthorizedError):
            accounts.change_password(ada, "wrong wrong", NEW_PASSWORD)
    with pytest.raises(TooManyRequestsError):
        accounts.change_password(ada, PASSWORD, NEW_PASSWORD)
    assert stored(stores, ada) == ada


@pytest.mark.parametrize("password", ["short", "password1", PASSWORD])
def test_new_password_must_be_a_good_and_another_one(
    accounts: Accounts, ada: User, password: str
) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        accounts.change_password(ada, PASSWORD, password)
    assert caught.value.field == "new_password"


def test_new_role_counts_for_new_tokens_and_old_ones_are_taken_back(
    accounts: Accounts, ada: User, boss: User, services: AuthServices, feed: MemoryRevocationFeed
) -> None:
    pair = services.sign_in.open_session(ada)
    patched = accounts.patch("ADA", UserPatch(role="operator"), by=boss)
    assert (patched.role, patched.version) == ("operator", 2)
    assert told(feed) == [f"user:{ada.id}:2"]
    user, _ = services.sign_in.refresh(pair.refresh_token)
    assert user.role == "operator"


def test_unknown_role_is_refused_with_those_there_are(
    accounts: Accounts, ada: User, boss: User
) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        accounts.patch("ada", UserPatch(role="king"), by=boss)
    assert "viewer, user, operator, admin" in caught.value.detail


def test_disabled_user_loses_sessions_and_keys_at_once_and_keys_come_back(
    accounts: Accounts, ada: User, boss: User, services: AuthServices, stores: Stores
) -> None:
    services.sign_in.open_session(ada)
    key, _ = services.key_ring.generate(ada, "ci", None, None)
    accounts.patch("ada", UserPatch(disabled=True), by=boss)
    assert stores.sessions.of_user(ada.id) == []
    assert services.key_ring.record(key.digest) is None
    accounts.patch("ada", UserPatch(disabled=False), by=boss)
    assert services.key_ring.record(key.digest) is not None


def test_harmless_changes_revoke_nothing(
    accounts: Accounts, ada: User, boss: User, feed: MemoryRevocationFeed
) -> None:
    patched = accounts.patch("ada", UserPatch(full_name="A.", email="A@New.example"), by=boss)
    assert (patched.full_name, patched.email, patched.version) == ("A.", "a@new.example", 1)
    assert told(feed) == []


def test_admin_can_set_a_password_and_unlock(
    accounts: Accounts, ada: User, boss: User, services: AuthServices
) -> None:
    for _ in range(6):
        with pytest.raises((UnauthorizedError, TooManyRequestsError)):
            services.sign_in.login("ada", "wrong wrong")
    accounts.patch("ada", UserPatch(password=NEW_PASSWORD, unlock=True), by=boss)
    services.sign_in.login("ada", NEW_PASSWORD)


def test_patch_with_a_bad_password_changes_nothing(
    accounts: Accounts, ada: User, boss: User, stores: Stores
) -> None:
    with pytest.raises(InvalidFieldError):
        accounts.patch("ada", UserPatch(role="operator", password="password1"), by=boss)
    assert stored(stores, ada) == ada


def test_last_admin_can_not_be_deleted_disabled_or_demoted(
    accounts: Accounts, services: AuthServices
) -> None:
    admin = accounts.find("admin")
    with pytest.raises(ConflictError):
        accounts.delete("admin", by=admin)
    for patch in (UserPatch(disabled=True), UserPatch(role="user")):
        with pytest.raises(ConflictError) as caught:
            accounts.patch("admin", patch, by=admin)
        assert caught.value.code == "last_admin"
    accounts.patch("admin", UserPatch(role="admin", full_name="The admin"), by=admin)


def test_one_of_two_admins_can_go(accounts: Accounts, boss: User) -> None:
    accounts.delete("admin", by=boss)
    with pytest.raises(NotFoundError):
        accounts.find("admin")
    with pytest.raises(ConflictError):
        accounts.delete("boss", by=boss)


def test_disabled_admin_counts_for_nothing(
    accounts: Accounts, stores: Stores, hashes: PasswordHashes
) -> None:
    sleeper = add_user(stores, hashes, "sleeper", role="admin", disabled=True)
    with pytest.raises(ConflictError):
        accounts.delete("admin", by=sleeper)
    accounts.delete("sleeper", by=accounts.find("admin"))


def test_users_are_listed_in_pages(accounts: Accounts, ada: User, clock: ManualClock) -> None:
    total, users = accounts.page(0, 10)
    assert (total, [user.username for user in users]) == (2, ["Ada", "admin"])
    assert accounts.page(1, 1)[1][0].username == "admin"


def test_nobody_can_not_be_patched_or_deleted(accounts: Accounts, boss: User) -> None:
    with pytest.raises(NotFoundError):
        accounts.patch("nobody", UserPatch(full_name="x"), by=boss)
    with pytest.raises(NotFoundError):
        accounts.delete("nobody", by=boss)

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Literal

import pytest
from argon2 import PasswordHasher

from auth_svc.app import Stores
from auth_svc.feed.memory import MemoryRevocationFeed
from auth_svc.identities import User
from auth_svc.passwords import PasswordHashes
from auth_svc.services import AuthServices
from auth_svc.sign_in import MAX_SESSIONS, SignIn
from fleetserve.clock import ManualClock
from fleetserve.errors import FleetError, ForbiddenError, TooManyRequestsError, UnauthorizedError
from tests.unit.auth_svc.conftest import NOW_S, PASSWORD, add_user, told


@pytest.fixture
def sign_in(services: AuthServices) -> SignIn:
    return services.sign_in


def failure_of(sign_in: SignIn, username: str, password: str = "wrong wrong") -> FleetError:
    with pytest.raises(FleetError) as caught:
        sign_in.login(username, password)
    return caught.value


def refusal_of(sign_in: SignIn, refresh_token: str) -> str:
    with pytest.raises(UnauthorizedError) as caught:
        sign_in.refresh(refresh_token)
    return caught.value.code


def test_login_opens_a_session_and_notes_when(sign_in: SignIn, ada: User, stores: Stores) -> None:
    user, pair = sign_in.login("ada", PASSWORD)
    assert user.last_login_at == NOW_S
    (session,) = stores.sessions.of_user(ada.id)
    assert pair.refresh_token.startswith(session.id + ".")
    assert pair.refresh_token.partition(".")[2] not in session.digest


def test_unknown_user_and_wrong_password_look_alike(sign_in: SignIn, ada: User) -> None:
    known, unknown = failure_of(sign_in, "ada"), failure_of(sign_in, "nobody")
    assert (known.status, known.code, known.detail) == (
        unknown.status,
        unknown.code,
        unknown.detail,
    )


def test_unknown_user_and_wrong_password_lock_alike(sign_in: SignIn, ada: User) -> None:
    for name in ("ada", "nobody"):
        codes = [failure_of(sign_in, name).code for _ in range(7)]
        assert codes == ["credentials_wrong"] * 5 + ["login_locked"] * 2


class CountingHasher(PasswordHasher):
    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.verified += 1
        return super().verify(hash, password)


def test_unknown_user_costs_one_hash_as_a_known_one_does() -> None:
    hasher = CountingHasher()
    hashes = PasswordHashes(hasher)
    hashes.matches(None, "wrong")
    assert hasher.verified == 1
    hashes.matches(hashes.make("right"), "wrong")
    assert hasher.verified == 2


def test_locked_name_is_refused_with_the_right_password_too(sign_in: SignIn, ada: User) -> None:
    for _ in range(5):
        failure_of(sign_in, "ada")
    error = failure_of(sign_in, "ADA", PASSWORD)
    assert isinstance(error, TooManyRequestsError)
    assert error.code == "login_locked"
    assert error.headers["Retry-After"] == "30"


def test_lock_ends_and_the_right_password_forgets_the_failures(
    sign_in: SignIn, ada: User, clock: ManualClock
) -> None:
    for _ in range(5):
        failure_of(sign_in, "ada")
    clock.move(30)
    sign_in.login("ada", PASSWORD)
    assert [failure_of(sign_in, "ada").code for _ in range(5)] == ["credentials_wrong"] * 5


def test_each_failure_after_a_lock_locks_for_longer(
    sign_in: SignIn, ada: User, clock: ManualClock
) -> None:
    for _ in range(5):
        failure_of(sign_in, "ada")
    waits = []
    for _ in range(4):
        wait = int(failure_of(sign_in, "ada").headers["Retry-After"])
        waits.append(wait)
        clock.move(wait)
        assert failure_of(sign_in, "ada").code == "credentials_wrong"
    assert waits == [30, 60, 120, 240]


def test_guesses_made_at_once_are_counted_too(sign_in: SignIn, ada: User) -> None:
    with ThreadPoolExecutor(12) as threads:
        errors = list(threads.map(lambda _: failure_of(sign_in, "ada"), range(12)))
    assert sum(error.code == "credentials_wrong" for error in errors) == 5


def test_admin_can_unlock(sign_in: SignIn, ada: User) -> None:
    for _ in range(6):
        failure_of(sign_in, "ada")
    sign_in.unlock("Ada")
    sign_in.login("ada", PASSWORD)


def test_disabled_account_is_told_so_only_with_its_password(
    sign_in: SignIn, stores: Stores, hashes: PasswordHashes
) -> None:
    add_user(stores, hashes, "eve", disabled=True)
    assert failure_of(sign_in, "eve").code == "credentials_wrong"
    error = failure_of(sign_in, "eve", PASSWORD)
    assert isinstance(error, ForbiddenError)
    assert error.code == "account_disabled"


def test_outdated_hash_is_made_anew_at_login(
    sign_in: SignIn, stores: Stores, hashes: PasswordHashes
) -> None:
    older = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    user = add_user(stores, hashes, "eve", password_hash=older)
    sign_in.login("eve", PASSWORD)
    found = stores.users.get(user.id)
    assert found is not None
    assert not hashes.is_outdated(found.password_hash)
    sign_in.login("eve", PASSWORD)


def test_refresh_gives_a_new_pair_of_the_same_session(
    sign_in: SignIn, ada: User, stores: Stores
) -> None:
    first = sign_in.open_session(ada)
    _, second = sign_in.refresh(first.refresh_token)
    assert second.refresh_token != first.refresh_token
    assert len(stores.sessions.of_user(ada.id)) == 1
    sign_in.refresh(second.refresh_token)


def test_refresh_token_used_twice_ends_the_session_for_both(
    sign_in: SignIn, ada: User, stores: Stores, feed: MemoryRevocationFeed
) -> None:
    first = sign_in.open_session(ada)
    other = sign_in.open_session(ada)
    _, second = sign_in.refresh(first.refresh_token)
    assert refusal_of(sign_in, first.refresh_token) == "refresh_reused"
    assert refusal_of(sign_in, second.refresh_token) == "refresh_invalid"
    session_id = first.refresh_token.partition(".")[0]
    assert told(feed) == [f"session:{session_id}:0"]
    sign_in.refresh(other.refresh_token)


def test_of_one_refresh_token_used_at_once_one_wins_at_most(sign_in: SignIn, ada: User) -> None:
    token = sign_in.open_session(ada).refresh_token

    def refresh(_: int) -> bool:
        try:
            sign_in.refresh(token)
        except UnauthorizedError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(refresh, range(8))).count(True) <= 1


def test_session_expires_when_it_is_not_used(
    sign_in: SignIn, ada: User, clock: ManualClock
) -> None:
    token = sign_in.open_session(ada).refresh_token
    clock.move(29 * 86400)
    _, pair = sign_in.refresh(token)
    clock.move(29 * 86400)
    _, pair = sign_in.refresh(pair.refresh_token)
    clock.move(30 * 86400)
    assert refusal_of(sign_in, pair.refresh_token) == "refresh_invalid"


@pytest.mark.parametrize("token", ["", "x", "a.b", "." * 5])
def test_nonsense_is_no_refresh_token(sign_in: SignIn, token: str) -> None:
    assert refusal_of(sign_in, token) == "refresh_invalid"


def test_disabled_or_deleted_user_can_not_refresh(
    sign_in: SignIn, stores: Stores, hashes: PasswordHashes
) -> None:
    eve = add_user(stores, hashes, "eve")
    token = sign_in.open_session(eve).refresh_token
    stores.users.replace(replace(eve, disabled=True), was=1)
    assert refusal_of(sign_in, token) == "refresh_invalid"
    stores.users.delete(eve.id)
    assert refusal_of(sign_in, token) == "refresh_invalid"


def test_logout_ends_this_session_alone(
    sign_in: SignIn, ada: User, stores: Stores, feed: MemoryRevocationFeed
) -> None:
    ended, other = sign_in.open_session(ada), sign_in.open_session(ada)
    session_id = ended.refresh_token.partition(".")[0]
    sign_in.logout(ada, session_id)
    assert told(feed) == [f"session:{session_id}:0"]
    assert refusal_of(sign_in, ended.refresh_token) == "refresh_invalid"
    sign_in.refresh(other.refresh_token)


def test_logout_everywhere_ends_every_session_of_this_user(
    sign_in: SignIn, ada: User, stores: Stores, hashes: PasswordHashes, feed: MemoryRevocationFeed
) -> None:
    bob = add_user(stores, hashes, "bob")
    tokens = [sign_in.open_session(ada).refresh_token for _ in range(3)]
    bobs = sign_in.open_session(bob)
    assert sign_in.logout_everywhere(ada) == 3
    assert {refusal_of(sign_in, token) for token in tokens} == {"refresh_invalid"}
    assert f"user:{ada.id}:2" in told(feed)
    sign_in.refresh(bobs.refresh_token)


def test_of_too_many_sessions_the_oldest_ends(
    sign_in: SignIn, ada: User, stores: Stores, clock: ManualClock
) -> None:
    first = sign_in.open_session(ada)
    for _ in range(MAX_SESSIONS):
        clock.move(1)
        sign_in.open_session(ada)
    assert len(stores.sessions.of_user(ada.id)) == MAX_SESSIONS
    assert refusal_of(sign_in, first.refresh_token) == "refresh_invalid"

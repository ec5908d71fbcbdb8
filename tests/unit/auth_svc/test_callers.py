from dataclasses import replace

import pytest

from auth_svc.app import Stores
from auth_svc.callers import Callers
from auth_svc.identities import User
from auth_svc.services import AuthServices
from fleetserve.auth.scopes import Scope
from fleetserve.clock import ManualClock
from fleetserve.errors import ForbiddenError, UnauthorizedError
from tests.unit.fleetserve.auth.signed import Signer, claims


@pytest.fixture
def callers(services: AuthServices) -> Callers:
    return services.callers


@pytest.fixture
def token(services: AuthServices, ada: User) -> bytes:
    return b"Bearer " + services.sign_in.open_session(ada).access_token.encode()


def refusal_of(callers: Callers, authorization: bytes) -> str:
    with pytest.raises(UnauthorizedError) as caught:
        callers.identify(authorization, None)
    return caught.value.code


def test_access_token_is_its_user_in_its_session(
    callers: Callers, token: bytes, ada: User, stores: Stores
) -> None:
    caller = callers.identify(token, None)
    assert caller is not None
    assert caller.user == ada
    assert caller.require_session() == stores.sessions.of_user(ada.id)[0].id
    assert Scope.PREDICT in caller.scopes


def test_api_key_is_its_user_without_a_session(
    callers: Callers, services: AuthServices, ada: User
) -> None:
    key, text = services.key_ring.generate(ada, "ci", ["predict"], 30)
    for headers in ((None, text.encode()), (b"Bearer " + text.encode(), None)):
        caller = callers.identify(*headers)
        assert caller is not None
        assert (caller.user, caller.key_id) == (ada, key.id)
        assert caller.scopes == {Scope.PREDICT}
        with pytest.raises(ForbiddenError) as caught:
            caller.require_session()
        assert caught.value.code == "login_needed"


def test_without_a_credential_it_is_nobody(callers: Callers) -> None:
    assert callers.identify(None, None) is None


def test_token_ends_with_its_session_at_once(
    callers: Callers, services: AuthServices, token: bytes, ada: User, stores: Stores
) -> None:
    services.sign_in.logout(ada, stores.sessions.of_user(ada.id)[0].id)
    assert refusal_of(callers, token) == "token_revoked"


@pytest.mark.parametrize(("version", "disabled"), [(2, False), (1, True)])
def test_token_ends_with_a_change_of_its_user(
    callers: Callers, token: bytes, ada: User, stores: Stores, version: int, disabled: bool
) -> None:
    stores.users.replace(replace(ada, version=version, disabled=disabled), was=1)
    assert refusal_of(callers, token) == "token_revoked"


def test_token_expires(callers: Callers, token: bytes, clock: ManualClock) -> None:
    clock.move(1800)
    assert refusal_of(callers, token) == "token_expired"


def test_token_of_another_fleet_is_refused(callers: Callers, ada: User) -> None:
    foreign = Signer().token(claims(at=1_800_000_000))
    assert refusal_of(callers, b"Bearer " + foreign.encode()) == "token_invalid"


def test_unknown_key_is_refused(callers: Callers) -> None:
    assert refusal_of(callers, b"Bearer sk_" + b"x" * 43) == "key_invalid"


def test_only_an_admin_is_an_admin(callers: Callers, token: bytes) -> None:
    caller = callers.identify(token, None)
    assert caller is not None
    with pytest.raises(ForbiddenError):
        caller.require_admin()


def test_role_that_auth_yaml_no_longer_has_allows_nothing(
    callers: Callers, token: bytes, ada: User, stores: Stores
) -> None:
    stores.users.replace(replace(ada, role="retired"), was=1)
    caller = callers.identify(token, None)
    assert caller is not None
    assert caller.scopes == frozenset()

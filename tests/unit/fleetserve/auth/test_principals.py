import pytest

from fleetserve.auth.principals import (
    Principal,
    PrincipalKind,
    anyone,
    require,
    scopes_of,
    stranger,
)
from fleetserve.auth.scopes import (
    ALL_SCOPES,
    CLOSED,
    OPEN,
    SIGNED_IN,
    Access,
    RouteScopes,
    Scope,
)
from fleetserve.errors import ForbiddenError, UnauthorizedError

PREDICT = Access(open=False, any_of=(Scope.PREDICT,))
EITHER = Access(open=False, any_of=(Scope.PREDICT, Scope.AUDIO))


def user(*scopes: Scope) -> Principal:
    return Principal("user:ada", PrincipalKind.USER, frozenset(scopes), "user", "ada")


def test_scope_lets_in_and_another_does_not() -> None:
    require(user(Scope.PREDICT), PREDICT)
    with pytest.raises(ForbiddenError) as caught:
        require(user(Scope.AUDIO), PREDICT)
    assert caught.value.code == "scope_missing"
    assert "predict" in caught.value.detail
    assert "audio" in caught.value.detail


def test_one_of_several_scopes_is_enough() -> None:
    require(user(Scope.AUDIO), EITHER)


@pytest.mark.parametrize("access", [PREDICT, EITHER, SIGNED_IN, CLOSED, OPEN])
def test_admin_may_everything(access: Access) -> None:
    require(user(Scope.ADMIN), access)


def test_anybody_signed_in_may_what_asks_for_no_scope() -> None:
    require(user(), SIGNED_IN)


@pytest.mark.parametrize("access", [PREDICT, SIGNED_IN, CLOSED])
def test_stranger_is_asked_for_a_credential(access: Access) -> None:
    with pytest.raises(UnauthorizedError) as caught:
        require(stranger("10.0.0.1"), access)
    assert caught.value.headers["WWW-Authenticate"] == "Bearer"


def test_stranger_may_use_what_is_open() -> None:
    require(stranger("10.0.0.1"), OPEN)


def test_while_auth_is_off_anyone_may_everything_unlimited() -> None:
    somebody = anyone("127.0.0.1")
    assert somebody.limit == ""
    for method, path in [("POST", "/predict"), ("GET", "/auth/users"), ("GET", "/unlisted")]:
        require(somebody, RouteScopes().access(method, path))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.0.1", "address:10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1%eth0", "address:2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "address:10.0.0.1"),
        ("not:an:address", "address:not:an:address"),
    ],
)
def test_addresses_are_counted_by_host_or_by_network(address: str, name: str) -> None:
    assert stranger(address).name == name


def test_scope_that_is_not_known_grants_nothing() -> None:
    assert scopes_of(["predict", "everything"]) == {Scope.PREDICT}
    assert scopes_of(ALL_SCOPES) == ALL_SCOPES

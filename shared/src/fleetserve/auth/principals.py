"""Who a request comes from."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fleetserve.auth.scopes import ALL_SCOPES, Access, Scope
from fleetserve.errors import ForbiddenError, UnauthorizedError


class PrincipalKind(StrEnum):
    USER = "user"
    KEY = "key"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller, as limits, logs and jobs know it.

    Attributes:
        name: Unique and safe in logs: ``user:ada``, ``key:<id>``, ``address:<ip>``.
        owner: The user behind it; "" for an address.
        limit: The class of its rate limit in auth.yaml; "": not limited.
    """

    name: str
    kind: PrincipalKind
    scopes: frozenset[Scope]
    limit: str
    owner: str = ""

    def may(self, access: Access) -> bool:
        if access.open or Scope.ADMIN in self.scopes:
            return True
        if self.kind is PrincipalKind.ADDRESS:
            return any(scope in self.scopes for scope in access.any_of)
        return not access.any_of or any(scope in self.scopes for scope in access.any_of)


def require(principal: Principal, access: Access) -> None:
    """Returns if the principal may use the route.

    Raises: UnauthorizedError: nobody is signed in; ForbiddenError: the scope is missing.
    """
    if principal.may(access):
        return
    if principal.kind is PrincipalKind.ADDRESS:
        raise UnauthorizedError(
            "This needs a credential: Authorization: Bearer <token of POST /auth/login, or an API"
            " key>, or X-API-Key: <API key>.",
            code="credential_missing",
        )
    wanted = " or ".join(access.any_of)
    has = ", ".join(sorted(principal.scopes)) or "none"
    raise ForbiddenError(
        f"This needs the scope {wanted}; your credential has: {has}.", code="scope_missing"
    )


def scopes_of(names: Iterable[str]) -> frozenset[Scope]:
    """The scopes of those names; one that this version does not know grants nothing."""
    return frozenset(Scope(name) for name in names if name in ALL_SCOPES)


def stranger(address: str, limit: str = "address") -> Principal:
    """Somebody without a credential, counted by address."""
    return Principal(f"address:{_block(address)}", PrincipalKind.ADDRESS, frozenset(), limit)


def anyone(address: str) -> Principal:
    """Everybody while auth is off: every scope, no limit."""
    return Principal(f"address:{address}", PrincipalKind.ADDRESS, ALL_SCOPES, "")


def _block(address: str) -> str:
    """The address as limits count it: an IPv6 host has a whole /64 to call from."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False).network_address) + "/64"

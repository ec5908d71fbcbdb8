"""Who comes in at the gateway: route, credential, quota and scope, in that order."""

from typing import NamedTuple

from fleetserve.auth.credentials import credential_of
from fleetserve.auth.lease_keeper import LeaseKeeper
from fleetserve.auth.principals import Principal, anyone, require, stranger
from fleetserve.auth.rate_limit import Decision
from fleetserve.auth.scopes import RouteScopes
from fleetserve.auth.verifier import AuthVerifier


class Admission(NamedTuple):
    """Who was let in; ``decision`` has the RateLimit headers, None where nothing is counted."""

    principal: Principal
    decision: Decision | None


class Gatekeeper:
    """For the event loop. While auth is off everybody comes in and nobody is counted.

    Whoever comes with a credential that is not known yet is counted by address too, so that
    guessing costs the guesser's quota and not auth-svc's time.
    """

    def __init__(
        self, routes: RouteScopes, verifier: AuthVerifier, leases: LeaseKeeper, *, enabled: bool
    ) -> None:
        self._routes = routes
        self._verifier = verifier
        self._leases = leases
        self._enabled = enabled

    async def admit(
        self,
        method: str,
        path: str,
        address: str,
        *,
        authorization: bytes | None = None,
        api_key: bytes | None = None,
        token: str | None = None,
    ) -> Admission:
        """Lets one request in; a request that was held or is repeated inside is let in once.

        Args:
            method: GET for a WebSocket.
            path: Decoded, as the routes are matched.
            address: The client's, without port.
            authorization: The header, if there is one; it is looked at first.
            api_key: X-API-Key.
            token: The body's field of that name.

        Raises: UnauthorizedError 401, ForbiddenError 403, TooManyRequestsError 429 (with its
            headers), UnavailableError 503 where the credential can't be checked now.
        """
        if not self._enabled:
            return Admission(anyone(address), None)
        access = self._routes.access(method, path)
        if access.open:
            guest = stranger(address, access.limit)
            return Admission(guest, await self._leases.admit(guest))
        principal = await self._identify(address, credential_of(authorization, api_key, token))
        decision = await self._leases.admit(principal)
        require(principal, access)
        return Admission(principal, decision)

    async def _identify(self, address: str, credential: str | None) -> Principal:
        if credential is None:
            return stranger(address)
        principal = self._verifier.known(credential)
        if principal is not None:
            return principal
        await self._leases.admit(stranger(address))
        return await self._verifier.check(credential)

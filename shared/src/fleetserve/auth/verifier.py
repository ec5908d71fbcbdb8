"""Turns a credential into a principal: verified once, then one look-up until it expires."""

from fleetserve.auth.access_claims import AccessClaims, key_id_of, read_claims, revoked
from fleetserve.auth.api_keys import PREFIX, KeyRecord, digest, looks_like_key
from fleetserve.auth.credential_cache import CredentialCache, Known
from fleetserve.auth.principals import Principal, PrincipalKind, scopes_of
from fleetserve.auth.public_keys import PublicKeys, away
from fleetserve.auth.revocations import RevocationList
from fleetserve.auth.single_flight import SingleFlight
from fleetserve.auth.source.base import AuthSource
from fleetserve.clock import Clock
from fleetserve.errors import UnauthorizedError, UnavailableError

KEY_FRESH_S = 60.0
# So long an API key goes on unasked while auth-svc is away, and so often it is tried again.
KEY_STALE_S = 86_400.0
KEY_RETRY_S = 5.0
UNKNOWN_S = 60.0
MAX_UNKNOWN = 10_000


class AuthVerifier:
    """For the event loop.

    Access tokens are verified by auth-svc's public keys, API keys by asking auth-svc for their
    digest. A revocation takes either out of the cache at once. While auth-svc is away, what was
    verified before goes on; anything else is a 503 that says so.
    """

    def __init__(
        self,
        source: AuthSource,
        revocations: RevocationList,
        clock: Clock,
        *,
        max_cached: int = 10_000,
    ) -> None:
        self._source = source
        self._public_keys = PublicKeys(source, clock)
        self._revocations = revocations
        self._clock = clock
        self._cache = CredentialCache(clock, max_cached)
        self._unknown: dict[str, float] = {}
        self._asking: SingleFlight[KeyRecord | None] = SingleFlight()
        revocations.listen(self._cache.forget)

    def known(self, credential: str) -> Principal | None:
        """The principal of a credential that was verified before and still holds."""
        return self._cache.principal(credential)

    async def check(self, credential: str) -> Principal:
        """The principal of an access token or an API key (see credentials.py for which).

        Raises: UnauthorizedError: it does not hold, and why; UnavailableError: it can't be
            told, since auth-svc is away.
        """
        principal = self._cache.principal(credential)
        if principal is not None:
            return principal
        if credential.startswith(PREFIX):
            return await self._check_key(credential)
        return await self._check_token(credential)

    async def _check_token(self, token: str) -> Principal:
        key = await self._public_keys.get(key_id_of(token))
        claims = read_claims(token, key, self._clock.now_s())
        if (
            self._revocations.session_is_revoked(claims.session_id)
            or self._revocations.lowest_version(claims.user_id) > claims.version
        ):
            raise revoked()
        known = _of_claims(claims)
        self._cache.put(token, known, good_s=claims.expires_at - self._clock.now_s())
        return known.principal

    async def _check_key(self, key: str) -> Principal:
        if not looks_like_key(key) or self._is_unknown(key):
            raise _no_such_key()
        try:
            record = await self._asking.do(key, lambda: self._source.key(digest(key)))
        except UnavailableError as exc:
            stale = self._cache.stale(key, KEY_STALE_S)
            if stale is None:
                raise away(exc) from exc
            self._cache.renew(key, KEY_RETRY_S)
            return stale
        return self._admit(key, record)

    def _admit(self, key: str, record: KeyRecord | None) -> Principal:
        """What auth-svc's answer means, together with what was revoked meanwhile."""
        if record is None:
            self._cache.drop(key)
            self._remember_unknown(key)
            raise _no_such_key()
        left_s = record.expires_at - self._clock.now_s()
        if left_s <= 0 or self._revocations.key_is_revoked(record.key_id):
            raise _no_such_key()
        if self._revocations.lowest_version(record.user_id) > record.version:
            raise UnavailableError("The user of this API key is just being changed; try again.")
        known = _of_key(record)
        self._cache.put(key, known, good_s=min(left_s, KEY_FRESH_S), ends_s=left_s)
        return known.principal

    def _is_unknown(self, key: str) -> bool:
        until_s = self._unknown.get(key)
        return until_s is not None and until_s > self._clock.monotonic_s()

    def _remember_unknown(self, key: str) -> None:
        if len(self._unknown) >= MAX_UNKNOWN:
            self._unknown.clear()
        self._unknown[key] = self._clock.monotonic_s() + UNKNOWN_S


def _of_claims(claims: AccessClaims) -> Known:
    principal = Principal(
        name=f"user:{claims.user}",
        kind=PrincipalKind.USER,
        scopes=claims.scopes,
        limit="user",
        owner=claims.user,
    )
    return Known(principal, claims.session_id, "", claims.user_id, claims.version)


def _of_key(record: KeyRecord) -> Known:
    principal = Principal(
        name=f"key:{record.key_id}",
        kind=PrincipalKind.KEY,
        scopes=scopes_of(record.scopes),
        limit="key",
        owner=record.owner,
    )
    return Known(principal, "", record.key_id, record.user_id, record.version)


def _no_such_key() -> UnauthorizedError:
    return UnauthorizedError(
        "The API key is not valid: unknown, expired or deleted. POST /auth/generate-key makes a"
        " new one.",
        code="key_invalid",
    )

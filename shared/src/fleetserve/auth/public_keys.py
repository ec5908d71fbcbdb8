"""auth-svc's public keys as a gateway holds them."""

import asyncio
from typing import TYPE_CHECKING

import orjson
import structlog

from fleetserve.auth.access_claims import invalid
from fleetserve.auth.source.base import AuthSource
from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

log = structlog.get_logger(__name__)

FRESH_S = 300.0
# An unknown key id may be a new key, or made up: nobody makes us ask more often than this.
ASK_AGAIN_S = 2.0


class PublicKeys:
    """Keys by id, fetched when first needed, every 5 minutes, and for an id that is new."""

    def __init__(self, source: AuthSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._asked_s: float | None = None
        self._lock = asyncio.Lock()

    async def get(self, key_id: str) -> "Ed25519PublicKey":
        """The key of that id.

        Raises: UnauthorizedError: there is no such key; UnavailableError: it can't be told,
            since auth-svc is away. A key that is known goes on without auth-svc.
        """
        await self._renew(key_id)
        found = self._keys.get(key_id)
        if found is None:
            raise invalid("the key it was signed with is not one of this fleet's")
        return found

    async def _renew(self, key_id: str) -> None:
        if not self._stale(key_id):
            return
        async with self._lock:
            if not self._stale(key_id):
                return
            try:
                self._keys = parse_jwks(await self._source.public_keys())
            except UnavailableError as exc:
                if key_id not in self._keys:
                    raise away(exc) from exc
                log.warning("public_keys.kept", error=exc.detail)
            self._asked_s = self._clock.monotonic_s()

    def _stale(self, key_id: str) -> bool:
        if self._asked_s is None:
            return True
        age_s = self._clock.monotonic_s() - self._asked_s
        return age_s >= (FRESH_S if key_id in self._keys else ASK_AGAIN_S)


def away(exc: UnavailableError) -> UnavailableError:
    """The 503 for a credential that can't be checked now."""
    return UnavailableError(
        "This credential is not known here yet and auth-svc, which could tell, is away"
        f" ({exc.detail}). Credentials that were used a short while ago go on working.",
        code="auth_unavailable",
        retry_after_s=2,
    )


def parse_jwks(raw: bytes) -> "dict[str, Ed25519PublicKey]":
    """Ed25519 keys by id; entries of other kinds are left out.

    Raises: UnavailableError: it is not a JWKS.
    """
    # Not before there is one to read: see access_claims.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from jwt import InvalidKeyError
    from jwt.algorithms import OKPAlgorithm

    try:
        entries = orjson.loads(raw)["keys"]
        keys = {
            str(entry["kid"]): OKPAlgorithm.from_jwk(entry)
            for entry in entries
            if entry["kty"] == "OKP"
        }
    except (orjson.JSONDecodeError, KeyError, TypeError, InvalidKeyError) as exc:
        raise UnavailableError(f"auth-svc's JWKS can't be read: {exc}") from exc
    return {kid: key for kid, key in keys.items() if isinstance(key, Ed25519PublicKey)}

"""What an access token says, and how its signature and times are checked.

PyJWT brings cryptography, 5 MiB that a fleet without auth never uses: so who reads a token imports
it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fleetserve.auth.principals import scopes_of
from fleetserve.auth.scopes import Scope
from fleetserve.errors import UnauthorizedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ISSUER = "fleetserve"
AUDIENCE = "fleetserve"
ALGORITHM = "EdDSA"
MAX_TOKEN_CHARS = 4096
# Clocks of two machines may be that far apart.
LEEWAY_S = 5.0
_CLAIMS = ["iss", "aud", "sub", "uid", "sid", "ver", "scope", "iat", "exp"]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """One access token: whose, of which login, until when (seconds since the epoch).

    ``version`` is the user's when it was made: a revocation names the lowest that holds.
    """

    user: str
    user_id: str
    session_id: str
    version: int
    scopes: frozenset[Scope]
    issued_at: int
    expires_at: int

    def payload(self) -> dict[str, object]:
        return {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": self.user,
            "uid": self.user_id,
            "sid": self.session_id,
            "ver": self.version,
            "scope": " ".join(sorted(self.scopes)),
            "iat": self.issued_at,
            "exp": self.expires_at,
        }


def key_id_of(token: str) -> str:
    """The id of the key that a token says it was signed with; nothing is verified yet.

    Raises: UnauthorizedError: it is not a token of this fleet at all.
    """
    import jwt

    if len(token) > MAX_TOKEN_CHARS:
        raise invalid("it is too long")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise invalid("it is neither a token nor an API key") from None
    key_id = header.get("kid")
    if header.get("alg") != ALGORITHM or not isinstance(key_id, str):
        raise invalid(f"it is not an {ALGORITHM} token with a key id")
    return key_id


def read_claims(token: str, key: "Ed25519PublicKey", now_s: float) -> AccessClaims:
    """The claims of a token that this key signed and that is valid now.

    Raises: UnauthorizedError: code ``token_expired`` or ``token_invalid``.
    """
    import jwt

    try:
        payload = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={
                "require": _CLAIMS,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        claims = _claims(payload)
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise invalid("its signature or its claims don't hold") from None
    if claims.expires_at <= now_s:
        raise UnauthorizedError(
            "The access token has expired. POST /auth/refresh with the refresh token gives a new"
            " one.",
            code="token_expired",
        )
    if claims.issued_at > now_s + LEEWAY_S:
        raise invalid("it comes from the future; are the clocks apart?")
    return claims


def invalid(why: str) -> UnauthorizedError:
    return UnauthorizedError(f"The access token is refused: {why}.", code="token_invalid")


def revoked() -> UnauthorizedError:
    return UnauthorizedError(
        "The access token was revoked: its session was logged out, or its user changed. Log in"
        " again, or refresh.",
        code="token_revoked",
    )


def _claims(payload: dict[str, Any]) -> AccessClaims:
    return AccessClaims(
        user=str(payload["sub"]),
        user_id=str(payload["uid"]),
        session_id=str(payload["sid"]),
        version=int(payload["ver"]),
        scopes=scopes_of(str(payload["scope"]).split()),
        issued_at=int(payload["iat"]),
        expires_at=int(payload["exp"]),
    )

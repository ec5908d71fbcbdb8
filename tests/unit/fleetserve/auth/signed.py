"""Access tokens as auth-svc signs them."""

from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from fleetserve.auth.access_claims import ALGORITHM, AccessClaims
from fleetserve.auth.scopes import Scope


class Signer:
    """One signing key."""

    def __init__(self, key_id: str = "k1") -> None:
        self.key_id = key_id
        self.private = Ed25519PrivateKey.generate()

    @property
    def jwk(self) -> dict[str, str]:
        jwk: dict[str, str] = orjson.loads(OKPAlgorithm.to_jwk(self.private.public_key()))
        return {**jwk, "kid": self.key_id}

    def token(self, claims: AccessClaims, **changed: Any) -> str:
        return self.sign({**claims.payload(), **changed})

    def sign(self, payload: dict[str, Any]) -> str:
        return jwt.encode(payload, self.private, algorithm=ALGORITHM, headers={"kid": self.key_id})


def claims(
    *, user: str = "ada", session: str = "s1", version: int = 1, at: int = 1000, for_s: int = 1800
) -> AccessClaims:
    return AccessClaims(
        user=user,
        user_id=f"id-of-{user}",
        session_id=session,
        version=version,
        scopes=frozenset({Scope.PREDICT, Scope.MODELS_READ}),
        issued_at=at,
        expires_at=at + for_s,
    )

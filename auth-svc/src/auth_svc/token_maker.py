"""Makes access tokens and refresh tokens."""

from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe

import jwt

from auth_svc.identities import User, new_id
from auth_svc.signing_keys import SigningKeys
from fleetserve.auth.access_claims import ALGORITHM, AccessClaims
from fleetserve.auth.config import AuthConfig
from fleetserve.clock import Clock


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login and a refresh answer. ``expires_in`` is the access token's, in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


class TokenMaker:
    """Safe from any thread."""

    def __init__(self, keys: SigningKeys, config: AuthConfig, clock: Clock) -> None:
        self._keys = keys
        self._config = config
        self._clock = clock

    @property
    def access_s(self) -> int:
        return self._config.tokens.access_minutes * 60

    @property
    def refresh_s(self) -> int:
        return self._config.tokens.refresh_days * 86_400

    def pair(self, user: User, session_id: str, refresh_secret: str) -> TokenPair:
        now_s = int(self._clock.now_s())
        claims = AccessClaims(
            user=user.username,
            user_id=user.id,
            session_id=session_id,
            version=user.version,
            scopes=self._config.scopes_of(user.role),
            issued_at=now_s,
            expires_at=now_s + self.access_s,
        )
        key = self._keys.current()
        # The id makes each token another text, also two of one second.
        payload = {**claims.payload(), "jti": new_id()}
        access = jwt.encode(payload, key.private, algorithm=ALGORITHM, headers={"kid": key.id})
        return TokenPair(access, f"{session_id}.{refresh_secret}", self.access_s)


def new_secret() -> str:
    """256 random bits."""
    return token_urlsafe(32)


def secret_digest(secret: str) -> str:
    """What is stored of a refresh token's secret."""
    return sha256(secret.encode()).hexdigest()


def split_refresh_token(token: str) -> tuple[str, str]:
    """The session's id and the secret; both empty where it is no refresh token."""
    session_id, dot, secret = token.partition(".")
    return (session_id, secret) if dot and session_id and secret else ("", "")

"""Who calls auth-svc: the credential is verified here again, whatever the gateway has seen."""

from dataclasses import dataclass

from auth_svc.identities import User
from auth_svc.key_ring import KeyRing
from auth_svc.sessions.base import SessionStore
from auth_svc.signing_keys import SigningKeys
from auth_svc.users.base import UserStore
from fleetserve.auth.access_claims import invalid, key_id_of, read_claims, revoked
from fleetserve.auth.api_keys import PREFIX, digest
from fleetserve.auth.config import AuthConfig
from fleetserve.auth.credentials import credential_of
from fleetserve.auth.scopes import Scope
from fleetserve.clock import Clock
from fleetserve.errors import ForbiddenError, UnauthorizedError


@dataclass(frozen=True, slots=True)
class Caller:
    """A user and what they came with: a session (an access token) or an API key.

    ``expires_at`` is the access token's or the key's.
    """

    user: User
    scopes: frozenset[Scope]
    expires_at: float
    session_id: str = ""
    key_id: str = ""

    def require_session(self) -> str:
        """The session's id.

        Raises: ForbiddenError: an API key can't do what could outlive it.
        """
        if not self.session_id:
            raise ForbiddenError(
                "This needs a login (an access token); an API key can't do it.",
                code="login_needed",
            )
        return self.session_id

    def require_admin(self) -> None:
        if Scope.ADMIN not in self.scopes:
            raise ForbiddenError("This needs the scope admin.", code="scope_missing")


class Callers:
    """Blocking; safe from any thread."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        key_ring: KeyRing,
        signing_keys: SigningKeys,
        config: AuthConfig,
        clock: Clock,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._key_ring = key_ring
        self._signing_keys = signing_keys
        self._config = config
        self._clock = clock

    def identify(self, authorization: bytes | None, api_key: bytes | None) -> Caller | None:
        """Who it is; None for a request without any credential.

        Raises: UnauthorizedError: the credential does not hold.
        """
        credential = credential_of(authorization, api_key)
        if credential is None:
            return None
        if credential.startswith(PREFIX):
            return self._of_key(credential)
        return self._of_token(credential)

    def _of_key(self, text: str) -> Caller:
        found = self._key_ring.holder(digest(text))
        if found is None:
            raise UnauthorizedError(
                "The API key is not valid: unknown, expired or deleted.", code="key_invalid"
            )
        key, user = found
        scopes = self._key_ring.scopes(key, user)
        return Caller(user, scopes, key.expires_at, key_id=key.id)

    def _of_token(self, token: str) -> Caller:
        key = self._signing_keys.public(key_id_of(token))
        if key is None:
            raise invalid("the key it was signed with is not one of this fleet's")
        claims = read_claims(token, key, self._clock.now_s())
        user = self._users.get(claims.user_id)
        session = self._sessions.get(claims.session_id)
        if user is None or user.disabled or session is None or claims.version < user.version:
            raise revoked()
        scopes = self._config.scopes_of(user.role)
        return Caller(user, scopes, claims.expires_at, session_id=session.id)

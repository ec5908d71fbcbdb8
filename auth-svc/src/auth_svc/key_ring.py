"""API keys: made, listed, deleted, and looked up for the gateways."""

from collections.abc import Collection

import structlog

from auth_svc.identities import ApiKey, User, new_id
from auth_svc.keys.base import KeyStore
from auth_svc.revoker import Revoker
from auth_svc.users.base import UserStore
from fleetserve.auth.api_keys import KeyRecord, digest, new_key
from fleetserve.auth.config import AuthConfig
from fleetserve.auth.scopes import ALL_SCOPES, Scope
from fleetserve.clock import Clock
from fleetserve.errors import ConflictError, ForbiddenError, InvalidFieldError, NotFoundError

log = structlog.get_logger(__name__)

MAX_KEYS = 100
DAY_S = 86_400.0
HINT_CHARS = 7


class KeyRing:
    """Blocking; safe from any thread."""

    def __init__(
        self,
        keys: KeyStore,
        users: UserStore,
        revoker: Revoker,
        config: AuthConfig,
        clock: Clock,
    ) -> None:
        self._keys = keys
        self._users = users
        self._revoker = revoker
        self._config = config
        self._clock = clock

    def generate(
        self, user: User, name: str, scopes: Collection[str] | None, days: int | None
    ) -> tuple[ApiKey, str]:
        """A new key, and its text, which is nowhere else from now on.

        Without ``scopes`` it has all of the user's, but for admin.

        Raises: InvalidFieldError: a scope there is not; ForbiddenError: one that the user has
            not; ConflictError: the user has too many keys.
        """
        granted = self._granted(user, scopes)
        if len(self._keys.of_user(user.id)) >= MAX_KEYS:
            raise ConflictError(
                f"You have {MAX_KEYS} keys, as many as can be; delete one first.",
                code="too_many_keys",
            )
        text, now_s = new_key(), self._clock.now_s()
        key = ApiKey(
            id=new_id(),
            user_id=user.id,
            name=name,
            digest=digest(text),
            hint=text[:HINT_CHARS],
            scopes=granted,
            created_at=now_s,
            expires_at=now_s + (days or self._config.tokens.key_days) * DAY_S,
        )
        self._keys.add(key)
        log.info("api_key.generated", username=user.username, key_id=key.id, scopes=granted)
        return key, text

    def of_user(self, user: User) -> list[ApiKey]:
        return self._keys.of_user(user.id)

    def delete(self, user: User, key_id: str) -> ApiKey:
        """Deletes a key of the user's own, or, for an admin, anybody's.

        Raises: NotFoundError: there is no such key, or it is somebody else's.
        """
        key = self._keys.get(key_id)
        is_admin = Scope.ADMIN in self._config.scopes_of(user.role)
        if key is None or (key.user_id != user.id and not is_admin):
            raise NotFoundError(
                "You have no API key with this id; GET /auth/api-keys lists them.",
                code="key_not_found",
            )
        self._keys.delete(key.id)
        self._revoker.keys([key.id])
        log.info("api_key.deleted", key_id=key.id, by=user.username)
        return key

    def holder(self, key_digest: str) -> tuple[ApiKey, User] | None:
        """The key with that digest and its user, if both may be used now."""
        key, now_s = self._keys.by_digest(key_digest), self._clock.now_s()
        if key is None or key.expires_at <= now_s:
            return None
        user = self._users.get(key.user_id)
        if user is None or user.disabled:
            return None
        self._keys.note_use(key.id, now_s)
        return key, user

    def record(self, key_digest: str) -> KeyRecord | None:
        """What a gateway is told of a key; None where it may not be used."""
        found = self.holder(key_digest)
        if found is None:
            return None
        key, user = found
        return KeyRecord(
            key_id=key.id,
            owner=user.username,
            user_id=user.id,
            version=user.version,
            scopes=tuple(sorted(self.scopes(key, user))),
            expires_at=key.expires_at,
        )

    def scopes(self, key: ApiKey, user: User) -> frozenset[Scope]:
        """What the key may do now: what it was made for and its user still may."""
        held = self._config.scopes_of(user.role)
        return frozenset(key.scopes) if Scope.ADMIN in held else held & frozenset(key.scopes)

    def _granted(self, user: User, scopes: Collection[str] | None) -> tuple[Scope, ...]:
        held = self._config.scopes_of(user.role)
        grantable = ALL_SCOPES if Scope.ADMIN in held else held
        if scopes is None:
            return tuple(sorted(grantable - {Scope.ADMIN}))
        unknown = sorted(set(scopes) - ALL_SCOPES)
        if unknown or not scopes:
            wrong = f"no such scope: {', '.join(unknown)}" if unknown else "name at least one"
            raise InvalidFieldError("scopes", f"{wrong}; allowed: {', '.join(sorted(grantable))}")
        missing = sorted(set(scopes) - grantable)
        if missing:
            raise ForbiddenError(
                f"You don't have the scope {', '.join(missing)} yourself; a key of yours can have:"
                f" {', '.join(sorted(grantable))}.",
                code="scope_missing",
            )
        return tuple(sorted(Scope(name) for name in set(scopes)))

"""Changes a user and takes back what was given out before."""

import dataclasses
from collections.abc import Callable

from auth_svc.identities import User
from auth_svc.keys.base import KeyStore
from auth_svc.revoker import Revoker
from auth_svc.sessions.base import SessionStore
from auth_svc.users.base import UserStore
from fleetserve.errors import ConflictError, NotFoundError

TRIES = 5


class UserChanges:
    """Every write to a user goes through here. Blocking; safe from any thread."""

    def __init__(
        self, users: UserStore, sessions: SessionStore, keys: KeyStore, revoker: Revoker
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._keys = keys
        self._revoker = revoker

    def apply(self, user_id: str, change: Callable[[User], User], *, revoke: bool) -> User:
        """The user after ``change``, which may be called again if another change came between.

        With ``revoke`` access tokens and cached keys from before are no longer taken; sessions
        and keys themselves stay, and give new ones.

        Raises: NotFoundError: there is no such user; ConflictError: the email is taken.
        """
        for _ in range(TRIES):
            user = self._users.get(user_id)
            if user is None:
                raise NotFoundError("There is no such user.", code="user_not_found")
            changed = dataclasses.replace(
                change(user), edition=user.edition + 1, version=user.version + revoke
            )
            if self._users.replace(changed, was=user.edition):
                if revoke:
                    self._revoker.user(user_id, changed.version)
                return changed
        raise ConflictError("This user is being changed by somebody else; try again.")

    def end_session(self, session_id: str) -> None:
        """The session's refresh token and access tokens no longer hold."""
        self._sessions.end(session_id)
        self._revoker.sessions([session_id])

    def end_sessions(self, user_id: str) -> int:
        """All of a user's; how many there were."""
        ended = [s.id for s in self._sessions.of_user(user_id) if self._sessions.end(s.id)]
        self._revoker.sessions(ended)
        return len(ended)

    def delete(self, user: User) -> None:
        """The user is gone, and nothing that was given out holds."""
        keys = [key.id for key in self._keys.of_user(user.id)]
        self.end_sessions(user.id)
        for key_id in keys:
            self._keys.delete(key_id)
        self._users.delete(user.id)
        self._revoker.keys(keys)
        self._revoker.user(user.id, user.version + 1)

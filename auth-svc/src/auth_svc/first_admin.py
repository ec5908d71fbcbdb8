"""The first admin: made at the first start, with a random password in a file."""

import contextlib
import dataclasses
import fcntl
import secrets
from collections.abc import Iterator
from pathlib import Path

import structlog

from auth_svc.identities import User, name_key, new_id
from auth_svc.passwords import PasswordHashes
from auth_svc.user_changes import UserChanges
from auth_svc.users.base import UserStore
from fleetserve.auth.config import ADMIN_ROLE
from fleetserve.clock import Clock
from fleetserve.errors import ConflictError

log = structlog.get_logger(__name__)

USERNAME = "admin"
FILE = "admin-password"


class FirstAdmin:
    """Args: folder: where the file ``admin-password`` (mode 0600) lies until the first login."""

    def __init__(self, folder: Path, users: UserStore, hashes: PasswordHashes) -> None:
        self.path = folder / FILE
        self._users = users
        self._hashes = hashes

    def ensure(self, clock: Clock) -> bool:
        """Makes the admin if nobody has that role; whether it did.

        Processes that share the folder wait for each other, so that the file is the winner's.
        """
        with self._alone():
            admins, _ = self._users.page(limit=0, role=ADMIN_ROLE)
            made = not admins and self._make(clock)
        if self.path.exists():
            log.warning("admin.password_file", username=USERNAME, path=str(self.path))
        return made

    def _make(self, clock: Clock) -> bool:
        user = User(
            id=new_id(),
            username=USERNAME,
            email="admin@localhost",
            full_name="",
            password_hash=self.new_password(),
            role=ADMIN_ROLE,
            created_at=clock.now_s(),
        )
        try:
            self._users.add(user)
        except ConflictError:
            # Another machine was quicker, or the name belongs to somebody without the role.
            self.path.unlink(missing_ok=True)
            log.warning("admin.not_made", reason="the name is taken", username=USERNAME)
            return False
        return True

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def reset(self, clock: Clock, changes: UserChanges) -> None:
        """A new password in the file for the user ``admin``, who is an admin again."""
        user = self._users.find(USERNAME)
        if user is None:
            self._make(clock)
            return
        stored = self.new_password()
        changes.apply(
            user.id,
            lambda u: dataclasses.replace(u, password_hash=stored, role=ADMIN_ROLE, disabled=False),
            revoke=True,
        )
        changes.end_sessions(user.id)
        log.warning("admin.reset", username=USERNAME, path=str(self.path))

    def new_password(self) -> str:
        """Writes a new random password into the file; returns its hash."""
        password = secrets.token_urlsafe(18)
        draft = self.path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(password + "\n")
        draft.replace(self.path)
        return self._hashes.make(password)

    def logged_in(self, username: str) -> None:
        """The password is known to somebody now: the file goes."""
        if name_key(username) == USERNAME and self.path.exists():
            self.path.unlink(missing_ok=True)
            log.info("admin.password_file_removed", path=str(self.path))

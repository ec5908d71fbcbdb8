"""Users: registering, changing, listing, deleting."""

import dataclasses
import threading
from collections.abc import Callable

import structlog

from auth_svc.identities import User, new_id
from auth_svc.passwords import PasswordHashes, check_password
from auth_svc.sign_in import SignIn
from auth_svc.token_maker import TokenPair
from auth_svc.user_changes import UserChanges
from auth_svc.users.base import UserStore
from fleetserve.auth.config import AuthConfig
from fleetserve.auth.scopes import Scope
from fleetserve.clock import Clock
from fleetserve.errors import (
    ConflictError,
    ForbiddenError,
    InvalidFieldError,
    NotFoundError,
    UnauthorizedError,
)

log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class NewUser:
    """What somebody registers with, well-formed."""

    username: str
    email: str
    password: str
    full_name: str


@dataclasses.dataclass(frozen=True, slots=True)
class UserPatch:
    """What an admin changes; None leaves it as it is."""

    email: str | None = None
    full_name: str | None = None
    role: str | None = None
    disabled: bool | None = None
    password: str | None = None
    unlock: bool = False


class Accounts:
    """Blocking; safe from any thread."""

    def __init__(
        self,
        users: UserStore,
        changes: UserChanges,
        sign_in: SignIn,
        hashes: PasswordHashes,
        config: AuthConfig,
        clock: Clock,
    ) -> None:
        self._users = users
        self._changes = changes
        self._sign_in = sign_in
        self._hashes = hashes
        self._config = config
        self._clock = clock
        # Two admins that demote each other at once must not both succeed.
        self._admin_lock = threading.Lock()

    def register(self, new: NewUser, *, allowed: bool) -> User:
        """A new user with the role that auth.yaml gives.

        ``allowed`` is whether this caller may even where registration is closed.

        Raises: ForbiddenError: it is closed; ConflictError: name or email are taken;
            InvalidFieldError: the password.
        """
        if not (self._config.registration.open or allowed):
            raise ForbiddenError(
                "Registration is closed. An admin can register users, by this same call, or open"
                " it: registration.open in auth.yaml.",
                code="registration_closed",
            )
        check_password(new.password, new.username, self._config.passwords, "password")
        user = User(
            id=new_id(),
            username=new.username,
            email=new.email.lower(),
            full_name=new.full_name,
            password_hash=self._hashes.make(new.password),
            role=self._config.registration.role,
            created_at=self._clock.now_s(),
        )
        self._users.add(user)
        log.info("user.registered", username=user.username, role=user.role)
        return user

    def change_password(self, user: User, current: str, new: str) -> tuple[User, TokenPair]:
        """The new password holds, every session has ended, and a new one begins.

        Raises: UnauthorizedError, TooManyRequestsError: the current one is wrong, too often;
            InvalidFieldError: the new one.
        """
        try:
            self._sign_in.check_password(user.username, current)
        except UnauthorizedError as exc:
            raise UnauthorizedError("current_password is wrong.", code=exc.code) from exc
        if new == current:
            raise InvalidFieldError("new_password", "must not be the current one")
        check_password(new, user.username, self._config.passwords, "new_password")
        changed = self._set_password(user, new)
        log.info("user.password_changed", username=user.username)
        return changed, self._sign_in.open_session(changed)

    def page(self, offset: int, limit: int) -> tuple[int, list[User]]:
        return self._users.page(offset=offset, limit=limit)

    def find(self, username: str) -> User:
        """Raises: NotFoundError: there is no such user."""
        user = self._users.find(username)
        if user is None:
            raise NotFoundError(f"There is no user named {username!r}.", code="user_not_found")
        return user

    def patch(self, username: str, patch: UserPatch, by: User) -> User:
        """The user after the change.

        Raises: NotFoundError; ConflictError: the email is taken, or it is the last admin;
            InvalidFieldError: the role or the password.
        """
        user = self.find(username)
        self._check_role(patch.role)
        if patch.password is not None:
            check_password(patch.password, user.username, self._config.passwords, "password")
        with self._admin_lock:
            if patch.disabled or (patch.role is not None and patch.role != user.role):
                self._keep_one_admin(user, patch.role)
            user = self._changes.apply(
                user.id, _patcher(patch), revoke=patch.role is not None or bool(patch.disabled)
            )
        if patch.password is not None:
            user = self._set_password(user, patch.password)
        if patch.disabled:
            self._changes.end_sessions(user.id)
        if patch.unlock:
            self._sign_in.unlock(user.username)
        changed = [
            f for f, value in dataclasses.asdict(patch).items() if value not in (None, False)
        ]
        log.info("user.changed", username=user.username, by=by.username, fields=changed)
        return user

    def delete(self, username: str, by: User) -> None:
        """Raises: NotFoundError; ConflictError: it is the last admin."""
        user = self.find(username)
        with self._admin_lock:
            self._keep_one_admin(user, None)
            self._changes.delete(user)
        log.info("user.deleted", username=user.username, by=by.username)

    def _set_password(self, user: User, password: str) -> User:
        stored = self._hashes.make(password)
        changed = self._changes.apply(
            user.id, lambda u: dataclasses.replace(u, password_hash=stored), revoke=True
        )
        self._changes.end_sessions(user.id)
        return changed

    def _check_role(self, role: str | None) -> None:
        if role is not None and role not in self._config.roles:
            raise InvalidFieldError(
                "role", f"no such role {role!r}; allowed: {', '.join(self._config.roles)}"
            )

    def _keep_one_admin(self, user: User, new_role: str | None) -> None:
        """Refuses what would leave nobody to manage users."""
        if user.disabled or not self._is_admin(user.role):
            return
        if new_role is not None and self._is_admin(new_role):
            return
        admins = sum(
            self._users.page(limit=0, role=role)[0]
            for role in self._config.roles
            if self._is_admin(role)
        )
        if admins <= 1:
            raise ConflictError(
                f"{user.username} is the last admin; make another one first.", code="last_admin"
            )

    def _is_admin(self, role: str) -> bool:
        return Scope.ADMIN in self._config.scopes_of(role)


def _patcher(patch: UserPatch) -> Callable[[User], User]:
    def change(user: User) -> User:
        return dataclasses.replace(
            user,
            email=user.email if patch.email is None else patch.email.lower(),
            full_name=user.full_name if patch.full_name is None else patch.full_name,
            role=user.role if patch.role is None else patch.role,
            disabled=user.disabled if patch.disabled is None else patch.disabled,
        )

    return change

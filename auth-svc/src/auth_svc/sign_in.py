"""Login, refresh, logout."""

import dataclasses
from hashlib import sha256
from math import ceil

import structlog

from auth_svc.attempts.base import AttemptStore
from auth_svc.first_admin import FirstAdmin
from auth_svc.identities import Session, User, name_key, new_id
from auth_svc.lockout import after_failure, locked_for_s
from auth_svc.passwords import PasswordHashes
from auth_svc.sessions.base import SessionStore
from auth_svc.tally import Tally
from auth_svc.token_maker import (
    TokenMaker,
    TokenPair,
    new_secret,
    secret_digest,
    split_refresh_token,
)
from auth_svc.user_changes import UserChanges
from auth_svc.users.base import UserStore
from fleetserve.auth.config import LockoutConfig
from fleetserve.clock import Clock
from fleetserve.errors import ForbiddenError, TooManyRequestsError, UnauthorizedError

log = structlog.get_logger(__name__)

MAX_SESSIONS = 100


@dataclasses.dataclass(frozen=True, slots=True)
class SignInParts:
    """What signing in works with."""

    users: UserStore
    sessions: SessionStore
    attempts: AttemptStore
    hashes: PasswordHashes
    tokens: TokenMaker
    changes: UserChanges
    lockout: LockoutConfig
    first_admin: FirstAdmin
    tally: Tally
    clock: Clock


class SignIn:
    """Blocking; safe from any thread."""

    def __init__(self, parts: SignInParts) -> None:
        self._parts = parts

    def login(self, username: str, password: str) -> tuple[User, TokenPair]:
        """A new session.

        An unknown name and a wrong password look alike, take alike and lock alike.

        Raises: UnauthorizedError: it does not fit; TooManyRequestsError: the name is locked;
            ForbiddenError: it fits, and the account is disabled; ShedError: too busy.
        """
        user = self.check_password(username, password)
        if user.disabled:
            raise ForbiddenError(
                "This account is disabled; an admin can enable it.", code="account_disabled"
            )
        now_s = self._parts.clock.now_s()
        outdated = self._parts.hashes.is_outdated(user.password_hash)
        fresh_hash = self._parts.hashes.make(password) if outdated else user.password_hash
        user = self._parts.changes.apply(
            user.id,
            lambda u: dataclasses.replace(u, last_login_at=now_s, password_hash=fresh_hash),
            revoke=False,
        )
        self._parts.first_admin.logged_in(user.username)
        self._parts.tally.add("logins")
        log.info("user.logged_in", username=user.username)
        return user, self.open_session(user)

    def check_password(self, username: str, password: str) -> User:
        """The user whose password it is; a wrong one counts towards the lock.

        Raises: as ``login``, but for disabled accounts.
        """
        parts, name = self._parts, attempt_name(username)
        # Counted before it is checked, so that guesses made at once are counted too.
        self._count_attempt(name)
        user = parts.users.find(username)
        matches = parts.hashes.matches(user.password_hash if user else None, password)
        if user is None or not matches:
            parts.tally.add("login_failures")
            log.info("login.failed", username=user.username if user else "unknown")
            raise UnauthorizedError(
                "The user name or the password is wrong.", code="credentials_wrong"
            )
        parts.attempts.clear(name)
        return user

    def unlock(self, username: str) -> None:
        """Forgets the name's failures."""
        self._parts.attempts.clear(attempt_name(username))

    def open_session(self, user: User) -> TokenPair:
        """A session and its first tokens; of too many the oldest ends."""
        parts, secret, now_s = self._parts, new_secret(), self._parts.clock.now_s()
        session = Session(
            new_id(), user.id, secret_digest(secret), now_s, now_s + parts.tokens.refresh_s
        )
        for old in parts.sessions.of_user(user.id)[: -MAX_SESSIONS + 1]:
            parts.changes.end_session(old.id)
        parts.sessions.add(session)
        return parts.tokens.pair(user, session.id, secret)

    def refresh(self, refresh_token: str) -> tuple[User, TokenPair]:
        """New tokens for the session; the one presented is used up.

        Raises: UnauthorizedError: it does not hold. One that was used before ends its session,
            since somebody else has a copy.
        """
        parts, now_s = self._parts, self._parts.clock.now_s()
        session_id, secret = split_refresh_token(refresh_token)
        session = parts.sessions.get(session_id) if session_id else None
        if session is None or session.expires_at <= now_s:
            raise _refused("it is unknown, has expired, or its session was logged out")
        user = parts.users.get(session.user_id)
        if user is None or user.disabled:
            raise _refused("its user is gone or disabled")
        fresh = new_secret()
        rotated = parts.sessions.rotate(
            session.id,
            was=secret_digest(secret),
            digest=secret_digest(fresh),
            expires_at=now_s + parts.tokens.refresh_s,
        )
        if not rotated:
            parts.changes.end_session(session.id)
            parts.tally.add("refresh_reuses")
            log.warning("refresh_token.reused", username=user.username, session=session.id)
            raise _refused("it was used before, so its whole session is ended", "refresh_reused")
        return user, parts.tokens.pair(user, session.id, fresh)

    def logout(self, user: User, session_id: str) -> None:
        self._parts.changes.end_session(session_id)
        log.info("user.logged_out", username=user.username)

    def logout_everywhere(self, user: User) -> int:
        """Ends every session of the user; how many."""
        ended = self._parts.changes.end_sessions(user.id)
        self._parts.changes.apply(user.id, lambda same: same, revoke=True)
        log.info("user.logged_out_everywhere", username=user.username, sessions=ended)
        return ended

    def _count_attempt(self, name: str) -> None:
        parts = self._parts
        while True:
            now_s, before = parts.clock.now_s(), parts.attempts.get(name)
            wait_s = locked_for_s(before, now_s)
            if wait_s:
                parts.tally.add("logins_locked")
                raise _locked(wait_s)
            if parts.attempts.put(name, after_failure(before, now_s, parts.lockout), was=before):
                return


def attempt_name(username: str) -> str:
    """The name that attempts are counted under.

    A digest, since people type their password into the wrong field.
    """
    return sha256(name_key(username).encode()).hexdigest()


def _locked(wait_s: float) -> TooManyRequestsError:
    error = TooManyRequestsError(
        f"Too many wrong passwords for this user name; it is locked for {ceil(wait_s)} s.",
        retry_after_s=wait_s,
    )
    error.code = "login_locked"
    return error


def _refused(why: str, code: str = "refresh_invalid") -> UnauthorizedError:
    return UnauthorizedError(f"The refresh token is refused: {why}. Log in again.", code=code)

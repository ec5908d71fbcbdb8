"""What a password must be like, and how it is kept: argon2id, a bounded number at a time."""

import os
import threading
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from secrets import token_urlsafe
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from fleetserve.auth.config import PasswordsConfig
from fleetserve.errors import InvalidFieldError, ShedError

Result = TypeVar("Result")

MAX_WAITING = 16
WAIT_S = 5.0


def check_password(password: str, username: str, rules: PasswordsConfig, field: str) -> None:
    """Returns if the password may be used.

    Raises: InvalidFieldError: why not, for ``field`` of the request.
    """
    if len(password) < rules.min_length:
        raise InvalidFieldError(
            field, f"at least {rules.min_length} characters", code="password_too_short"
        )
    if len(password) > rules.max_length:
        raise InvalidFieldError(
            field, f"at most {rules.max_length} characters", code="password_too_long"
        )
    plain = password.casefold()
    if plain == username.casefold():
        raise InvalidFieldError(field, "must not be the user name", code="password_is_name")
    if rules.refuse_common and (plain in common_passwords() or len(set(plain)) < 3):
        raise InvalidFieldError(
            field,
            "this is one of the most common passwords; take one that nobody else would",
            code="password_common",
        )


@cache
def common_passwords() -> frozenset[str]:
    """Those of data/common_passwords.txt, which says where they are from."""
    lines = (files("auth_svc") / "data" / "common_passwords.txt").read_text().splitlines()
    return frozenset(line for line in lines if not line.startswith("# "))


class PasswordHashes:
    """Makes and checks argon2id hashes: 46 MiB and two passes in one thread.

    Blocking, for threads. A hash takes a core for 0.1 s, so at most half of the cores do it at
    once, some wait, and the rest is refused: a flood of logins leaves room for the others.
    Source: OWASP's password storage cheat sheet wants 46 MiB and one pass, or more.

    Raises (from its calls): ShedError: too many wait already.
    """

    def __init__(self, hasher: PasswordHasher | None = None, *, at_once: int = 0) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)
        self._slots = threading.BoundedSemaphore(at_once or min(4, (os.cpu_count() or 2) // 2 or 1))
        self._waiting = threading.BoundedSemaphore(MAX_WAITING)
        self._nobodys = self._hasher.hash(token_urlsafe(16))

    def make(self, password: str) -> str:
        return self._in_slot(lambda: self._hasher.hash(_normal(password)))

    def matches(self, stored: str | None, password: str) -> bool:
        """Whether it is the password of that hash.

        Takes as long for ``None`` (there is no such user), and is False.
        """
        found = self._in_slot(lambda: self._verify(stored or self._nobodys, password))
        return found and bool(stored)

    def is_outdated(self, stored: str) -> bool:
        """Whether it was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, _normal(password))
        except (VerificationError, InvalidHashError):
            return False

    def _in_slot(self, work: Callable[[], Result]) -> Result:
        if not self._waiting.acquire(blocking=False):
            raise _busy()
        try:
            if not self._slots.acquire(timeout=WAIT_S):
                raise _busy()
            try:
                return work()
            finally:
                self._slots.release()
        finally:
            self._waiting.release()


def _busy() -> ShedError:
    return ShedError("Too many passwords are being checked at once.", code="logins_busy")


def _normal(password: str) -> str:
    """One text, however its accents were typed."""
    return unicodedata.normalize("NFKC", password)

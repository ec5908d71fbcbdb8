"""Faults on demand: which answers go wrong, how, and how often."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatch
from threading import Lock
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FaultKind(StrEnum):
    """What happens to an answer that the fault meets."""

    CUT = "cut"  # The connection ends after after_bytes of the body; all of them arrive.
    STALL = "stall"  # Nothing more comes after after_bytes, for seconds (None: until cleared).
    SLOW = "slow"  # The body comes at bytes_per_s.
    STATUS = "status"  # The answer is status instead, with Retry-After where retry_after_s is set.
    WRONG_LENGTH = "wrong_length"  # Content-Length says length_delta more or less than comes.
    TRUNCATE = "truncate"  # The answer is well-formed, but ends after after_bytes.
    CORRUPT = "corrupt"  # The byte at file offset after_bytes is inverted.
    NEW_COMMIT = "new_commit"  # After after_bytes main gets another version, and it is cut.


class Fault(BaseModel):
    """One fault; several may meet one answer (slow and cut, say).

    path: a pattern (fnmatch) for "org/name/path/in/repo", the path in the repo alone, or, for API
        calls, the request's path.
    times: how many answers it meets before it is used up; None is every one until cleared.
    where: the redirecting download address, the CDN that carries LFS bytes, or the API. Faults of a
        body meet only answers with a body longer than after_bytes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    path: str = "*"
    where: Literal["any", "api", "resolve", "cdn"] = "any"
    times: int | None = Field(default=1, ge=1)
    after_bytes: int = Field(default=0, ge=0)
    seconds: float | None = Field(default=None, ge=0)
    bytes_per_s: int = Field(default=64 * 1024, gt=0)
    status: int = Field(default=503, ge=300, le=599)
    retry_after_s: int | None = Field(default=None, ge=0)
    length_delta: int = 1

    def meets(self, where: str, names: tuple[str, ...]) -> bool:
        if self.where not in {"any", where}:
            return False
        return any(fnmatch(name, self.path) for name in names)

    def reaches(self, start: int, length: int) -> bool:
        """Tell whether a body of length bytes from that file offset is long enough for it."""
        if self.kind is FaultKind.CORRUPT:
            return start <= self.after_bytes < start + length
        return self.after_bytes < max(length, 1)


@dataclass(slots=True)
class ActiveFault:
    """A fault in force; released ends its stalls."""

    fault: Fault
    left: int | None
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def use(self) -> None:
        self.left = None if self.left is None else self.left - 1


@dataclass(slots=True)
class FaultBook:
    """The faults in force. add and clear may be called from any thread."""

    loop: asyncio.AbstractEventLoop | None = None
    _active: list[ActiveFault] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._active.append(ActiveFault(fault, fault.times))

    def clear(self) -> None:
        """Forget all faults and let stalled answers go on."""
        with self._lock:
            released, self._active = self._active, []
        for active in released:
            if self.loop is not None and not self.loop.is_closed():
                self.loop.call_soon_threadsafe(active.released.set)

    def all(self) -> list[Fault]:
        """The faults that can still happen."""
        with self._lock:
            return [active.fault for active in self._active if active.left != 0]

    def status_for(self, where: str, names: tuple[str, ...]) -> Fault | None:
        """Take the first fault that replaces this whole answer."""
        with self._lock:
            for active in self._active:
                fault = active.fault
                if (
                    fault.kind is FaultKind.STATUS
                    and active.left != 0
                    and fault.meets(where, names)
                ):
                    active.use()
                    return fault
        return None

    def body_for(
        self, where: str, names: tuple[str, ...], start: int, length: int
    ) -> list[ActiveFault]:
        """Take all faults that meet a body of length bytes from that file offset."""
        with self._lock:
            met = [
                active
                for active in self._active
                if active.fault.kind is not FaultKind.STATUS
                and active.left != 0
                and active.fault.meets(where, names)
                and active.fault.reaches(start, length)
            ]
            for active in met:
                active.use()
        return met

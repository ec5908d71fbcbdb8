"""How far a download is: counted by the threads that fetch, read by the one that reports."""

from collections.abc import Iterable
from enum import StrEnum
from threading import Lock

import msgspec

from fleetserve.clock import Clock

RATE_WINDOW_S = 3.0


class Phase(StrEnum):
    PENDING = "pending"
    RESOLVING = "resolving"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"


class FileProgress(msgspec.Struct, frozen=True):
    path: str
    size: int
    bytes_done: int


class ProgressReport(msgspec.Struct, frozen=True):
    """A moment of a download; ``bytes_done`` never falls, over restarts neither."""

    phase: Phase = Phase.PENDING
    bytes_done: int = 0
    bytes_total: int = 0
    bytes_per_s: float = 0.0
    message: str = ""
    files: tuple[FileProgress, ...] = ()


_decode = msgspec.json.Decoder(ProgressReport).decode


def encode_report(report: ProgressReport) -> bytes:
    return msgspec.json.encode(report)


def decode_report(raw: bytes) -> ProgressReport:
    """The report; the first of all when there is none yet."""
    return _decode(raw) if raw else ProgressReport()


class DownloadProgress:
    """Counts one download.

    Args:
        earlier: What was last reported of this job, maybe by an owner before us.
    """

    def __init__(self, clock: Clock, earlier: ProgressReport) -> None:
        self._clock = clock
        self._lock = Lock()
        self._phase = Phase.PENDING
        self._message = ""
        self._sizes: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._floor = earlier.bytes_done
        self._rate = 0.0
        self._rate_from: tuple[float, int] | None = None

    def enter(self, phase: Phase, message: str = "") -> None:
        with self._lock:
            self._phase, self._message = phase, message

    def say(self, message: str) -> None:
        """What a waiting user should know, such as that the hub asked to wait."""
        with self._lock:
            self._message = message

    def expect(self, files: Iterable[tuple[str, int]]) -> None:
        """The files to come, with their sizes (0: unknown)."""
        with self._lock:
            self._sizes = dict(files)
            self._done = {path: self._done.get(path, 0) for path in self._sizes}

    def set_done(self, path: str, count: int) -> None:
        """How many bytes of a file are on disk; may fall when a file is begun anew."""
        with self._lock:
            self._done[path] = count
            self._sizes[path] = max(self._sizes.get(path, 0), count)

    def drop(self, path: str) -> None:
        """The file does not come after all."""
        with self._lock:
            self._sizes.pop(path, None)
            self._done.pop(path, None)

    def snapshot(self) -> ProgressReport:
        with self._lock:
            counted = sum(self._done.values())
            self._measure(counted)
            total = sum(self._sizes.values())
            self._floor = max(self._floor, counted)
            return ProgressReport(
                phase=self._phase,
                bytes_done=self._floor,
                bytes_total=max(total, self._floor),
                bytes_per_s=round(self._rate),
                message=self._message,
                files=tuple(
                    FileProgress(path, size, self._done.get(path, 0))
                    for path, size in self._sizes.items()
                ),
            )

    def _measure(self, counted: int) -> None:
        """A moving average, so that what was there before we began does not count as speed."""
        now_s = self._clock.monotonic_s()
        if self._phase is not Phase.DOWNLOADING:
            self._rate_from = None
            return
        if self._rate_from is not None and now_s > self._rate_from[0]:
            passed_s = now_s - self._rate_from[0]
            latest = max(0, counted - self._rate_from[1]) / passed_s
            weight = min(1.0, passed_s / RATE_WINDOW_S) if self._rate else 1.0
            self._rate += weight * (latest - self._rate)
        self._rate_from = (now_s, counted)

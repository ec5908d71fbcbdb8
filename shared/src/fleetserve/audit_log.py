"""Who did what that can't be undone: a file of its own, which no route deletes."""

from datetime import UTC, datetime
from pathlib import Path

import orjson

from fleetserve.clock import Clock
from fleetserve.log_file import LogFile

AUDIT_FILE = "audit"
FILE_BYTES = 50 * 1024 * 1024
FILES_KEPT = 20


class AuditLog:
    """Appends one JSON line per act; safe from any thread."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._file = LogFile(folder, AUDIT_FILE, max_bytes=FILE_BYTES, keep=FILES_KEPT)
        self._clock = clock

    def write(self, act: str, *, principal: str, request_id: str, **details: object) -> None:
        """``act`` is a past-tense event, such as ``log.cleared``."""
        at = datetime.fromtimestamp(self._clock.now_s(), UTC).isoformat(timespec="milliseconds")
        line = {
            "ts": at,
            "level": "info",
            "event": act,
            "principal": principal or "anonymous",
            "request_id": request_id,
            **details,
        }
        self._file.write(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        self._file.close()

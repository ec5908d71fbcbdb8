"""What was asked and what was sent, so that a test can say that no byte was fetched twice."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from threading import Lock


@dataclass(slots=True)
class RequestRecord:
    """One request.

    where: api, resolve or cdn.
    file: the path inside the repository, empty for an API call.
    start: offset in the file of the first byte sent, None where no file bytes were sent.
    bytes_sent: body bytes handed to the socket; after a client's death up to its socket's buffers
        more than it got. A cut made by the server delivers exactly this many.
    complete: the answer was sent to its end.
    authorized: an Authorization header came along (none may reach the CDN).
    """

    number: int
    method: str
    where: str
    path: str
    repo: str = ""
    file: str = ""
    range: str | None = None
    if_match: str | None = None
    status: int = 0
    start: int | None = None
    bytes_sent: int = 0
    complete: bool = False
    authorized: bool = False
    user_agent: str = ""


@dataclass(slots=True)
class RequestLog:
    """All requests in order; safe to read from another thread."""

    _records: list[RequestRecord] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, record: RequestRecord) -> RequestRecord:
        with self._lock:
            record.number = len(self._records)
            self._records.append(record)
        return record

    def clear(self) -> None:
        with self._lock:
            self._records.clear()

    def all(self) -> list[RequestRecord]:
        with self._lock:
            return list(self._records)

    def as_json(self) -> list[dict[str, object]]:
        return [asdict(record) for record in self.all()]

    def bodies(self, file: str) -> list[RequestRecord]:
        """The requests that were answered with bytes of that file (path inside its repository)."""
        return [r for r in self.all() if r.file == file and r.start is not None]

    def bytes_sent(self, file: str) -> int:
        return sum(record.bytes_sent for record in self.bodies(file))

    def bytes_sent_twice(self, file: str) -> int:
        """Count the bytes of the file that went out more than once (each repeat counts)."""
        spans = ((r.start or 0, (r.start or 0) + r.bytes_sent) for r in self.bodies(file))
        return repeated_length(spans)


def repeated_length(spans: Iterable[tuple[int, int]]) -> int:
    """Sum of the lengths minus the length of the union.

    Args:
        spans: (start, end) with end exclusive, in any order.
    """
    total = union = reached = 0
    for start, end in sorted(spans):
        total += end - start
        union += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total - union

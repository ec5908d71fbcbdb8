"""One line per request: method, route, principal, status, bytes, milliseconds; never bodies."""

from datetime import UTC, datetime

import msgspec

from fleetserve.clock import Clock
from fleetserve.log_file import LogSink

_encode = msgspec.json.Encoder().encode


class RequestLine(msgspec.Struct):
    ts: str
    level: str
    event: str
    service: str
    replica: str
    request_id: str
    method: str
    route: str
    status: int
    bytes_out: int
    ms: float
    principal: str
    model: str
    upstream: str
    attempts: int


class RequestLog:
    """Writes request lines through the sink's gathering path (about 2 µs a line)."""

    def __init__(self, sink: LogSink, service: str, replica: str, clock: Clock) -> None:
        self._sink = sink
        self._service = service
        self._replica = replica
        self._clock = clock
        self._second = 0
        self._stamp = ""

    def write(
        self,
        *,
        request_id: str,
        method: str,
        route: str,
        status: int,
        bytes_out: int,
        seconds: float,
        principal: str = "",
        model: str = "",
        upstream: str = "",
        attempts: int = 0,
    ) -> None:
        line = RequestLine(
            ts=self._timestamp(),
            level="info",
            event="request.completed",
            service=self._service,
            replica=self._replica,
            request_id=request_id,
            method=method,
            route=route,
            status=status,
            bytes_out=bytes_out,
            ms=round(seconds * 1000, 3),
            principal=principal,
            model=model,
            upstream=upstream,
            attempts=attempts,
        )
        self._sink.write_soon(_encode(line) + b"\n")

    def _timestamp(self) -> str:
        """ISO time to the millisecond; the part up to the second is made once a second."""
        now_s = self._clock.now_s()
        second = int(now_s)
        if second != self._second:
            self._second = second
            self._stamp = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._stamp}.{int((now_s - second) * 1000):03d}+00:00"

    def flush(self) -> None:
        self._sink.flush()

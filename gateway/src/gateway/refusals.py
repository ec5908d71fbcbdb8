"""Answers to those who don't come in: logged and counted like any other answer."""

from fleetserve.asgi import Message, Scope, Send, send_error
from fleetserve.clock import Clock
from fleetserve.errors import FleetError
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.request_ids import request_id_of
from fleetserve.request_log import RequestLog

# In the metrics one route for all: any caller can make up paths, and each would be a series.
ROUTE = "refused"
LONGEST_PATH = 200


class Refusals:
    """Event loop only."""

    def __init__(self, log: RequestLog, metrics: RequestMetrics, clock: Clock) -> None:
        self._log = log
        self._metrics = metrics
        self._clock = clock

    def now_s(self) -> float:
        return self._clock.monotonic_s()

    async def answer(self, scope: Scope, send: Send, exc: FleetError, begin_s: float) -> None:
        request_id = request_id_of(scope)
        seconds = self._clock.monotonic_s() - begin_s
        size = 0

        async def timed(message: Message) -> None:
            nonlocal size
            if message["type"] == "http.response.start":
                stamp = (b"x-process-time", b"%.6f" % seconds)
                message["headers"] = [*message["headers"], stamp]
            else:
                size += len(message.get("body", b""))
            await send(message)

        status = await send_error(timed, exc, request_id, scope["path"])
        self._metrics.record(ROUTE, status, seconds)
        self._log.write(
            request_id=request_id,
            method=scope["method"],
            route=scope["path"][:LONGEST_PATH],
            status=status,
            bytes_out=size,
            seconds=seconds,
        )

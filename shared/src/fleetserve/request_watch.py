"""Notices clients that left and deadlines that passed, at no cost to requests that are quick.

A task per request that waits for the disconnect costs more than the rest of a data plane, a
timer per request 7 µs, and most answers are out before either could have seen anything. So one
timer looks at what is in flight each period, and only what has been there for a whole period
gets a listener of its own.
"""

import asyncio
from contextlib import suppress

from fleetserve.asgi import ClientGoneError, Receive
from fleetserve.clock import Clock
from fleetserve.errors import DeadlineError, RequestTimeoutError

PERIOD_S = 0.05

DropReason = DeadlineError | RequestTimeoutError | ClientGoneError


class Flight:
    """A request on its way, on the clock of its watch.

    Attributes:
        receive: Set once the body is there: from then on it can only tell of a disconnect.
        arriving: The deadline is for the next part of the body.
        dropped: Why the task was cancelled; None: it was not, or not by the watch.
    """

    __slots__ = (
        "arriving", "begin_s", "deadline_s", "dropped", "listener", "receive", "task",
    )  # fmt: skip

    def __init__(self, task: "asyncio.Task[object]", begin_s: float, deadline_s: float) -> None:
        self.task = task
        self.begin_s = begin_s
        self.deadline_s = deadline_s
        self.receive: Receive | None = None
        self.listener: asyncio.Task[None] | None = None
        self.arriving = False
        self.dropped: DropReason | None = None

    def drop(self, reason: DropReason) -> None:
        """Cancels the work; what waits in a queue sees its future cancelled."""
        if self.dropped is None:
            self.dropped = reason
            self.task.cancel()


class RequestWatch:
    """Event loop only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._flights: set[Flight] = set()
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, flight: Flight) -> None:
        self._flights.add(flight)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._tick)

    def leave(self, flight: Flight) -> None:
        self._flights.discard(flight)
        if flight.listener is not None:
            flight.listener.cancel()

    def sweep(self) -> None:
        """Drops what is over its deadline; listens to what has been here for a period."""
        now_s = self._clock.monotonic_s()
        for flight in list(self._flights):
            if now_s >= flight.deadline_s:
                flight.drop(_too_late(flight))
            elif (
                flight.listener is None
                and flight.receive is not None
                and now_s - flight.begin_s >= PERIOD_S
            ):
                flight.listener = asyncio.create_task(self._listen(flight, flight.receive))

    def _tick(self) -> None:
        self._timer = None
        if self._flights:
            self.sweep()
            self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._tick)

    async def _listen(self, flight: Flight, receive: Receive) -> None:
        with suppress(asyncio.CancelledError):
            # At most one empty end of the body may still come before it.
            for _ in range(2):
                if (await receive())["type"] == "http.disconnect":
                    break
            else:
                return
            # A server tells of the end of the answer in the same way as of a client that left.
            if flight in self._flights:
                flight.drop(ClientGoneError())


def _too_late(flight: Flight) -> DeadlineError | RequestTimeoutError:
    given_s = flight.deadline_s - flight.begin_s
    if flight.arriving:
        return RequestTimeoutError(
            f"The rest of the body did not come within {given_s:.3g} s; server.body_timeout_s sets "
            "how long each 64 KiB may take."
        )
    return DeadlineError(f"No answer within the {given_s:.3g} s there were; `timeout` allows more.")

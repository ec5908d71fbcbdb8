"""Server-sent events of a replica: how one is written, and how a stream of them ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

import structlog

from fleetserve.clock import Clock
from fleetserve.error_shapes import body_for, is_openai
from fleetserve.errors import DeadlineError, FleetError, as_fleet_error
from fleetserve.replica.exchange import ReplicaRequest, json_bytes

log = structlog.get_logger(__name__)

T = TypeVar("T")

EVENTS = "text/event-stream"
EVENT_HEADERS = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
GRACE_S = 1.0  # So long after the deadline the last event can still be written.


def event_bytes(name: str, content: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), json_bytes(content))


def data_bytes(content: object) -> bytes:
    """An event without a name."""
    return b"data: %s\n\n" % json_bytes(content)


async def end_with_error(
    request: ReplicaRequest, events: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """The same events; what fails before the first is raised, what fails later is the last.

    Its shape is that of the route's protocol.
    """
    begun = False
    try:
        async for event in events:
            if not begun and request.flight is not None:
                request.flight.deadline_s += GRACE_S
            begun = True
            yield event
    except Exception as exc:
        if not begun:
            raise
        if not isinstance(exc, FleetError):
            log.exception("request.failed", request_id=request.request_id)
        yield _error_event(request, as_fleet_error(exc))
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


def _error_event(request: ReplicaRequest, error: FleetError) -> bytes:
    """OpenAI's clients know an error by its body; to others an event's name tells it."""
    body = body_for(request.path, error, request.request_id)
    return data_bytes(body) if is_openai(request.path) else event_bytes("error", body)


async def in_time(
    items: AsyncIterator[T], deadline_s: float, clock: Clock, late: str
) -> AsyncIterator[T]:
    """The items; DeadlineError with the text ``late`` at the deadline, in the middle of a wait."""
    while True:
        try:
            async with asyncio.timeout(deadline_s - clock.monotonic_s()):
                item = await anext(items)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise DeadlineError(late) from None
        yield item

"""A transcript while it is made, as server-sent events.

segment   one that is finished, as in the answer
progress  after each chunk: 0 to 1 of the recording
done      the whole answer; of a format that is no JSON its text in `content`
error     what failed after the first event, in API.md's shape
"""

from collections.abc import AsyncIterator

import structlog

from audio_svc.api.transcribe_body import ResponseFormat
from audio_svc.api.transcript_formats import json_content, render, segment_content
from audio_svc.listener import Hearing, HearingAsk, Listener
from audio_svc.listening import Heard
from fleetserve.errors import FleetError, as_fleet_error, error_body
from fleetserve.replica.exchange import JSON_CONTENT, ReplicaRequest, json_bytes

log = structlog.get_logger(__name__)

EVENTS = "text/event-stream"
EVENT_HEADERS = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
GRACE_S = 1.0  # So long after the deadline the last event can still be written.


async def transcript_events(
    request: ReplicaRequest, listener: Listener, ask: HearingAsk, wanted: ResponseFormat
) -> AsyncIterator[bytes]:
    """What fails before the first event is raised, what fails later is the last event.

    Closing it ends the work.
    """
    begun = False
    try:
        async with listener.open(ask) as opened:
            async for heard in opened:
                if not begun and request.flight is not None:
                    request.flight.deadline_s += GRACE_S
                begun = True
                yield _heard(heard, opened.duration_s)
            yield _event("done", _done(opened.finish(), wanted))
    except Exception as exc:
        if not begun:
            raise
        if not isinstance(exc, FleetError):
            log.exception("request.failed", request_id=request.request_id)
        yield _event("error", error_body(as_fleet_error(exc), request.request_id))


def _heard(heard: Heard, duration_s: float) -> bytes:
    progress = {"progress": round(min(1.0, heard.until_s / duration_s), 4)}
    events = [_event("segment", segment_content(one)) for one in heard.segments]
    return b"".join([*events, _event("progress", progress)])


def _done(hearing: Hearing, wanted: ResponseFormat) -> object:
    raw, media = render(hearing, wanted)
    if media == JSON_CONTENT:
        return json_content(hearing, wanted)
    return {"content_type": media, "content": raw.decode()}


def _event(name: str, content: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), json_bytes(content))

"""A transcript while it is made, as server-sent events.

segment   one that is finished, as in the answer
progress  after each chunk: 0 to 1 of the recording
done      the whole answer; of a format that is no JSON its text in `content`
error     what failed after the first event, in API.md's shape
"""

from collections.abc import AsyncIterator

from audio_svc.api.transcribe_body import ResponseFormat
from audio_svc.api.transcript_formats import json_content, render, segment_content
from audio_svc.listener import Hearing, HearingAsk, Listener
from audio_svc.listening import Heard
from fleetserve.replica.event_stream import end_with_error, event_bytes
from fleetserve.replica.exchange import JSON_CONTENT, ReplicaRequest


def transcript_events(
    request: ReplicaRequest, listener: Listener, ask: HearingAsk, wanted: ResponseFormat
) -> AsyncIterator[bytes]:
    """What fails before the first event is raised, what fails later is the last event.

    Closing it ends the work.
    """
    return end_with_error(request, _events(listener, ask, wanted))


async def _events(
    listener: Listener, ask: HearingAsk, wanted: ResponseFormat
) -> AsyncIterator[bytes]:
    async with listener.open(ask) as opened:
        async for heard in opened:
            yield _heard(heard, opened.duration_s)
        yield event_bytes("done", _done(opened.finish(), wanted))


def _heard(heard: Heard, duration_s: float) -> bytes:
    progress = {"progress": round(min(1.0, heard.until_s / duration_s), 4)}
    events = [event_bytes("segment", segment_content(one)) for one in heard.segments]
    return b"".join([*events, event_bytes("progress", progress)])


def _done(hearing: Hearing, wanted: ResponseFormat) -> object:
    raw, media = render(hearing, wanted)
    if media == JSON_CONTENT:
        return json_content(hearing, wanted)
    return {"content_type": media, "content": raw.decode()}

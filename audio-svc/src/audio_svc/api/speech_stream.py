"""Answers whose sound is sent while it is made: as the file's bytes, or as events.

The events are those of OpenAI's speech API with more fields, so that either kind of client
can read them.
"""

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from typing import Any

from audio_svc.api.speech_content import content_of, sound_headers
from audio_svc.open_speech import OpenSpeech
from fleetserve.replica.event_stream import EVENT_HEADERS, EVENTS, end_with_error, event_bytes
from fleetserve.replica.exchange import Answer, ReplicaRequest

DELTA = "speech.audio.delta"
DONE = "speech.audio.done"


def stream_audio(opened: OpenSpeech, said: Sequence[str] = ()) -> Answer:
    """The file, chunk by chunk; ``said`` are warnings of the route's own."""
    return Answer(
        opened,
        content_type=opened.plan.order.audio_format.media_type,
        headers=(*EVENT_HEADERS, *sound_headers(opened.plan, (*opened.plan.warnings, *said))),
        model=opened.model,
    )


def stream_events(
    request: ReplicaRequest, opened: OpenSpeech, said: Sequence[str] = (), *, with_times: bool
) -> Answer:
    """The same chunks as base64, and at the end what the JSON answer tells."""
    events = end_with_error(request, _events(opened, said, with_times=with_times))
    headers = (*EVENT_HEADERS, *sound_headers(opened.plan, (*opened.plan.warnings, *said)))
    return Answer(events, content_type=EVENTS, headers=headers, model=opened.model)


async def _events(
    opened: OpenSpeech, said: Sequence[str], *, with_times: bool
) -> AsyncIterator[bytes]:
    try:
        async for chunk in opened:
            audio = b64encode(chunk).decode("ascii")
            yield event_bytes(DELTA, {"type": DELTA, "audio": audio})
        last = _last(opened, with_times=with_times)
        last["warnings"] += said
        yield event_bytes(DONE, last)
    finally:
        await opened.aclose()


def _last(opened: OpenSpeech, *, with_times: bool) -> dict[str, Any]:
    speech = opened.told()
    content = content_of(speech, with_times=with_times)
    del content["audio_data"]
    timing = speech.timing
    return {
        "type": DONE,
        **content,
        "usage": {
            "input_characters": len(opened.plan.order.text),
            "audio_seconds": content["duration"],
        },
        "timings": {
            "first_audio_ms": round((opened.first_audio_s or 0.0) * 1000, 3),
            "queue_ms": round(timing.queue_ms or 0.0, 3),
            "batch_ms": round(timing.batch_ms or 0.0, 3),
            "compute_ms": round(timing.compute_ms or 0.0, 3),
            "encode_ms": round(timing.encode_ms or 0.0, 3),
        },
    }

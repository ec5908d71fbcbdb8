"""A transcript in OpenAI's shapes."""

from collections.abc import Collection
from typing import Any

from audio_svc.api.transcribe_body import Granularity, ResponseFormat
from audio_svc.api.transcript_formats import render as render_native
from audio_svc.api.transcript_formats import told_word
from audio_svc.language_names import language_name
from audio_svc.listener import Hearing
from audio_svc.transcription.base import Segment, SpeechTask, compression_ratio
from fleetserve.replica.exchange import JSON_CONTENT, json_bytes

FRAMES_PER_SECOND = 100  # Whisper's own: seek counts its spectrogram's frames.


def render(
    hearing: Hearing, wanted: ResponseFormat, times: Collection[Granularity]
) -> tuple[bytes, str]:
    """The body and its media type; ``times`` are what verbose_json tells."""
    match wanted:
        case ResponseFormat.JSON:
            return json_bytes(_plain(hearing)), JSON_CONTENT
        case ResponseFormat.VERBOSE_JSON:
            return json_bytes(_verbose(hearing, times)), JSON_CONTENT
        case _:
            return render_native(hearing, wanted)


def _plain(hearing: Hearing) -> dict[str, Any]:
    return {"text": hearing.transcript.text, "usage": _usage(hearing)}


def _verbose(hearing: Hearing, times: Collection[Granularity]) -> dict[str, Any]:
    """The language is that of the text: what was translated is English."""
    segments, task = hearing.transcript.segments, hearing.options.task
    translated = task is SpeechTask.TRANSLATE
    content: dict[str, Any] = {
        "task": task,
        "language": language_name("en" if translated else hearing.transcript.language),
        "duration": round(hearing.duration_s, 6),
        "text": hearing.transcript.text,
    }
    if Granularity.SEGMENT in times:
        content["segments"] = [_segment(n, one) for n, one in enumerate(segments)]
    if Granularity.WORD in times:
        content["words"] = [told_word(word) for one in segments for word in one.words]
    return content | {"usage": _usage(hearing)}


def _segment(number: int, segment: Segment) -> dict[str, Any]:
    """``no_speech_prob`` is null: silence is found before the model is asked."""
    return {
        "id": number,
        "seek": int(segment.start_s * FRAMES_PER_SECOND),
        "start": round(segment.start_s, 3),
        "end": round(segment.end_s, 3),
        "text": segment.text,
        "tokens": list(segment.tokens),
        "temperature": segment.temperature,
        "avg_logprob": round(segment.avg_logprob, 6),
        "compression_ratio": round(compression_ratio(segment.text), 4),
        "no_speech_prob": None,
    }


def _usage(hearing: Hearing) -> dict[str, Any]:
    return {"type": "duration", "seconds": round(hearing.duration_s, 3)}

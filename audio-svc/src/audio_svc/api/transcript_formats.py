"""A transcript in the five formats of API.md."""

from typing import Any

from audio_svc.api.transcribe_body import ResponseFormat
from audio_svc.listener import Hearing
from audio_svc.served import source_of
from audio_svc.subtitles import to_srt, to_vtt
from audio_svc.transcription.base import Segment, Word, compression_ratio
from fleetserve.replica.exchange import JSON_CONTENT, json_bytes


def render(hearing: Hearing, wanted: ResponseFormat) -> tuple[bytes, str]:
    """The body and its media type."""
    transcript = hearing.transcript
    match wanted:
        case ResponseFormat.TEXT:
            return (transcript.text + "\n").encode(), "text/plain; charset=utf-8"
        case ResponseFormat.SRT:
            return to_srt(transcript.segments).encode(), "application/x-subrip; charset=utf-8"
        case ResponseFormat.VTT:
            return to_vtt(transcript.segments).encode(), "text/vtt; charset=utf-8"
        case _:
            return json_bytes(json_content(hearing, wanted)), JSON_CONTENT


def json_content(hearing: Hearing, wanted: ResponseFormat) -> dict[str, Any]:
    """The JSON answer; a text format's too, for routes that answer nothing but JSON."""
    if wanted is ResponseFormat.VERBOSE_JSON:
        return verbose_content(hearing)
    return content(hearing)


def content(hearing: Hearing) -> dict[str, Any]:
    """API.md's answer."""
    transcript = hearing.transcript
    return {
        "success": True,
        "text": transcript.text,
        "segments": [segment_content(one) for one in transcript.segments],
        "language": transcript.language,
        "confidence": round(transcript.confidence, 6),
        "duration": round(hearing.duration_s, 6),
        "processing_time": round(hearing.processing_s, 6),
        "model_info": {
            "model": hearing.spec.name,
            "model_name": hearing.spec.name,
            "actual_model": source_of(hearing.spec),
            "task": hearing.spec.task,
            "revision": hearing.spec.revision,
            "device": hearing.device,
        },
        "warnings": list(transcript.warnings),
    }


def verbose_content(hearing: Hearing) -> dict[str, Any]:
    """The same with what clients of OpenAI's verbose_json look for."""
    segments = hearing.transcript.segments
    plain = content(hearing)
    plain["task"] = hearing.options.task
    plain["segments"] = [
        segment_content(one)
        | {
            "id": number,
            "tokens": list(one.tokens),
            "temperature": one.temperature,
            "avg_logprob": round(one.avg_logprob, 6),
            "compression_ratio": round(compression_ratio(one.text), 4),
        }
        for number, one in enumerate(segments)
    ]
    plain["language_probability"] = segments[0].language_probability if segments else None
    if hearing.options.words:
        plain["words"] = [told_word(word) for one in segments for word in one.words]
    return plain


def segment_content(segment: Segment) -> dict[str, Any]:
    """One segment as the JSON formats tell it."""
    return {
        "start": round(segment.start_s, 3),
        "end": round(segment.end_s, 3),
        "text": segment.text.strip(),
        "confidence": round(segment.confidence, 6),
        "words": [told_word(word) for word in segment.words],
    }


def told_word(word: Word) -> dict[str, Any]:
    return {"word": word.word, "start": round(word.start_s, 3), "end": round(word.end_s, 3)}

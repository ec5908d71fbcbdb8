"""What an answer tells of speech, as JSON or as headers."""

from collections.abc import Sequence
from typing import Any

from audio_svc.served import source_of
from audio_svc.speaker import Speech
from audio_svc.speaking import SentenceTime, SpeechPlan
from fleetserve.replica.exchange import Answer

OWN_EMBEDDING = "speaker_embedding"


def content_of(speech: Speech, *, with_times: bool) -> dict[str, Any]:
    """API.md's answer."""
    duration_s, plan, name = speech.file.duration_s, speech.plan, speech.spec.name
    content: dict[str, Any] = {
        "success": True,
        "audio_data": speech.base64,
        "audio_format": plan.order.audio_format.name,
        "duration": round(duration_s, 6),
        "sample_rate": plan.rate_hz,
        "channels": 1,
        "processing_time": round(speech.processing_s, 6),
        "real_time_factor": round(speech.processing_s / duration_s, 6),
        "model_info": {
            "model": name,
            "model_name": name,
            "actual_model": source_of(speech.spec),
            "task": speech.spec.task,
            "revision": speech.spec.revision,
            "voice": _voice_of(plan),
            "language": plan.language,
            "device": speech.device,
        },
        "warnings": list(speech.warnings),
    }
    if with_times:
        content["timestamps"] = [_told_time(one) for one in speech.file.times]
    return content


def _told_time(time: SentenceTime) -> dict[str, Any]:
    return {
        "text": time.text,
        "start": round(time.start_s, 3),
        "end": round(time.end_s, 3),
        "words": [
            {"word": one.word, "start": round(one.start_s, 3), "end": round(one.end_s, 3)}
            for one in time.words
        ],
    }


def _voice_of(plan: SpeechPlan) -> str:
    if plan.order.own_voice is not None:
        return plan.order.own_voice
    return plan.voice if plan.order.embedding is None else OWN_EMBEDDING


def file_answer(speech: Speech) -> Answer:
    """The file itself; what JSON would tell stands in headers."""
    plan = speech.plan
    audio_format = plan.order.audio_format
    name = f"speech.{'ogg' if audio_format.name == 'opus' else audio_format.name}"
    headers = (
        (b"content-disposition", f'inline; filename="{name}"'.encode()),
        (b"x-audio-duration", f"{speech.file.duration_s:.6f}".encode()),
        *sound_headers(plan, speech.warnings),
    )
    return Answer(
        speech.file.data,
        content_type=audio_format.media_type,
        headers=headers,
        timing=speech.timing,
        model=speech.spec.name,
    )


def sound_headers(plan: SpeechPlan, warnings: Sequence[str]) -> tuple[tuple[bytes, bytes], ...]:
    """What is known before the sound is made."""
    return (
        (b"x-audio-sample-rate", str(plan.rate_hz).encode()),
        (b"x-audio-channels", b"1"),
        *((b"x-audio-warning", warning.encode("ascii", "replace")) for warning in warnings),
    )

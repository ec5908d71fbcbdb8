"""POST /synthesize: text to a sound file."""

from typing import Any

from audio_svc.api.accept import choose_format, wanted_audio
from audio_svc.api.reading import check_fields, is_json, read_json, refuse_media
from audio_svc.api.routing import model_name_of, priority_of
from audio_svc.api.synthesize_body import SynthesizeBody, find_format
from audio_svc.served import source_of
from audio_svc.speaker import Speaker, Speech, SpeechAsk
from fleetserve.errors import PayloadTooLargeError
from fleetserve.replica.exchange import Answer, ReplicaRequest, json_bytes

MAX_BODY_BYTES = 1 << 20  # Parsed on the event loop, so it has to stay small.
OWN_EMBEDDING = "speaker_embedding"


class SynthesizeRoute:
    """The handler of the data plane."""

    def __init__(self, speaker: Speaker, max_chars: int) -> None:
        self._speaker = speaker
        self._max_chars = max_chars

    async def __call__(self, request: ReplicaRequest) -> Answer:
        if not is_json(request.content_type):
            raise refuse_media("/synthesize", request.content_type, "application/json")
        if len(request.body) > MAX_BODY_BYTES:
            raise PayloadTooLargeError(
                f"The body is {len(request.body)} bytes long; no text of {self._max_chars} "
                f"characters needs more than {MAX_BODY_BYTES}."
            )
        body = check_fields(SynthesizeBody, read_json(request.body))
        accept = request.headers.get(b"accept", b"").decode("latin-1")
        as_file, accepted = wanted_audio(accept)
        ask = read_speech(request, body, self._max_chars, accepted=accepted, as_file=as_file)
        speech = await self._speaker.speak(ask)
        if as_file:
            return file_answer(speech)
        content = json_bytes(content_of(speech, with_times=body.return_timestamps))
        return Answer(content, timing=speech.timing, model=speech.spec.name)


def read_speech(
    request: ReplicaRequest,
    body: SynthesizeBody,
    max_chars: int,
    *,
    accepted: str | None = None,
    as_file: bool = False,
) -> SpeechAsk:
    """What a request asks for; the gateway's headers win over the body's fields.

    Raises: PayloadTooLargeError, InvalidFieldError, NotAcceptableError: what is wrong with it.
    """
    if body.timeout is not None:
        request.limit_time(body.timeout)
    asked = None if body.output_format is None else find_format(body.output_format)
    return SpeechAsk(
        model=model_name_of(request, body),
        order=body.order(choose_format(asked, accepted), max_chars),
        priority=priority_of(request, body),
        received_s=request.received_s,
        base64=not as_file,
    )


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
            "voice": plan.voice if plan.order.embedding is None else OWN_EMBEDDING,
            "language": plan.language,
            "device": speech.device,
        },
        "warnings": list(speech.warnings),
    }
    if with_times:
        content["timestamps"] = [
            {"text": one.text, "start": round(one.start_s, 3), "end": round(one.end_s, 3)}
            for one in speech.file.times
        ]
    return content


def file_answer(speech: Speech) -> Answer:
    """The file itself; what JSON would tell stands in headers."""
    plan = speech.plan
    audio_format = plan.order.audio_format
    name = f"speech.{'ogg' if audio_format.name == 'opus' else audio_format.name}"
    headers = [
        (b"content-disposition", f'inline; filename="{name}"'.encode()),
        (b"x-audio-duration", f"{speech.file.duration_s:.6f}".encode()),
        (b"x-audio-sample-rate", str(plan.rate_hz).encode()),
        (b"x-audio-channels", b"1"),
    ]
    headers += [
        (b"x-audio-warning", warning.encode("ascii", "replace")) for warning in speech.warnings
    ]
    return Answer(
        speech.file.data,
        content_type=audio_format.media_type,
        headers=tuple(headers),
        timing=speech.timing,
        model=speech.spec.name,
    )

"""POST /transcribe: a sound file to text."""

import asyncio
from concurrent.futures import Executor

from audio_svc.api.reading import check_fields, is_json, media_type, read_json, refuse_media
from audio_svc.api.routing import model_name_of, priority_of
from audio_svc.api.transcribe_body import (
    FILE_FIELD,
    TranscribeBody,
    fields_of_form,
    file_of_form,
)
from audio_svc.api.transcript_events import transcript_events
from audio_svc.api.transcript_formats import render
from audio_svc.audio.sound_files import SoundFile
from audio_svc.listener import HearingAsk, Listener
from fleetserve.embedded_files import decode_file
from fleetserve.errors import InvalidFieldError
from fleetserve.multipart import read_form
from fleetserve.replica.event_stream import EVENT_HEADERS, EVENTS
from fleetserve.replica.exchange import Answer, ReplicaRequest

FORM = "multipart/form-data"


class TranscribeRoute:
    """The handler of the data plane; ``heavy`` parses, since recordings are large."""

    def __init__(self, listener: Listener, heavy: Executor) -> None:
        self._listener = listener
        self._heavy = heavy

    async def __call__(self, request: ReplicaRequest) -> Answer:
        loop = asyncio.get_running_loop()
        body, ask = await loop.run_in_executor(self._heavy, read_request, request)
        if body.stream or media_type(_accept(request)) == EVENTS:
            events = transcript_events(request, self._listener, ask, body.response_format)
            return Answer(events, content_type=EVENTS, headers=EVENT_HEADERS, model=ask.model)
        hearing = await self._listener.hear(ask)
        raw, media = render(hearing, body.response_format)
        return Answer(raw, content_type=media, timing=hearing.timing, model=hearing.spec.name)


def _accept(request: ReplicaRequest) -> str:
    return request.headers.get(b"accept", b"").decode("latin-1")


def read_request(request: ReplicaRequest) -> tuple[TranscribeBody, HearingAsk]:
    """The checked fields and what they ask for.

    Raises: UnsupportedMediaError, BadRequestError, InvalidFieldError: what is wrong with it.
    """
    if media_type(request.content_type) == FORM:
        form = read_form(request.file or request.body, request.content_type)
        data = file_of_form(form)
        body = check_fields(TranscribeBody, fields_of_form(form))
        if body.inputs is not None:
            raise InvalidFieldError("inputs", "a form carries its sound in the field 'file'")
        return body, read_hearing(request, body, data, FILE_FIELD)
    if not is_json(request.content_type):
        raise refuse_media("/transcribe", request.content_type, f"{FORM} or application/json")
    body = check_fields(TranscribeBody, read_json(request.whole_body()))
    return body, read_inputs(request, body)


def read_inputs(request: ReplicaRequest, body: TranscribeBody) -> HearingAsk:
    """Raises: InvalidFieldError: there is no sound in the JSON."""
    if body.inputs is None:
        raise InvalidFieldError("inputs", "is missing: the sound file as base64 or data URL")
    return read_hearing(request, body, decode_file(body.inputs), "inputs")


def read_hearing(
    request: ReplicaRequest, body: TranscribeBody, data: SoundFile, field: str
) -> HearingAsk:
    """What a request asks for; the gateway's headers win over the body's fields."""
    if body.timeout is not None:
        request.limit_time(body.timeout)
    return HearingAsk(
        model=model_name_of(request, body),
        data=data,
        field=field,
        language=body.language,
        options=body.options(),
        gate=body.vad,
        priority=priority_of(request, body),
        received_s=request.received_s,
    )

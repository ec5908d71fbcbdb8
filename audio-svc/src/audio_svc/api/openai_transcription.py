"""POST /v1/audio/transcriptions and /v1/audio/translations: sound to text for OpenAI's clients."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor

from audio_svc.api.openai_transcript_formats import render
from audio_svc.api.openai_transcription_body import TranslationForm
from audio_svc.api.reading import check_fields, media_type, refuse_media
from audio_svc.api.transcribe import FORM, read_hearing
from audio_svc.api.transcribe_body import FILE_FIELD, fields_of_form, file_of_form
from audio_svc.listener import HearingAsk, Listener
from fleetserve.multipart import read_form
from fleetserve.replica.event_stream import EVENT_HEADERS, EVENTS, end_with_error, event_bytes
from fleetserve.replica.exchange import Answer, ReplicaRequest


class OpenaiTranscriptionRoute:
    """The handler of one of the two routes.

    Args:
        heavy: Parses, since recordings are large.
        form: The route's fields.
    """

    def __init__(self, listener: Listener, heavy: Executor, form: type[TranslationForm]) -> None:
        self._listener = listener
        self._heavy = heavy
        self._form = form

    async def __call__(self, request: ReplicaRequest) -> Answer:
        loop = asyncio.get_running_loop()
        form, ask = await loop.run_in_executor(self._heavy, _read, request, self._form)
        if form.streams:
            events = end_with_error(request, _events(self._listener, ask))
            return Answer(events, content_type=EVENTS, headers=EVENT_HEADERS, model=ask.model)
        hearing = await self._listener.hear(ask)
        raw, media = render(hearing, form.response_format, form.times)
        return Answer(raw, content_type=media, timing=hearing.timing, model=hearing.spec.name)


async def _events(listener: Listener, ask: HearingAsk) -> AsyncIterator[bytes]:
    """OpenAI's events: a delta for each segment as it is heard, then the whole text."""
    begun = False
    async with listener.open(ask) as opened:
        async for heard in opened:
            for segment in heard.segments:
                text = segment.text if begun else segment.text.lstrip()
                begun = True
                yield _event("transcript.text.delta", delta=text)
        yield _event("transcript.text.done", text=opened.finish().transcript.text)


def _event(kind: str, **content: object) -> bytes:
    return event_bytes(kind, {"type": kind, **content})


def _read(
    request: ReplicaRequest, form: type[TranslationForm]
) -> tuple[TranslationForm, HearingAsk]:
    """The checked fields and what they ask for.

    Raises: UnsupportedMediaError, BadRequestError, InvalidFieldError: what is wrong with it.
    """
    if media_type(request.content_type) != FORM:
        raise refuse_media(request.path, request.content_type, f"{FORM} with a {FILE_FIELD}")
    sent = read_form(request.file or request.body, request.content_type)
    data = file_of_form(sent)
    fields = check_fields(form, fields_of_form(sent))
    return fields, read_hearing(request, fields.native(), data, FILE_FIELD)

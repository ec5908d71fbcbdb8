"""POST /v1/audio/transcriptions and /v1/audio/translations: sound to text for OpenAI's clients."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor

from audio_svc.api.openai_transcript_formats import render
from audio_svc.api.openai_transcription_body import TranslationForm
from audio_svc.api.reading import check_fields, media_type, refuse_media
from audio_svc.api.server_sent_events import EVENTS, UNCACHED, event
from audio_svc.api.transcribe import FORM, read_hearing
from audio_svc.api.transcribe_body import FILE_FIELD, fields_of_form, file_of_form
from audio_svc.listener import HearingAsk, Listener
from fleetserve.multipart import read_form
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
            events = transcript_events(self._listener, ask)
            return Answer(events, content_type=EVENTS, headers=UNCACHED, model=ask.model)
        hearing = await self._listener.hear(ask)
        raw, media = render(hearing, form.response_format, form.times)
        return Answer(raw, content_type=media, timing=hearing.timing, model=hearing.spec.name)


async def transcript_events(listener: Listener, ask: HearingAsk) -> AsyncIterator[bytes]:
    """OpenAI's events: a delta for each segment, then the whole text.

    What fails before the first event is raised: the data plane answers it as an error.
    """
    transcript = (await listener.hear(ask)).transcript
    for number, segment in enumerate(transcript.segments):
        text = segment.text if number else segment.text.lstrip()
        yield event({"type": "transcript.text.delta", "delta": text})
    yield event({"type": "transcript.text.done", "text": transcript.text})


def _read(
    request: ReplicaRequest, form: type[TranslationForm]
) -> tuple[TranslationForm, HearingAsk]:
    """The checked fields and what they ask for.

    Raises: UnsupportedMediaError, BadRequestError, InvalidFieldError: what is wrong with it.
    """
    if media_type(request.content_type) != FORM:
        raise refuse_media(request.path, request.content_type, f"{FORM} with a {FILE_FIELD}")
    sent = read_form(request.body, request.content_type)
    data = file_of_form(sent)
    fields = check_fields(form, fields_of_form(sent))
    return fields, read_hearing(request, fields.native(), data, FILE_FIELD)

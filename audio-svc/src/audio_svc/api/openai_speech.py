"""POST /v1/audio/speech: text to sound as OpenAI's clients ask for it."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace

from audio_svc.api.openai_speech_body import OpenaiSpeechBody, StreamFormat
from audio_svc.api.reading import check_fields, is_json, read_json, refuse_media
from audio_svc.api.server_sent_events import EVENTS, UNCACHED, event
from audio_svc.api.synthesize import MAX_BODY_BYTES, file_answer, read_speech
from audio_svc.served import AudioModel
from audio_svc.speaker import Speaker, Speech
from audio_svc.voice_aliases import VoiceAliases
from fleetserve.errors import PayloadTooLargeError
from fleetserve.replica.exchange import Answer, ReplicaRequest
from fleetserve.replica.pool import ModelPool

WARNING = b"x-audio-warning"
NOT_FOLLOWED = "instructions: no model here can follow them; they changed nothing."
SPOKEN_AS = "voice: {asked!r} is another name of {meant!r} here."


class OpenaiSpeechRoute:
    """The handler of the data plane."""

    def __init__(
        self,
        pool: ModelPool[AudioModel],
        speaker: Speaker,
        aliases: VoiceAliases,
        max_chars: int,
    ) -> None:
        self._pool = pool
        self._speaker = speaker
        self._aliases = aliases
        self._max_chars = max_chars

    async def __call__(self, request: ReplicaRequest) -> Answer:
        body = _read(request)
        native = body.native(self._max_chars)
        ask = read_speech(request, native, self._max_chars, as_file=True)
        voice, warnings = await self._find_voice(ask.model, body)
        ask = replace(ask, order=replace(ask.order, voice=voice, speed=body.speed))
        speech = await self._speaker.speak(ask)
        speech = replace(speech, warnings=(*speech.warnings, *warnings))
        if body.stream_format is StreamFormat.AUDIO:
            return file_answer(speech)
        # What the file's own headers would tell of it.
        told = [pair for pair in file_answer(speech).headers if pair[0] == WARNING]
        return Answer(
            speech_events(speech),
            content_type=EVENTS,
            headers=(*UNCACHED, *told),
            timing=speech.timing,
            model=speech.spec.name,
        )

    async def _find_voice(
        self, model_name: str, body: OpenaiSpeechBody
    ) -> tuple[str | None, tuple[str, ...]]:
        """The model's name for the voice, and what has to be said about what was asked."""
        warnings = (NOT_FOLLOWED,) if body.instructions.strip() else ()
        asked = body.voice_name
        if asked is None:
            return None, warnings
        with await self._pool.get(model_name) as model:
            voices = model.speech.voices() if model.speech is not None else ()
        meant = self._aliases.find(asked, voices)
        if meant == asked:
            return asked, warnings
        return meant, (*warnings, SPOKEN_AS.format(asked=asked, meant=meant))


async def speech_events(speech: Speech) -> AsyncIterator[bytes]:
    """OpenAI's events of ``stream_format`` sse; the file is one piece.

    ``usage`` counts what is measured here: seconds, not tokens.
    """
    sound = b64encode(speech.file.data).decode("ascii")
    yield event({"type": "speech.audio.delta", "audio": sound})
    usage = {"type": "duration", "seconds": round(speech.file.duration_s, 3)}
    yield event({"type": "speech.audio.done", "usage": usage})


def _read(request: ReplicaRequest) -> OpenaiSpeechBody:
    """Raises: UnsupportedMediaError, PayloadTooLargeError, BadRequestError, InvalidFieldError."""
    if not is_json(request.content_type):
        raise refuse_media(request.path, request.content_type, "application/json")
    if len(request.body) > MAX_BODY_BYTES:
        raise PayloadTooLargeError(
            f"The body is {len(request.body)} bytes long; no text that is spoken at once needs "
            f"more than {MAX_BODY_BYTES}."
        )
    return check_fields(OpenaiSpeechBody, read_json(request.body))

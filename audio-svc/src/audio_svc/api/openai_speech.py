"""POST /v1/audio/speech: text to sound as OpenAI's clients ask for it."""

from dataclasses import replace

from audio_svc.api.openai_speech_body import OpenaiSpeechBody
from audio_svc.api.reading import check_fields, is_json, read_json, refuse_media
from audio_svc.api.speech_content import file_answer
from audio_svc.api.speech_stream import stream_audio, stream_events
from audio_svc.api.synthesize import MAX_BODY_BYTES, read_speech
from audio_svc.api.synthesize_body import StreamFormat, SynthesizeBody
from audio_svc.audio.encoding import FORMATS
from audio_svc.audio.stream_encoding import can_stream
from audio_svc.open_speech import SpeechStreamer
from audio_svc.served import AudioModel
from audio_svc.speaker import Speaker
from audio_svc.voice_aliases import VoiceAliases
from fleetserve.errors import PayloadTooLargeError
from fleetserve.replica.exchange import Answer, ReplicaRequest
from fleetserve.replica.pool import ModelPool

NOT_FOLLOWED = "instructions: no model here can follow them; they changed nothing."
# Their heads tell how long they are, and a stream's can't: some decoders take it for cut off.
TELL_LENGTH = frozenset({"flac", "wav"})
SPOKEN_AS = "voice: {asked!r} is another name of {meant!r} here."


class OpenaiSpeechRoute:
    """The handler of the data plane."""

    def __init__(
        self,
        pool: ModelPool[AudioModel],
        speaker: Speaker,
        streamer: SpeechStreamer,
        aliases: VoiceAliases,
        max_chars: int,
    ) -> None:
        self._pool = pool
        self._speaker = speaker
        self._streamer = streamer
        self._aliases = aliases
        self._max_chars = max_chars

    async def __call__(self, request: ReplicaRequest) -> Answer:
        body = _read(request)
        native = body.native(self._max_chars)
        streamed = _streamed(body, native)
        ask = read_speech(request, native, self._max_chars, as_file=True, streamed=streamed)
        voice, warnings = await self._find_voice(ask.model, body)
        ask = replace(ask, order=replace(ask.order, voice=voice, speed=body.speed))
        if streamed is None:
            speech = await self._speaker.speak(ask)
            return file_answer(replace(speech, warnings=(*speech.warnings, *warnings)))
        opened = await self._streamer.open(ask)
        if streamed is StreamFormat.SSE:
            return stream_events(request, opened, warnings, with_times=False)
        return stream_audio(opened, warnings)

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


def _streamed(body: OpenaiSpeechBody, native: SynthesizeBody) -> StreamFormat | None:
    """As a stream wherever its first sound can come before its last; None: whole."""
    if body.stream_format is StreamFormat.SSE:
        return StreamFormat.SSE
    whole = native.normalize_lufs is not None or not can_stream(FORMATS[body.response_format])
    return None if whole or body.response_format in TELL_LENGTH else StreamFormat.AUDIO


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

"""POST /synthesize: text to a sound file, whole or while it is made."""

from audio_svc.api.accept import choose_format, wanted_audio, wants_events
from audio_svc.api.reading import check_fields, is_json, read_json, refuse_media
from audio_svc.api.routing import model_name_of, priority_of
from audio_svc.api.speech_content import content_of, file_answer
from audio_svc.api.speech_stream import stream_audio, stream_events
from audio_svc.api.synthesize_body import StreamFormat, SynthesizeBody, find_format
from audio_svc.open_speech import SpeechStreamer
from audio_svc.speaker import Speaker, SpeechAsk
from fleetserve.errors import PayloadTooLargeError
from fleetserve.replica.exchange import Answer, ReplicaRequest, json_bytes

MAX_BODY_BYTES = 1 << 20  # Parsed on the event loop, so it has to stay small.


class SynthesizeRoute:
    """The handler of the data plane."""

    def __init__(self, speaker: Speaker, streamer: SpeechStreamer, max_chars: int) -> None:
        self._speaker = speaker
        self._streamer = streamer
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
        streamed = body.streamed(events_accepted=wants_events(accept))
        if streamed is not None:
            return await self._stream(request, body, streamed, accept)
        as_file, accepted = wanted_audio(accept)
        ask = read_speech(request, body, self._max_chars, accepted=accepted, as_file=as_file)
        speech = await self._speaker.speak(ask)
        if as_file:
            return file_answer(speech)
        content = json_bytes(content_of(speech, with_times=body.return_timestamps))
        return Answer(content, timing=speech.timing, model=speech.spec.name)

    async def _stream(
        self, request: ReplicaRequest, body: SynthesizeBody, streamed: StreamFormat, accept: str
    ) -> Answer:
        _as_file, accepted = wanted_audio(accept)
        ask = read_speech(request, body, self._max_chars, accepted=accepted, streamed=streamed)
        opened = await self._streamer.open(ask)
        if streamed is StreamFormat.SSE:
            return stream_events(request, opened, with_times=body.return_timestamps)
        return stream_audio(opened)


def read_speech(
    request: ReplicaRequest,
    body: SynthesizeBody,
    max_chars: int,
    *,
    accepted: str | None = None,
    as_file: bool = False,
    streamed: StreamFormat | None = None,
) -> SpeechAsk:
    """What a request asks for; the gateway's headers win over the body's fields.

    Raises: PayloadTooLargeError, InvalidFieldError, NotAcceptableError: what is wrong with it.
    """
    if body.timeout is not None:
        request.limit_time(body.timeout)
    asked = None if body.output_format is None else find_format(body.output_format)
    return SpeechAsk(
        model=model_name_of(request, body),
        order=body.order(choose_format(asked, accepted), max_chars, streamed),
        priority=priority_of(request, body),
        received_s=request.received_s,
        base64=not as_file,
        deadline_s=request.deadline_s,
    )

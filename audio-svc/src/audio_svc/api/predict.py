"""POST /predict for audio tasks: the audio route's answer as the result."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from audio_svc.api.reading import check_fields, is_json, media_type, read_json, refuse_media
from audio_svc.api.routing import RoutedBody, model_name_of
from audio_svc.api.speech_content import content_of
from audio_svc.api.synthesize import read_speech
from audio_svc.api.synthesize_body import SynthesizeBody
from audio_svc.api.transcribe import FORM, read_hearing, read_inputs
from audio_svc.api.transcribe_body import (
    FILE_FIELD,
    TranscribeBody,
    fields_of_form,
    file_of_form,
)
from audio_svc.api.transcript_formats import json_content
from audio_svc.audio.sound_files import SoundFile
from audio_svc.listener import Hearing, Listener
from audio_svc.served import AudioModel
from audio_svc.speaker import Speaker, Speech
from fleetserve.clock import Clock
from fleetserve.errors import FleetError, InvalidFieldError
from fleetserve.multipart import read_form
from fleetserve.replica.exchange import Answer, ReplicaRequest, Timing, json_bytes
from fleetserve.replica.pool import ModelPool

MAX_BATCH = 64
STREAMS_ELSEWHERE = "speech streams at POST /synthesize; leave it out"


class PredictBody(RoutedBody):
    """``parameters`` are the fields of the audio route; ``enable_batching`` changes nothing."""

    inputs: str | Annotated[list[str], Field(min_length=1, max_length=MAX_BATCH)] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    enable_batching: bool = True
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """One input's answer and what it was made by."""

    content: dict[str, Any]
    made: Speech | Hearing


class PredictRoute:
    """The handler of the data plane."""

    def __init__(
        self,
        pool: ModelPool[AudioModel],
        speaker: Speaker,
        listener: Listener,
        clock: Clock,
        heavy: Executor,
        *,
        max_chars: int,
        replica_id: str,
    ) -> None:
        self._pool = pool
        self._speaker = speaker
        self._listener = listener
        self._now_s = clock.monotonic_s
        self._heavy = heavy
        self._max_chars = max_chars
        self._replica_id = replica_id

    async def __call__(self, request: ReplicaRequest) -> Answer:
        loop = asyncio.get_running_loop()
        body, file = await loop.run_in_executor(self._heavy, read_predict, request)
        if body.stream:
            raise InvalidFieldError("stream", STREAMS_ELSEWHERE)
        name = model_name_of(request, body)
        cold = self._pool.get_ready(name) is None
        with await self._pool.get(name) as model:
            speaks = model.speech is not None
        if isinstance(body.inputs, list):
            answered = await asyncio.gather(
                *(self._answer_safely(request, body, one, speaks) for one in body.inputs)
            )
            results = [_content(one) for one in answered]
            return self._render(request, answered, results, cold)
        outcome = await self._answer(request, body, body.inputs, file, speaks)
        return self._render(request, [outcome], outcome.content, cold)

    async def _answer_safely(
        self, request: ReplicaRequest, body: PredictBody, one: str, speaks: bool
    ) -> Outcome | FleetError:
        """One of a list: its failure stays its own."""
        try:
            return await self._answer(request, body, one, None, speaks)
        except FleetError as exc:
            return exc

    async def _answer(
        self,
        request: ReplicaRequest,
        body: PredictBody,
        one: str | None,
        file: SoundFile | None,
        speaks: bool,
    ) -> Outcome:
        fields = _fields(body, one)
        if speaks:
            if file is not None:
                raise InvalidFieldError(FILE_FIELD, "this model speaks: send text in inputs")
            wanted = check_fields(SynthesizeBody, fields)
            if wanted.streamed(events_accepted=False) is not None:
                raise InvalidFieldError("stream", STREAMS_ELSEWHERE)
            speech = await self._speaker.speak(read_speech(request, wanted, self._max_chars))
            return Outcome(content_of(speech, with_times=wanted.return_timestamps), speech)
        heard = check_fields(TranscribeBody, fields)
        if heard.stream:
            raise InvalidFieldError("parameters.stream", "POST /transcribe streams; leave it out")
        loop = asyncio.get_running_loop()
        if file is None:
            ask = await loop.run_in_executor(self._heavy, read_inputs, request, heard)
        else:
            ask = read_hearing(request, heard, file, FILE_FIELD)
        hearing = await self._listener.hear(ask)
        return Outcome(json_content(hearing, heard.response_format), hearing)

    def _render(
        self,
        request: ReplicaRequest,
        answered: Sequence[Outcome | FleetError],
        result: object,
        cold: bool,
    ) -> Answer:
        outcomes = [one for one in answered if isinstance(one, Outcome)]
        if not outcomes:
            raise _first_error(answered)
        made = outcomes[0].made
        timing = _joined([one.made.timing for one in outcomes])
        content = {
            "success": True,
            "result": result,
            "processing_time": round(self._now_s() - request.received_s, 6),
            "model_info": {
                "model": made.spec.name,
                "device": made.device,
                "task": made.spec.task,
                "revision": made.spec.revision,
                "dtype": made.dtype,
                "input_type": "batch" if isinstance(result, list) else "single",
                "input_count": len(answered),
            },
            "batch_info": {
                "batch_size": max(_batch_size(one.made) for one in outcomes),
                "queue_ms": round((timing.queue_ms or 0.0) + (timing.batch_ms or 0.0), 3),
                "compute_ms": round(timing.compute_ms or 0.0, 3),
                "padded_fraction": 0.0,
                "cold_start": cold,
                "replica": self._replica_id,
            },
        }
        return Answer(json_bytes(content), timing=timing, model=made.spec.name)


def read_predict(request: ReplicaRequest) -> tuple[PredictBody, SoundFile | None]:
    """The checked fields, and the file of a form.

    Raises: UnsupportedMediaError, BadRequestError, InvalidFieldError: what is wrong with it.
    """
    if media_type(request.content_type) == FORM:
        form = read_form(request.file or request.body, request.content_type)
        file = file_of_form(form)
        fields = fields_of_form(form)
        routed = {key: fields.pop(key) for key in list(fields) if key in _ROUTED}
        return check_fields(PredictBody, routed | {"parameters": fields}), file
    if not is_json(request.content_type):
        raise refuse_media("/predict", request.content_type, f"application/json or {FORM}")
    body = check_fields(PredictBody, read_json(request.whole_body()))
    if body.inputs is None:
        raise InvalidFieldError("inputs", "is missing")
    return body, None


_ROUTED = frozenset({*RoutedBody.model_fields, "model", "enable_batching", "stream"})


def _fields(body: PredictBody, one: str | None) -> dict[str, Any]:
    """The audio route's fields of one input."""
    own: Mapping[str, Any] = {} if one is None else {"inputs": one}
    routed = {"model_name": body.model_name, "priority": body.priority, "timeout": body.timeout}
    return {**body.parameters, **routed, **own}


def _content(answered: Outcome | FleetError) -> dict[str, Any]:
    if isinstance(answered, Outcome):
        return answered.content
    return {"error": answered.detail, "code": answered.code}


def _batch_size(made: Speech | Hearing) -> int:
    return made.batch_size if isinstance(made, Speech) else 1


def _first_error(answered: Sequence[Outcome | FleetError]) -> FleetError:
    """All inputs failed: the first one's reason is the answer's."""
    return next(one for one in answered if isinstance(one, FleetError))


def _joined(timings: list[Timing]) -> Timing:
    """Of several inputs of one request: the longest wait, all of the work."""
    return Timing(
        queue_ms=max(one.queue_ms or 0.0 for one in timings),
        batch_ms=max(one.batch_ms or 0.0 for one in timings),
        compute_ms=sum(one.compute_ms or 0.0 for one in timings),
        encode_ms=sum(one.encode_ms or 0.0 for one in timings),
    )

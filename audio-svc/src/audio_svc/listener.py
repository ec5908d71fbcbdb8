"""Carries out transcriptions: the sound file, the model, the compute thread."""

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass, field

from audio_svc.audio.activity import is_silent
from audio_svc.audio.decoding import decode, to_rate
from audio_svc.listening import Transcript, check_options, listen, make_transcript
from audio_svc.meter import Pace
from audio_svc.served import AudioModel, timing_of, transcription_of
from audio_svc.transcription.base import Samples, Segment, TranscriptionOptions
from fleetserve.clock import Clock
from fleetserve.replica.exchange import Timing
from fleetserve.replica.jobs import JobNote
from fleetserve.replica.models import ModelHandle, ModelSpec
from fleetserve.replica.pool import ModelPool


@dataclass(frozen=True, slots=True)
class HearingAsk:
    """A recording for one model.

    Attributes:
        data: The sound file; field: where it came from, for the errors.
        language: As the caller wrote it.
        gate: Silence is not given to the model.
        received_s: Monotonic.
    """

    model: str
    data: bytes = field(repr=False)
    field: str
    language: str
    options: TranscriptionOptions
    gate: bool
    priority: int
    received_s: float


@dataclass(frozen=True, slots=True)
class Hearing:
    """A finished transcription, with what its answer tells."""

    spec: ModelSpec
    dtype: str
    device: str
    options: TranscriptionOptions
    transcript: Transcript
    duration_s: float
    timing: Timing
    processing_s: float
    cold_start: bool


@dataclass(frozen=True, slots=True)
class _Sound:
    samples: Samples
    duration_s: float
    silent: bool


class Listener:
    """Event loop only; ``heavy`` runs what is done outside the compute thread.

    Args:
        codecs: Files that libsndfile does not read are given to PyAV.
    """

    def __init__(
        self,
        pool: ModelPool[AudioModel],
        clock: Clock,
        heavy: Executor,
        pace: Pace,
        max_seconds: float,
        *,
        codecs: bool = True,
    ) -> None:
        self._pool = pool
        self._now_s = clock.monotonic_s
        self._heavy = heavy
        self._pace = pace
        self._max_seconds = max_seconds
        self._codecs = codecs

    async def hear(self, ask: HearingAsk) -> Hearing:
        """Loads the model if it has to, decodes, listens.

        Raises: what the pool raises for the model; what decode() raises for the file;
        InvalidFieldError: what the model can't do.
        """
        handle = self._pool.get_ready(ask.model)
        cold = handle is None
        if handle is None:
            handle = await self._pool.get(ask.model)
        with handle as model:
            return await self._run(ask, handle, model, cold)

    async def _run(
        self, ask: HearingAsk, handle: ModelHandle[AudioModel], model: AudioModel, cold: bool
    ) -> Hearing:
        engine = transcription_of(model, handle.spec)
        options = check_options(ask.options, ask.language, engine)
        loop = asyncio.get_running_loop()
        sound = await loop.run_in_executor(
            self._heavy, self._open, ask, engine.traits.sample_rate_hz
        )
        silent = ask.gate and sound.silent
        note = JobNote()
        segments: list[Segment] = []
        if not silent:
            segments = await model.jobs.run_steps(
                lambda: listen(engine, sound.samples, options), priority=ask.priority, note=note
            )
        processing_s = self._now_s() - ask.received_s
        self._pace.count(sound.duration_s, processing_s, note.compute_s)
        return Hearing(
            spec=handle.spec,
            dtype=handle.dtype,
            device=model.device,
            options=options,
            transcript=make_transcript(segments, options, silent=silent),
            duration_s=sound.duration_s,
            timing=timing_of(ask.received_s, note),
            processing_s=processing_s,
            cold_start=cold,
        )

    def _open(self, ask: HearingAsk, rate_hz: int) -> _Sound:
        recording = decode(
            ask.data, field=ask.field, max_seconds=self._max_seconds, codecs=self._codecs
        )
        samples = to_rate(recording, rate_hz)
        return _Sound(samples, recording.duration_s, is_silent(samples, rate_hz))

"""Carries out transcriptions: the sound file, the model, the compute thread."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from audio_svc.audio.decoding import at_rate, read_blocks, resample
from audio_svc.audio.recording import Recording
from audio_svc.audio.silero import RATE_HZ
from audio_svc.audio.sound_files import SoundFile
from audio_svc.chunks import Chunk, plan_all, plan_speech, whole
from audio_svc.listening import Heard, Transcript, check_options, listen, make_transcript
from audio_svc.live import LiveHearing
from audio_svc.meter import Pace
from audio_svc.served import AudioModel, timing_of, transcription_of
from audio_svc.tape import Survey, Tape, survey
from audio_svc.transcription.base import (
    Samples,
    Segment,
    TranscriptionEngine,
    TranscriptionOptions,
    TranscriptionTraits,
)
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
        gate: Only the speech is given to the model.
        received_s: Monotonic.
    """

    model: str
    data: SoundFile = field(repr=False)
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
class LiveAsk:
    """A stream of sound for one model, at ``rate_hz``."""

    model: str
    rate_hz: int
    language: str
    options: TranscriptionOptions


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording, and what of it the engine hears; no chunks: nothing."""

    tape: Tape
    duration_s: float
    chunks: list[Chunk]


class OpenHearing:
    """A transcription that goes on: what is heard is read to its end, then ``finish`` is asked.

    Attributes:
        duration_s: Of the recording.
    """

    def __init__(self, duration_s: float, heard: AsyncIterator[Heard], end: "_End") -> None:
        self.duration_s = duration_s
        self._heard = heard
        self._end = end
        self._segments: list[Segment] = []

    async def __aiter__(self) -> AsyncIterator[Heard]:
        """Chunk by chunk."""
        async for heard in self._heard:
            self._segments += heard.segments
            yield heard

    def finish(self) -> Hearing:
        """The whole of it."""
        return self._end(self._segments)


_End = Callable[[Sequence[Segment]], Hearing]


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
        """The finished transcription. Raises: as ``open``."""
        async with self.open(ask) as opened:
            async for _heard in opened:
                pass
            return opened.finish()

    @asynccontextmanager
    async def open(self, ask: HearingAsk) -> AsyncIterator[OpenHearing]:
        """Loads the model if it has to, decodes, listens; leaving ends the work.

        Raises: what the pool raises for the model; what decode() raises for the file;
        InvalidFieldError: what the model can't do.
        """
        handle = self._pool.get_ready(ask.model)
        cold = handle is None
        if handle is None:
            handle = await self._pool.get(ask.model)
        with handle as model:
            engine = transcription_of(model, handle.spec)
            options = check_options(ask.options, ask.language, engine)
            loop = asyncio.get_running_loop()
            sound = await loop.run_in_executor(self._heavy, self._open, ask, engine.traits)
            note = JobNote()
            end = self._ending(ask, handle, model, options, sound, note, cold=cold)
            async with aclosing(_heard(model, engine, sound, options, ask, note)) as heard:
                yield OpenHearing(sound.duration_s, heard, end)

    @asynccontextmanager
    async def live(self, ask: LiveAsk) -> AsyncIterator[LiveHearing]:
        """Hears a stream; the model stays loaded until it is left.

        Raises: what the pool raises for the model; InvalidFieldError: what it can't do.
        """
        handle = self._pool.get_ready(ask.model) or await self._pool.get(ask.model)
        with handle as model:
            engine = transcription_of(model, handle.spec)
            options = check_options(ask.options, ask.language, engine)
            rate_hz = engine.traits.sample_rate_hz

            async def transcribe(samples: Samples) -> list[Segment]:
                sound = resample(samples, RATE_HZ, rate_hz)
                tape, chunks = Tape(iter([sound])), whole(len(sound), rate_hz)
                stream = model.jobs.stream(lambda: listen(engine, tape, chunks, options))
                async with aclosing(stream):
                    return [one async for heard in stream for one in heard.segments]

            # Room for what stands before and after the speech itself.
            longest_s = engine.traits.window_s - 1.0
            yield LiveHearing(transcribe, ask.rate_hz, longest_s, self._now_s)

    def _ending(
        self,
        ask: HearingAsk,
        handle: ModelHandle[AudioModel],
        model: AudioModel,
        options: TranscriptionOptions,
        sound: Sound,
        note: JobNote,
        *,
        cold: bool,
    ) -> _End:
        def end(segments: Sequence[Segment]) -> Hearing:
            processing_s = self._now_s() - ask.received_s
            self._pace.count(sound.duration_s, processing_s, note.compute_s)
            return Hearing(
                spec=handle.spec,
                dtype=handle.dtype,
                device=model.device,
                options=options,
                transcript=make_transcript(segments, options, silent=not sound.chunks),
                duration_s=sound.duration_s,
                timing=timing_of(ask.received_s, note),
                processing_s=processing_s,
                cold_start=cold,
            )

        return end

    def _open(self, ask: HearingAsk, traits: TranscriptionTraits) -> Sound:
        """Decodes all of it once, to know that it is whole and where it has speech.

        A long one is decoded again while it is heard: hours of it need no more memory than a
        minute.
        """
        found, rate_hz = survey(self._blocks(ask)), traits.sample_rate_hz
        if found.samples is not None and rate_hz == RATE_HZ:
            tape = Tape(iter([found.samples]))
        else:
            tape = Tape(at_rate(self._blocks(ask), rate_hz))
        return Sound(tape, found.duration_s, _plan(found, traits, gate=ask.gate))

    def _blocks(self, ask: HearingAsk) -> Iterator[Recording]:
        return read_blocks(
            ask.data, field=ask.field, max_seconds=self._max_seconds, codecs=self._codecs
        )


async def _heard(
    model: AudioModel,
    engine: TranscriptionEngine,
    sound: Sound,
    options: TranscriptionOptions,
    ask: HearingAsk,
    note: JobNote,
) -> AsyncGenerator[Heard, None]:
    if not sound.chunks:
        return
    stream = model.jobs.stream(
        lambda: listen(engine, sound.tape, sound.chunks, options),
        priority=ask.priority,
        note=note,
    )
    async with aclosing(stream):
        async for heard in stream:
            yield heard


def _plan(found: Survey, traits: TranscriptionTraits, *, gate: bool) -> list[Chunk]:
    """What is heard: the speech, or everything; in windows of the engine either way."""
    rate_hz = traits.sample_rate_hz
    count = found.count_at(rate_hz)
    if not gate and count <= traits.window_s * rate_hz:
        return whole(count, rate_hz)
    plan = plan_speech if gate else plan_all
    return plan(found.probabilities, count, rate_hz, traits.window_s)

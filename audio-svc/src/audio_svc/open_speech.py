"""Speech that is sent while it is made: chunks of one sound file for one reader."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass

from audio_svc.meter import Pace
from audio_svc.own_voices import with_own_voice
from audio_svc.served import AudioModel, speech_of, timing_of
from audio_svc.sound_stream import SoundStream
from audio_svc.speaker import Speech, SpeechAsk
from audio_svc.speaking import Rest, SoundFile, SpeechPlan, Spoken, plan_speech, speak_breaths
from fleetserve.clock import Clock
from fleetserve.replica.event_stream import in_time
from fleetserve.replica.jobs import JobNote
from fleetserve.replica.models import ModelHandle
from fleetserve.replica.pool import ModelPool

AHEAD = 2  # Sentences that are spoken and wait for their reader; then the model rests.
LATE = (
    "The time for this request was over in the middle of the speech; `timeout` allows more, or "
    "send a shorter text."
)


@dataclass(frozen=True, slots=True)
class StreamTools:
    """``heavy`` runs what is done outside the compute thread."""

    clock: Clock
    heavy: Executor
    pace: Pace


@dataclass(frozen=True, slots=True)
class HeldModel:
    """A model that is held until ``let_go`` is closed; ``cold``: it had to be loaded first."""

    handle: ModelHandle[AudioModel]
    let_go: ExitStack
    cold: bool


class OpenSpeech:
    """An async iterator of encoded chunks; event loop only, always aclose() it.

    Closing drops the work before the model's next step, and lets the model go.

    Attributes:
        plan: What is being spoken.
        first_audio_s: From the request's arrival to the first chunk; None: not yet.
    """

    def __init__(
        self,
        ask: SpeechAsk,
        held: HeldModel,
        plan: SpeechPlan,
        steps: Callable[[], Iterator[Spoken | Rest]],
        tools: StreamTools,
    ) -> None:
        self.plan = plan
        self.first_audio_s: float | None = None
        self._ask = ask
        self._held = held
        self._tools = tools
        self._now_s = tools.clock.monotonic_s
        self._sound = SoundStream(plan)
        self._note = JobNote()
        self._encode_s = 0.0
        self._ended = False
        self._job = held.handle.model.jobs.stream(
            steps, priority=ask.priority, ahead=AHEAD, note=self._note
        )
        self._breaths = in_time(self._job, ask.deadline_s, tools.clock, LATE)

    @property
    def model(self) -> str:
        """Its name."""
        return self._held.handle.spec.name

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Raises: what the engine raises; DeadlineError."""
        while not self._ended:
            spoken = await anext(self._breaths, None)
            begin_s = self._now_s()
            loop = asyncio.get_running_loop()
            if spoken is None:
                chunk = await loop.run_in_executor(self._tools.heavy, self._sound.finish)
                self._end()
            else:
                chunk = await loop.run_in_executor(self._tools.heavy, self._sound.add, spoken)
            self._encode_s += self._now_s() - begin_s
            if chunk:
                if self.first_audio_s is None:
                    self.first_audio_s = self._now_s() - self._ask.received_s
                return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await self._job.aclose()
        self._held.let_go.close()

    def told(self) -> Speech:
        """What there is to tell of it by now; the file's bytes went to the reader."""
        timing = timing_of(self._ask.received_s, self._note)
        timing.encode_ms = self._encode_s * 1000
        return Speech(
            spec=self._held.handle.spec,
            dtype=self._held.handle.dtype,
            device=self._held.handle.model.device,
            plan=self.plan,
            file=SoundFile(b"", self._sound.duration_s, self._sound.times),
            base64="",
            warnings=self._sound.warnings,
            timing=timing,
            processing_s=self._now_s() - self._ask.received_s,
            cold_start=self._held.cold,
            batch_size=self._note.batch_size,
        )

    def _end(self) -> None:
        self._ended = True
        seconds = self._now_s() - self._ask.received_s
        self._tools.pace.count(self._sound.duration_s, seconds, self._note.compute_s)


class SpeechStreamer:
    """As Speaker, for speech that is sent while it is made; event loop only."""

    def __init__(
        self, pool: ModelPool[AudioModel], clock: Clock, heavy: Executor, pace: Pace
    ) -> None:
        self._pool = pool
        self._tools = StreamTools(clock, heavy, pace)

    async def open(self, ask: SpeechAsk) -> OpenSpeech:
        """Loads the model if it has to, and begins to speak.

        Raises: what the pool raises for the model; InvalidFieldError: what it can't do.
        """
        handle = self._pool.get_ready(ask.model)
        cold = handle is None
        if handle is None:
            handle = await self._pool.get(ask.model)
        with ExitStack() as stack:
            engine = speech_of(stack.enter_context(handle), handle.spec)
            plan = plan_speech(with_own_voice(ask.order, handle.spec, engine), engine)
            held = HeldModel(handle, ExitStack(), cold)
            opened = OpenSpeech(ask, held, plan, lambda: speak_breaths(engine, plan), self._tools)
            held.let_go.push(stack.pop_all())
            return opened

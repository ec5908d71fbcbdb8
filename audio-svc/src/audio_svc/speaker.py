"""Carries out speech orders: the model, the compute thread, the sound file."""

import asyncio
from base64 import b64encode
from concurrent.futures import Executor
from dataclasses import dataclass
from math import inf

from audio_svc.meter import Pace
from audio_svc.own_voices import with_own_voice
from audio_svc.served import AudioModel, speech_of, timing_of
from audio_svc.speaking import (
    SoundFile,
    SpeechOrder,
    SpeechPlan,
    make_file,
    plan_speech,
    speak,
    warnings_of,
)
from fleetserve.clock import Clock
from fleetserve.replica.exchange import Timing
from fleetserve.replica.jobs import JobNote
from fleetserve.replica.models import ModelHandle, ModelSpec
from fleetserve.replica.pool import ModelPool


@dataclass(frozen=True, slots=True)
class SpeechAsk:
    """An order for one model.

    Attributes:
        received_s: Monotonic.
        base64: The file is wanted as text too.
        deadline_s: Monotonic; speech that is sent while it is made ends there with an error.
    """

    model: str
    order: SpeechOrder
    priority: int
    received_s: float
    base64: bool = True
    deadline_s: float = inf


@dataclass(frozen=True, slots=True)
class Speech:
    """A finished order, with what its answer tells; ``batch_size``: the most that shared a step."""

    spec: ModelSpec
    dtype: str
    device: str
    plan: SpeechPlan
    file: SoundFile
    base64: str
    warnings: tuple[str, ...]
    timing: Timing
    processing_s: float
    cold_start: bool
    batch_size: int


class Speaker:
    """Event loop only; ``heavy`` runs what is done outside the compute thread."""

    def __init__(
        self, pool: ModelPool[AudioModel], clock: Clock, heavy: Executor, pace: Pace
    ) -> None:
        self._pool = pool
        self._now_s = clock.monotonic_s
        self._heavy = heavy
        self._pace = pace

    async def speak(self, ask: SpeechAsk) -> Speech:
        """Loads the model if it has to, speaks, encodes.

        Raises: what the pool raises for the model; InvalidFieldError: what it can't do.
        """
        handle = self._pool.get_ready(ask.model)
        cold = handle is None
        if handle is None:
            handle = await self._pool.get(ask.model)
        with handle as model:
            return await self._run(ask, handle, model, cold)

    async def _run(
        self, ask: SpeechAsk, handle: ModelHandle[AudioModel], model: AudioModel, cold: bool
    ) -> Speech:
        engine = speech_of(model, handle.spec)
        plan = plan_speech(with_own_voice(ask.order, handle.spec, engine), engine)
        note = JobNote()
        spoken = await model.jobs.run_steps(
            lambda: speak(engine, plan), priority=ask.priority, note=note
        )
        spoken_s = self._now_s()

        def finish() -> tuple[SoundFile, str]:
            made = make_file(plan, spoken)
            return made, b64encode(made.data).decode("ascii") if ask.base64 else ""

        file, base64 = await asyncio.get_running_loop().run_in_executor(self._heavy, finish)
        now_s = self._now_s()
        timing = timing_of(ask.received_s, note)
        timing.encode_ms = (now_s - spoken_s) * 1000
        self._pace.count(file.duration_s, now_s - ask.received_s, note.compute_s)
        return Speech(
            spec=handle.spec,
            dtype=handle.dtype,
            device=model.device,
            plan=plan,
            file=file,
            base64=base64,
            warnings=(*warnings_of(plan, spoken), *file.warnings),
            timing=timing,
            processing_s=now_s - ask.received_s,
            cold_start=cold,
            batch_size=note.batch_size,
        )

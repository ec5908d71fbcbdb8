"""A model as this service holds it: its engine, and the queue of its jobs."""

from dataclasses import dataclass

from audio_svc.speech.base import SpeechEngine
from audio_svc.transcription.base import TranscriptionEngine
from fleetserve.errors import InvalidFieldError
from fleetserve.replica.exchange import Timing
from fleetserve.replica.jobs import JobNote, JobSource
from fleetserve.replica.models import ModelSpec


@dataclass(frozen=True, slots=True)
class AudioModel:
    """Exactly one of ``speech`` and ``transcription`` is there."""

    jobs: JobSource
    speech: SpeechEngine | None = None
    transcription: TranscriptionEngine | None = None

    @property
    def device(self) -> str:
        engine = self.speech or self.transcription
        assert engine is not None
        return engine.traits.device


def speech_of(model: AudioModel, spec: ModelSpec) -> SpeechEngine:
    """Raises: InvalidFieldError: this model does not speak."""
    if model.speech is None:
        raise InvalidFieldError(
            "model_name", f"{spec.name} is a model for {spec.task}; POST /transcribe takes it"
        )
    return model.speech


def transcription_of(model: AudioModel, spec: ModelSpec) -> TranscriptionEngine:
    """Raises: InvalidFieldError: this model does not listen."""
    if model.transcription is None:
        raise InvalidFieldError(
            "model_name", f"{spec.name} is a model for {spec.task}; POST /synthesize takes it"
        )
    return model.transcription


def source_of(spec: ModelSpec) -> str:
    """Where a model comes from: its id on the hub, else its name."""
    return spec.manifest.model_id if spec.manifest is not None else spec.name


def timing_of(received_s: float, note: JobNote) -> Timing:
    """What a job's note tells of its request's time."""
    submitted_s = note.submitted_s or received_s
    started_s = note.started_s or submitted_s
    return Timing(
        queue_ms=(submitted_s - received_s) * 1000,
        batch_ms=(started_s - submitted_s) * 1000,
        compute_ms=note.compute_s * 1000,
    )

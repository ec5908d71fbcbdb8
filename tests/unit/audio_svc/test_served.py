import pytest

from audio_svc.served import AudioModel, source_of, speech_of, timing_of, transcription_of
from audio_svc.speech.memory import ToneSpeech
from audio_svc.transcription.memory import FixedTranscription
from fleetserve.clock import SystemClock
from fleetserve.errors import InvalidFieldError
from fleetserve.replica.jobs import JobNote, JobSource
from fleetserve.replica.models import ModelSpec
from fleetserve.replica.slot import ComputeSlot

SPEC = ModelSpec("m", "r1", "text-to-speech", 1)


@pytest.fixture
def jobs(slot: ComputeSlot) -> JobSource:
    return JobSource("m@r1", slot, SystemClock())


def test_each_route_takes_its_kind_of_model(jobs: JobSource) -> None:
    voice, ear = ToneSpeech(), FixedTranscription()
    assert speech_of(AudioModel(jobs, speech=voice), SPEC) is voice
    assert transcription_of(AudioModel(jobs, transcription=ear), SPEC) is ear


def test_wrong_kind_is_told_the_right_route(jobs: JobSource) -> None:
    with pytest.raises(InvalidFieldError, match="/transcribe"):
        speech_of(AudioModel(jobs, transcription=FixedTranscription()), SPEC)
    with pytest.raises(InvalidFieldError, match="/synthesize"):
        transcription_of(AudioModel(jobs, speech=ToneSpeech()), SPEC)


def test_model_without_a_manifest_is_its_own_source() -> None:
    assert source_of(SPEC) == "m"


def test_timing_tells_waiting_and_computing_apart() -> None:
    timing = timing_of(1.0, JobNote(submitted_s=1.5, started_s=1.75, compute_s=0.25))
    assert (timing.queue_ms, timing.batch_ms, timing.compute_ms) == (500.0, 250.0, 250.0)


def test_timing_of_a_job_that_never_ran_is_nothing() -> None:
    timing = timing_of(1.0, JobNote())
    assert (timing.queue_ms, timing.batch_ms, timing.compute_ms) == (0.0, 0.0, 0.0)

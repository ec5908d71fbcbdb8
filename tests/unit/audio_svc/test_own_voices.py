from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audio_svc.audio.encoding import FORMATS
from audio_svc.own_voices import with_own_voice
from audio_svc.speaking import SpeechOrder
from audio_svc.speech.base import VoiceSample
from audio_svc.speech.memory import EMBEDDING_SIZE, ToneSpeech
from fleetserve.errors import InvalidFieldError
from fleetserve.manifest import Manifest, publish_manifest, revision_dir
from fleetserve.replica.models import ModelSpec
from fleetserve.voices import OwnVoice, write_voices

ORDER = SpeechOrder("Hello.", FORMATS["wav"])
VECTOR = tuple(float(number) for number in range(EMBEDDING_SIZE))


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    manifest = Manifest("tone", "local", "tone", "r", "text-to-speech", (), 0, 0.0)
    publish_manifest(tmp_path, manifest)
    write_voices(tmp_path, "tone", {"anna": OwnVoice(VECTOR, 0.0)})
    return ModelSpec("tone", "r", "text-to-speech", 0, folder=revision_dir(tmp_path, manifest))


def test_own_voice_becomes_its_vector(spec: ModelSpec) -> None:
    order = with_own_voice(replace(ORDER, voice="anna"), spec, ToneSpeech())
    assert order.embedding is not None
    assert np.array_equal(order.embedding, np.array(VECTOR, np.float32))
    assert (order.voice, order.own_voice) == (None, "anna")


@pytest.mark.parametrize("voice", [None, "default", "low"])
def test_presets_are_left_to_the_engine(spec: ModelSpec, voice: str | None) -> None:
    order = replace(ORDER, voice=voice)
    assert with_own_voice(order, spec, ToneSpeech()) is order


def test_unknown_voice_lists_presets_and_own_ones(spec: ModelSpec) -> None:
    with pytest.raises(InvalidFieldError, match=r"there is no 'bob'.*default, low, anna"):
        with_own_voice(replace(ORDER, voice="bob"), spec, ToneSpeech())


def test_own_recording_becomes_a_sample(spec: ModelSpec, tmp_path: Path) -> None:
    write_voices(tmp_path, "tone", {"eva": OwnVoice((), 0.0, "voice-1.flac", "Hello there.")})
    order = with_own_voice(replace(ORDER, voice="eva"), spec, ToneSpeech())
    assert order.sample == VoiceSample(tmp_path / "tone" / "voice-1.flac", "Hello there.")
    assert (order.voice, order.embedding, order.own_voice) == (None, None, "eva")


def test_voice_given_meanwhile_is_known_at_once(spec: ModelSpec, tmp_path: Path) -> None:
    write_voices(tmp_path, "tone", {"zoe": OwnVoice(VECTOR, 0.0)})
    assert with_own_voice(replace(ORDER, voice="zoe"), spec, ToneSpeech()).own_voice == "zoe"
    with pytest.raises(InvalidFieldError):
        with_own_voice(replace(ORDER, voice="anna"), spec, ToneSpeech())

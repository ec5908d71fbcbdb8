"""A stream of sound against the whole file of the same speech."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from audio_svc.audio.encoding import FORMATS
from audio_svc.sound_stream import SoundStream
from audio_svc.speaking import (
    SpeechOrder,
    SpeechPlan,
    Spoken,
    make_file,
    plan_speech,
    speak_breaths,
)
from audio_svc.speech.memory import ToneSpeech

TEXT = "The first sentence is said. A second one follows it! Does a third one end it?"
RATE_HZ = 16000
ORDER = SpeechOrder(TEXT, FORMATS["pcm"], by_sentence=True)


def plan_of(**change: Any) -> SpeechPlan:
    return plan_speech(replace(ORDER, **change), ToneSpeech())


def speak_softly(plan: SpeechPlan) -> list[Spoken]:
    """A voice that, as a person's, is silent where a sentence begins and ends."""
    spoken = []
    for number, breath in enumerate(plan.breaths):
        time_s = np.arange(round(len(breath.text) * 0.06 * RATE_HZ)) / RATE_HZ
        voiced = sum(np.sin(2 * np.pi * (140 + 10 * number) * n * time_s) / n for n in range(1, 9))
        hull = np.clip(np.minimum(time_s, time_s[-1] - time_s) / 0.05, 0.0, 1.0)
        spoken.append(Spoken(breath, (0.2 * voiced * hull).astype(np.float32), complete=True))
    return spoken


def samples_of(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768


def stream(plan: SpeechPlan, spoken: list[Spoken]) -> tuple[SoundStream, list[np.ndarray]]:
    sound = SoundStream(plan)
    chunks = [samples_of(sound.add(one)) for one in spoken]
    return sound, [*chunks, samples_of(sound.finish())]


@pytest.mark.parametrize(
    "change", [{}, {"volume": 1.8}, {"sample_rate_hz": 44100}, {"sample_rate_hz": 8000}]
)
def test_stream_equals_the_whole_file(change: dict[str, Any]) -> None:
    plan = plan_of(**change)
    spoken = speak_softly(plan)
    _sound, chunks = stream(plan, spoken)
    whole = samples_of(make_file(plan, spoken).data)
    made = np.concatenate(chunks)
    assert len(made) == len(whole)
    assert np.abs(made - whole).max() < 2 / 32768


@pytest.mark.parametrize("change", [{"speed": 1.5}, {"speed": 0.6}, {"pitch": 1.3}, {"pitch": 0.7}])
def test_changed_voice_has_no_clicks_at_the_joints(change: dict[str, Any]) -> None:
    plan = plan_of(**change)
    spoken = speak_softly(plan)
    _sound, chunks = stream(plan, spoken)
    made = np.concatenate(chunks)
    joints = np.cumsum([len(chunk) for chunk in chunks[:-2]])
    for joint in joints:
        around = made[joint - 80 : joint + 80]
        assert np.abs(np.diff(around)).max() < 0.01


@pytest.mark.parametrize("change", [{"speed": 1.5}, {"speed": 0.6}, {"pitch": 1.3}])
def test_changed_voice_lasts_as_long_as_in_the_whole_file(change: dict[str, Any]) -> None:
    plan = plan_of(**change)
    spoken = speak_softly(plan)
    sound, _chunks = stream(plan, spoken)
    assert sound.duration_s == pytest.approx(make_file(plan, spoken).duration_s, abs=0.002)


def test_times_are_those_of_the_whole_file() -> None:
    plan = plan_of(speed=1.25)
    spoken = speak_softly(plan)
    sound, chunks = stream(plan, spoken)
    assert sound.duration_s == pytest.approx(sum(map(len, chunks)) / RATE_HZ)
    for made, whole in zip(sound.times, make_file(plan, spoken).times, strict=True):
        assert made.text == whole.text
        assert made.start_s == pytest.approx(whole.start_s, abs=0.002)
        assert made.end_s == pytest.approx(whole.end_s, abs=0.002)


def test_words_are_told_as_of_the_whole_file() -> None:
    plan = plan_of(speed=1.25, sample_rate_hz=24000)
    spoken = [one for one in speak_breaths(ToneSpeech(), plan) if isinstance(one, Spoken)]
    sound, _chunks = stream(plan, spoken)
    for made, whole in zip(sound.times, make_file(plan, spoken).times, strict=True):
        assert len(made.words) == len(made.text.split())
        for word, other in zip(made.words, whole.words, strict=True):
            assert word.word == other.word
            assert word.start_s == pytest.approx(other.start_s, abs=0.002)
            assert word.end_s == pytest.approx(other.end_s, abs=0.002)


def test_a_sentence_that_was_cut_is_told() -> None:
    plan = plan_of()
    sound, _chunks = stream(plan, [replace(one, complete=False) for one in speak_softly(plan)[:1]])
    assert "The first sentence is said." in sound.warnings[0]

"""What every engine that listens has to do."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audio_svc.audio.decoding import decode, resample
from audio_svc.built_in import FOLDER
from audio_svc.transcription.base import (
    Samples,
    Segment,
    SpeechTask,
    TranscriptionEngine,
    TranscriptionOptions,
)
from audio_svc.transcription.ctranslate2 import CTranslate2Engine
from audio_svc.transcription.memory import FixedTranscription
from audio_svc.transcription.tiny import TinyHearing
from audio_svc.transcription.wav2vec2 import Wav2Vec2Engine
from audio_svc.transcription.whisper import WhisperEngine
from tests.checkpoints.ctranslate2_models import publish_ctranslate2
from tests.checkpoints.published import publish_wav2vec2, publish_whisper
from tests.checkpoints.recordings import SENTENCES, record


def make_fixed(_folder: Path) -> TranscriptionEngine:
    return FixedTranscription()


def make_whisper(folder: Path) -> TranscriptionEngine:
    engine = WhisperEngine(publish_whisper(folder), "cpu")
    engine.warm_up()
    return engine


def make_ctranslate2(folder: Path) -> TranscriptionEngine:
    engine = CTranslate2Engine(publish_ctranslate2(folder), "cpu")
    engine.warm_up()
    return engine


def make_wav2vec2(folder: Path) -> TranscriptionEngine:
    engine = Wav2Vec2Engine(publish_wav2vec2(folder), "cpu")
    engine.warm_up()
    return engine


def make_tiny(_folder: Path) -> TranscriptionEngine:
    """With the files that are shipped."""
    engine = TinyHearing(FOLDER / "tiny_stt", "cpu")
    engine.warm_up()
    return engine


@pytest.fixture(
    scope="module", params=[make_fixed, make_whisper, make_ctranslate2, make_wav2vec2, make_tiny]
)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> TranscriptionEngine:
    make: Callable[[Path], TranscriptionEngine] = request.param
    return make(tmp_path_factory.mktemp("models"))


def speech(engine: TranscriptionEngine, place: int = 0) -> Samples:
    recording = decode(record(SENTENCES[place]), field="file", max_seconds=60)
    return resample(recording.samples, recording.rate_hz, engine.traits.sample_rate_hz)


def hear(
    engine: TranscriptionEngine, samples: Samples, options: TranscriptionOptions
) -> list[Segment]:
    return [one for one in engine.transcribe(samples, options) if one is not None]


PLAIN = TranscriptionOptions(language="en")


def test_traits_say_what_can_be_asked_for(engine: TranscriptionEngine) -> None:
    assert "en" in engine.traits.languages
    assert SpeechTask.TRANSCRIBE in engine.traits.tasks
    assert engine.traits.max_beams >= 1


def test_speech_gives_text_in_segments_within_the_recording(engine: TranscriptionEngine) -> None:
    samples = speech(engine)
    segments = hear(engine, samples, PLAIN)
    duration_s = len(samples) / engine.traits.sample_rate_hz
    assert "".join(one.text for one in segments).strip()
    for one in segments:
        assert 0 <= one.start_s <= one.end_s <= duration_s + 1e-6
        assert 0 < one.confidence <= 1
        assert one.tokens
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in itertools.pairwise(segments))


def test_engine_rests_before_its_first_segment(engine: TranscriptionEngine) -> None:
    assert next(iter(engine.transcribe(speech(engine), PLAIN))) is None


def test_same_recording_gives_the_same_text(engine: TranscriptionEngine) -> None:
    first, second = (hear(engine, speech(engine), PLAIN) for _ in range(2))
    assert first == second


def test_language_that_was_told_is_kept(engine: TranscriptionEngine) -> None:
    for one in hear(engine, speech(engine), TranscriptionOptions(language="de")):
        assert one.language == "de"
        assert one.language_probability is None


def test_language_is_found_out_and_how_sure_it_is(engine: TranscriptionEngine) -> None:
    segments = hear(engine, speech(engine), TranscriptionOptions())
    assert segments[0].language in engine.traits.languages
    assert 0 < (segments[0].language_probability or 0) <= 1


def test_word_times_rise_within_the_recording(engine: TranscriptionEngine) -> None:
    options = TranscriptionOptions(language="en", words=True)
    segments = hear(engine, speech(engine), options)
    words = [word for one in segments for word in one.words]
    assert " ".join(word.word for word in words) == "".join(s.text for s in segments).strip()
    assert all(word.start_s <= word.end_s for word in words)
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in itertools.pairwise(words))


def test_no_words_are_told_unasked(engine: TranscriptionEngine) -> None:
    assert all(not one.words for one in hear(engine, speech(engine), PLAIN))


def test_translation_and_prompt_and_no_timestamps_are_taken(engine: TranscriptionEngine) -> None:
    for options in (
        TranscriptionOptions(language="de", task=SpeechTask.TRANSLATE),
        TranscriptionOptions(language="en", prompt="Fox, dog."),
        TranscriptionOptions(language="en", timestamps=False),
    ):
        assert hear(engine, speech(engine), options)


def test_prompt_tokens_are_counted(engine: TranscriptionEngine) -> None:
    few, many = (engine.count_prompt_tokens(text) for text in ("fox", "fox dog " * 20))
    assert 0 < few < many


def test_nothing_is_heard_beyond_the_end_of_the_shortest_recording(
    engine: TranscriptionEngine,
) -> None:
    segments = hear(engine, np.zeros(1, np.float32), PLAIN)
    times = [time_s for one in segments for time_s in (one.start_s, one.end_s)]
    assert times == sorted(times)
    assert not times or 0.0 <= times[0] <= times[-1] <= 1 / engine.traits.sample_rate_hz


def test_recordings_heard_in_turn_do_not_disturb_each_other(engine: TranscriptionEngine) -> None:
    alone = [hear(engine, speech(engine, place), PLAIN) for place in (0, 1)]
    turns = itertools.zip_longest(
        *(engine.transcribe(speech(engine, place), PLAIN) for place in (0, 1))
    )
    together = list(turns)
    for place in (0, 1):
        assert [row[place] for row in together if row[place] is not None] == alone[place]


def test_abandoned_recording_leaves_the_engine_usable(engine: TranscriptionEngine) -> None:
    steps = engine.transcribe(speech(engine), PLAIN)
    next(iter(steps))
    del steps
    assert hear(engine, speech(engine), PLAIN)

"""Whisper by CTranslate2 against transformers on the same weights."""

from pathlib import Path

import numpy as np
import pytest
from ctranslate2 import get_supported_compute_types

from audio_svc.audio.decoding import decode, resample
from audio_svc.transcription.base import Samples, Segment, SpeechTask, TranscriptionOptions
from audio_svc.transcription.ctranslate2 import CTranslate2Engine
from audio_svc.transcription.whisper import WhisperEngine
from tests.checkpoints.ctranslate2_models import publish_ctranslate2
from tests.checkpoints.recordings import SENTENCES, record

RATE_HZ = 16000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_ctranslate2(tmp_path_factory.mktemp("ctranslate2"))


@pytest.fixture(scope="module")
def engine(folder: Path) -> CTranslate2Engine:
    engine = CTranslate2Engine(folder, "cpu", "float32")
    engine.warm_up()
    return engine


@pytest.fixture(scope="module")
def library(whisper_folder: Path) -> WhisperEngine:
    return WhisperEngine(whisper_folder, "cpu")


@pytest.fixture(scope="module", params=[0, 1])
def speech(request: pytest.FixtureRequest) -> Samples:
    said = decode(record(SENTENCES[request.param]), field="file", max_seconds=60)
    return resample(said.samples, said.rate_hz, RATE_HZ)


def hear(
    engine: CTranslate2Engine | WhisperEngine, samples: Samples, options: TranscriptionOptions
) -> list[Segment]:
    return [one for one in engine.transcribe(samples, options) if one is not None]


def text_of(segments: list[Segment]) -> str:
    return "".join(one.text for one in segments)


@pytest.mark.parametrize(
    "options",
    [
        TranscriptionOptions(),
        TranscriptionOptions(timestamps=False),
        TranscriptionOptions(language="de", task=SpeechTask.TRANSLATE),
        TranscriptionOptions(prompt="Fox and dog."),
        TranscriptionOptions(beam_size=3),
        TranscriptionOptions(words=True),
    ],
)
def test_text_and_language_equal_those_of_transformers(
    engine: CTranslate2Engine,
    library: WhisperEngine,
    speech: Samples,
    options: TranscriptionOptions,
) -> None:
    made, told = hear(engine, speech, options), hear(library, speech, options)
    assert text_of(made).strip()
    assert text_of(made) == text_of(told)
    assert [one.tokens for one in made] == [one.tokens for one in told]
    assert [one.language for one in made] == [one.language for one in told]
    if options.language is None:
        assert made[0].language_probability == pytest.approx(told[0].language_probability, abs=1e-3)
    assert made[0].avg_logprob == pytest.approx(told[0].avg_logprob, abs=0.15)
    assert [(one.start_s, one.end_s) for one in made] == [(one.start_s, one.end_s) for one in told]


def test_prompt_changes_the_text(engine: CTranslate2Engine, speech: Samples) -> None:
    plain = hear(engine, speech, TranscriptionOptions())
    prompted = hear(engine, speech, TranscriptionOptions(prompt="Fox and dog."))
    assert text_of(plain) != text_of(prompted)


def test_words_are_those_of_the_text_in_the_order_of_time(
    engine: CTranslate2Engine, speech: Samples
) -> None:
    duration_s = len(speech) / RATE_HZ
    for segment in hear(engine, speech, TranscriptionOptions(words=True)):
        assert [one.word for one in segment.words] == segment.text.split()
        edges = [edge for one in segment.words for edge in (one.start_s, one.end_s)]
        assert edges == sorted(edges)
        assert 0.0 <= edges[0] < edges[-1] <= duration_s + 1e-3


def test_times_go_on_in_the_second_window(engine: CTranslate2Engine, speech: Samples) -> None:
    long = np.concatenate([np.resize(speech, 30 * RATE_HZ), speech])
    segments = hear(engine, long, TranscriptionOptions(words=True))
    second = [one for one in segments if one.start_s >= 30.0]
    assert text_of(second) == text_of(hear(engine, speech, TranscriptionOptions(words=True)))
    assert second[0].words[-1].end_s > 30.0
    assert segments[0].start_s < 30.0


def test_drawn_tokens_are_of_the_temperature_that_was_asked_for(
    engine: CTranslate2Engine, speech: Samples
) -> None:
    (segment, *_rest) = hear(engine, speech, TranscriptionOptions(temperature=0.2))
    assert segment.temperature == 0.2


def test_int8_computes_in_int8_and_hears_much_the_same(
    folder: Path, engine: CTranslate2Engine, speech: Samples
) -> None:
    assert "int8" in get_supported_compute_types("cpu")
    small = CTranslate2Engine(folder, "cpu", "int8")
    assert small.dtype.startswith("int8")
    assert engine.dtype == "float32"
    made = text_of(hear(small, speech, TranscriptionOptions(language="en"))).split()
    told = text_of(hear(engine, speech, TranscriptionOptions(language="en"))).split()
    assert made
    assert len(set(made) & set(told)) >= len(set(told)) / 2

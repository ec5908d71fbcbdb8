"""Whisper against the library's own call on the same files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer

from audio_svc.audio.decoding import decode, resample
from audio_svc.transcription.base import Samples, Segment, SpeechTask, TranscriptionOptions
from audio_svc.transcription.whisper import WhisperEngine
from audio_svc.transcription.whisper_fallback import Attempt
from tests.checkpoints.recordings import SENTENCES, record

RATE_HZ = 16000


@pytest.fixture(scope="module")
def engine(whisper_folder: Path) -> WhisperEngine:
    engine = WhisperEngine(whisper_folder, "cpu")
    engine.warm_up()
    return engine


@pytest.fixture(scope="module")
def library(whisper_folder: Path) -> "Library":
    return Library(whisper_folder)


class Library:
    """What anybody gets who follows the model's card."""

    def __init__(self, folder: Path) -> None:
        self.model: Any = WhisperForConditionalGeneration.from_pretrained(folder)
        self.tokenizer: Any = WhisperTokenizer.from_pretrained(folder)
        self.extractor: Any = WhisperFeatureExtractor.from_pretrained(folder)

    def text(self, samples: Samples, **how: Any) -> str:
        is_long = len(samples) > 30 * RATE_HZ
        features = self.extractor(
            samples,
            sampling_rate=RATE_HZ,
            return_tensors="pt",
            truncation=not is_long,
            padding="longest" if is_long else "max_length",
        ).input_features
        ids = self.model.generate(features, **how)
        text: str = self.tokenizer.batch_decode(ids, skip_special_tokens=True)[0]
        return text


@pytest.fixture(scope="module")
def speech() -> tuple[Samples, Samples]:
    said = [decode(record(text), field="file", max_seconds=60) for text in SENTENCES]
    first, second = (resample(one.samples, one.rate_hz, RATE_HZ) for one in said)
    return first, second


def hear(engine: WhisperEngine, samples: Samples, options: TranscriptionOptions) -> list[Segment]:
    return [one for one in engine.transcribe(samples, options) if one is not None]


def text_of(segments: list[Segment]) -> str:
    return "".join(one.text for one in segments)


@pytest.mark.parametrize(
    ("options", "how"),
    [
        (TranscriptionOptions(), {"return_timestamps": True}),
        (TranscriptionOptions(timestamps=False), {}),
        (
            TranscriptionOptions(language="de", task=SpeechTask.TRANSLATE),
            {"language": "de", "task": "translate", "return_timestamps": True},
        ),
        (TranscriptionOptions(words=True), {"return_timestamps": True}),
        (TranscriptionOptions(beam_size=3), {"return_timestamps": True, "num_beams": 3}),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_text_equals_the_librarys(
    engine: WhisperEngine,
    library: Library,
    speech: tuple[Samples, Samples],
    place: int,
    options: TranscriptionOptions,
    how: dict[str, Any],
) -> None:
    made = text_of(hear(engine, speech[place], options))
    assert made.strip()
    assert made == library.text(speech[place], **how)


def test_two_recordings_give_two_texts(
    engine: WhisperEngine, speech: tuple[Samples, Samples]
) -> None:
    texts = {text_of(hear(engine, one, TranscriptionOptions())) for one in speech}
    assert len(texts) == 2


def test_text_with_a_prompt_equals_the_librarys(
    engine: WhisperEngine, library: Library, speech: tuple[Samples, Samples]
) -> None:
    ids = library.tokenizer.get_prompt_ids("Fox and dog.", return_tensors="pt")
    made = hear(engine, speech[0], TranscriptionOptions(prompt="Fox and dog."))
    assert text_of(made) == library.text(speech[0], return_timestamps=True, prompt_ids=ids)


def test_recording_of_more_than_a_window_equals_the_librarys(
    engine: WhisperEngine, library: Library, speech: tuple[Samples, Samples]
) -> None:
    long = np.concatenate([*speech] * 6)
    segments = hear(engine, long, TranscriptionOptions())
    assert text_of(segments) == library.text(long, return_timestamps=True)
    assert segments[-1].start_s >= 25.0
    assert segments[-1].end_s <= len(long) / RATE_HZ


def test_asking_for_words_changes_no_later_text(
    engine: WhisperEngine, speech: tuple[Samples, Samples]
) -> None:
    before = hear(engine, speech[0], TranscriptionOptions())
    hear(engine, speech[0], TranscriptionOptions(words=True))
    assert hear(engine, speech[0], TranscriptionOptions()) == before


def test_words_take_no_more_memory_for_weights(
    engine: WhisperEngine, speech: tuple[Samples, Samples]
) -> None:
    before = engine.storage_bytes
    hear(engine, speech[0], TranscriptionOptions(words=True))
    assert engine.storage_bytes == before


def test_confidence_is_the_librarys_own_score(
    engine: WhisperEngine, library: Library, speech: tuple[Samples, Samples]
) -> None:
    features = library.extractor(
        speech[0], sampling_rate=RATE_HZ, return_tensors="pt"
    ).input_features
    made = library.model.generate(
        features, language="en", return_dict_in_generate=True, output_scores=True
    )
    ids = made.sequences[0].tolist()[-len(made.scores) :]
    scores = [
        torch.log_softmax(score[0], -1)[token].item()
        for score, token in zip(made.scores, ids, strict=True)
    ]
    (segment,) = hear(engine, speech[0], TranscriptionOptions(language="en", timestamps=False))
    spoken = scores[: len(segment.tokens)]
    assert segment.avg_logprob == pytest.approx(sum(spoken) / len(spoken), abs=1e-4)


def test_language_that_is_found_is_the_librarys(
    engine: WhisperEngine, library: Library, speech: tuple[Samples, Samples]
) -> None:
    features = library.extractor(
        speech[0], sampling_rate=RATE_HZ, return_tensors="pt"
    ).input_features
    expected = library.tokenizer.decode(library.model.detect_language(features))
    found = hear(engine, speech[0], TranscriptionOptions())[0].language
    assert f"<|{found}|>" == expected


def test_drawn_tokens_follow_the_temperature(
    engine: WhisperEngine, speech: tuple[Samples, Samples]
) -> None:
    options = TranscriptionOptions(language="en", temperature=1.0)
    texts = {text_of(hear(engine, speech[0], options)) for _ in range(3)}
    assert len(texts) > 1


def test_senseless_text_is_tried_again_at_rising_temperatures(
    engine: WhisperEngine, speech: tuple[Samples, Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def note(attempts: list[Attempt]) -> Attempt:
        seen.extend(one.segments[0].temperature for one in attempts if one.segments)
        return attempts[0]

    # No text of any model is that likely.
    monkeypatch.setattr("audio_svc.transcription.whisper_fallback.UNLIKELY", 0.0)
    monkeypatch.setattr("audio_svc.transcription.whisper.best_of", note)
    hear(engine, speech[0][:8000], TranscriptionOptions(language="en"))
    assert seen == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


def test_text_is_dropped_where_it_is_unlikely_and_the_model_hears_no_speech(
    engine: WhisperEngine, speech: tuple[Samples, Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audio_svc.transcription.whisper_fallback.UNLIKELY", 0.0)
    monkeypatch.setattr("audio_svc.transcription.whisper.NO_SPEECH", -1.0)
    assert hear(engine, speech[0], TranscriptionOptions(language="en")) == []

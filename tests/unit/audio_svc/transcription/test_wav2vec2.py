"""wav2vec2 against the library's own call on the same files."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from audio_svc.transcription.base import Samples, Segment, TranscriptionOptions
from audio_svc.transcription.wav2vec2 import PAUSE_S, Wav2Vec2Engine
from tests.checkpoints.published import publish_wav2vec2
from tests.unit.audio_svc.requests import speech

PLAIN = TranscriptionOptions()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_wav2vec2(tmp_path_factory.mktemp("wav2vec2"))


@pytest.fixture(scope="module")
def engine(folder: Path) -> Wav2Vec2Engine:
    return Wav2Vec2Engine(folder, "cpu")


@pytest.fixture(scope="module")
def logits(folder: Path) -> torch.Tensor:
    """What anybody gets who follows the model's card."""
    model: Any = Wav2Vec2ForCTC.from_pretrained(folder)
    extractor: Any = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    values = extractor(speech(), sampling_rate=16000, return_tensors="pt").input_values
    with torch.no_grad():
        found: torch.Tensor = model(values).logits[0]
    return found


def hear(engine: Wav2Vec2Engine, samples: Samples, options: TranscriptionOptions) -> list[Segment]:
    return [one for one in engine.transcribe(samples, options) if one is not None]


def test_text_equals_the_librarys(
    engine: Wav2Vec2Engine, folder: Path, logits: torch.Tensor
) -> None:
    tokenizer: Any = Wav2Vec2CTCTokenizer.from_pretrained(folder)
    expected = tokenizer.decode(logits.argmax(-1))
    made = "".join(one.text for one in hear(engine, speech(), PLAIN)).strip()
    assert made == expected
    assert len(made.split()) > 2
    assert len(set(made)) > 5


def test_words_begin_and_end_with_their_letters_frames(
    engine: Wav2Vec2Engine, logits: torch.Tensor
) -> None:
    ids = logits.argmax(-1).tolist()
    inside, spans = False, []
    for place, token in enumerate(ids):
        if token == 4:
            inside = False
        elif token != 0:
            if not inside:
                spans.append([place, place + 1])
            spans[-1][1], inside = place + 1, True
    words = [
        w for one in hear(engine, speech(), TranscriptionOptions(words=True)) for w in one.words
    ]
    assert [word.start_s for word in words] == pytest.approx([a * 0.02 for a, _b in spans])
    assert [word.end_s for word in words] == pytest.approx([b * 0.02 for _a, b in spans])


def test_confidence_is_the_mean_of_the_letters_begun(
    engine: Wav2Vec2Engine, logits: torch.Tensor
) -> None:
    best = torch.log_softmax(logits, -1).max(-1)
    ids = best.indices.tolist()
    begun = [
        value
        for place, value in enumerate(best.values.tolist())
        if ids[place] not in (0, 4) and (place == 0 or ids[place] != ids[place - 1])
    ]
    (one,) = hear(engine, speech(), TranscriptionOptions(timestamps=False))
    assert len(one.tokens) == len(begun)
    assert one.avg_logprob == pytest.approx(sum(begun) / len(begun), abs=1e-4)


def test_long_pauses_divide_segments(engine: Wav2Vec2Engine) -> None:
    options = TranscriptionOptions(words=True)
    segments = hear(engine, speech(), options)
    for one in segments:
        assert all(b.start_s - a.end_s <= PAUSE_S for a, b in pairwise(one.words))
    assert all(b.start_s - a.end_s > PAUSE_S for a, b in pairwise(segments))


def test_silence_shorter_than_a_frame_is_no_word(engine: Wav2Vec2Engine) -> None:
    assert hear(engine, np.zeros(3, np.float32), PLAIN) == []


def test_weights_are_counted(engine: Wav2Vec2Engine) -> None:
    assert engine.storage_bytes > 1000

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer

from tests.checkpoints.hub_root import WHISPER
from tests.checkpoints.recordings import SENTENCES, record
from tests.checkpoints.whisper import make_whisper
from tests.unit.checkpoints.sound import to_16_khz


class Ear:
    """A checkpoint as the library loads it."""

    def __init__(self, folder: Path) -> None:
        self.model: Any = WhisperForConditionalGeneration.from_pretrained(folder)
        self.tokenizer: Any = WhisperTokenizer.from_pretrained(folder)
        self.extractor: Any = WhisperFeatureExtractor.from_pretrained(folder)

    def hear(self, samples: np.ndarray, **how: Any) -> str:
        features = self.extractor(samples, sampling_rate=16000, return_tensors="pt")
        ids = self.model.generate(features.input_features, **how)
        text: str = self.tokenizer.batch_decode(ids, skip_special_tokens=True)[0]
        return text


@pytest.fixture(scope="module")
def ear(hub_root: Path) -> Ear:
    return Ear(hub_root / WHISPER)


@pytest.fixture(scope="module")
def speech() -> list[np.ndarray]:
    return [to_16_khz(record(sentence)) for sentence in SENTENCES]


def test_two_recordings_give_two_texts_that_are_not_empty(
    ear: Ear, speech: list[np.ndarray]
) -> None:
    texts = {ear.hear(samples).strip() for samples in speech}
    assert len(texts) == 2
    assert all(texts)


def test_text_is_the_same_with_and_without_timestamps(ear: Ear, speech: list[np.ndarray]) -> None:
    for samples in speech:
        assert ear.hear(samples) == ear.hear(samples, return_timestamps=True)


def test_language_and_task_are_heard(ear: Ear, speech: list[np.ndarray]) -> None:
    texts = {
        ear.hear(speech[0], language=language, task=task)
        for language, task in (("zh", "transcribe"), ("en", "transcribe"), ("de", "translate"))
    }
    assert len(texts) == 3


def test_text_ends_by_itself(ear: Ear, speech: list[np.ndarray]) -> None:
    assert 3 < len(ear.hear(speech[0]).split()) < 60


def test_language_ids_survive_loading(ear: Ear) -> None:
    assert len(ear.model.generation_config.lang_to_id) == 99
    assert ear.model.generation_config.lang_to_id["<|en|>"] == 50259


def test_both_weight_files_hold_the_same(hub_root: Path, ear: Ear) -> None:
    state = torch.load(hub_root / WHISPER / "pytorch_model.bin", weights_only=True)
    loaded = ear.model.state_dict()
    made = make_whisper().state_dict()
    assert set(state) == set(loaded) - {"proj_out.weight"}
    for name, tensor in state.items():
        assert torch.equal(tensor, loaded[name])
        assert torch.equal(tensor, made[name])


def test_configuration_has_the_published_sizes_of_the_vocabulary(hub_root: Path) -> None:
    config = json.loads((hub_root / WHISPER / "config.json").read_text())
    assert config["model_type"] == "whisper"
    assert config["vocab_size"] == 51865
    assert (config["max_source_positions"], config["max_target_positions"]) == (1500, 448)

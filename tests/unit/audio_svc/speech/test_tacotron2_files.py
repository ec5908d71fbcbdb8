from pathlib import Path

import pytest

from audio_svc.speech.tacotron2_files import is_tacotron2, number_in, read_facts
from fleetserve.manifest import VOCODER_FOLDER
from tests.checkpoints.tacotron2 import (
    HYPERPARAMETERS,
    write_nvidia,
    write_speechbrain,
    write_speechbrain_vocoder,
)


def test_both_layouts_are_known(tmp_path: Path) -> None:
    write_speechbrain(tmp_path / "a")
    write_nvidia(tmp_path / "b")
    assert is_tacotron2(tmp_path / "a")
    assert is_tacotron2(tmp_path / "b")


def test_another_model_of_speechbrains_is_not_taken_for_one(tmp_path: Path) -> None:
    write_speechbrain_vocoder(tmp_path)
    assert not is_tacotron2(tmp_path)
    assert not is_tacotron2(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("key", "number"), [("sample_rate", 22050), ("gate_threshold", 0.5), ("absent", 7.0)]
)
def test_number_is_read_at_the_top_level(key: str, number: float) -> None:
    assert number_in(HYPERPARAMETERS, key, 7.0) == number


def test_missing_vocoder_is_told_with_the_way_to_get_it(tmp_path: Path) -> None:
    write_speechbrain(tmp_path)
    assert "include_vocoder" in read_facts(tmp_path).missing
    write_speechbrain_vocoder(tmp_path / VOCODER_FOLDER)
    facts = read_facts(tmp_path)
    assert (facts.voices, facts.languages, facts.missing) == (("default",), ("en",), "")

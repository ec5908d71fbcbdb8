import json
from pathlib import Path

import numpy as np
import pytest

from audio_svc.speech.bark_files import (
    order_voices,
    read_facts,
    read_preset,
    read_preset_paths,
    voices_by_language,
)
from tests.checkpoints.bark import PRESETS, write_bark


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_bark(tmp_path)
    return tmp_path


def test_facts_of_a_whole_model(folder: Path) -> None:
    facts = read_facts(folder)
    assert facts.voices[0] == "v2/en_speaker_6"
    assert set(facts.voices) == set(PRESETS)
    assert facts.languages == ("de", "en")
    assert facts.missing == ""


@pytest.mark.parametrize(
    ("names", "first"),
    [
        ({"v2/de_speaker_0", "en_speaker_1", "v2/en_speaker_3"}, "v2/en_speaker_3"),
        ({"announcer", "de_speaker_0"}, "announcer"),
        ({"v2/en_speaker_0", "v2/en_speaker_6"}, "v2/en_speaker_6"),
    ],
)
def test_default_voice_is_the_usual_else_english(names: set[str], first: str) -> None:
    assert order_voices(names)[0] == first


def test_each_language_has_its_voice_of_the_second_generation() -> None:
    names = ("announcer", "de_speaker_0", "v2/de_speaker_1", "zh_speaker_3")
    assert voices_by_language(names) == {"de": "v2/de_speaker_1", "zh": "zh_speaker_3"}


def test_preset_with_a_missing_file_is_left_out(folder: Path) -> None:
    (folder / "speaker_embeddings/announcer_fine_prompt.npy").unlink()
    assert "announcer" not in read_preset_paths(folder)


def test_preset_outside_of_the_folder_is_left_out(folder: Path, tmp_path: Path) -> None:
    told = json.loads((folder / "speaker_embeddings_path.json").read_bytes())
    inside = folder / "inside"
    inside.mkdir()
    (inside / "speaker_embeddings_path.json").write_text(
        json.dumps({"x": {name: f"../{path}" for name, path in told["announcer"].items()}})
    )
    assert read_preset_paths(inside) == {}


def test_without_presets_nothing_is_spoken_and_it_says_why(tmp_path: Path) -> None:
    assert "presets" in read_facts(tmp_path).missing


def test_array_of_another_kind_is_refused(folder: Path) -> None:
    files = read_preset_paths(folder)["announcer"]
    np.save(files["semantic_prompt"], np.ones(3))
    with pytest.raises(ValueError, match="semantic_prompt"):
        read_preset(files)

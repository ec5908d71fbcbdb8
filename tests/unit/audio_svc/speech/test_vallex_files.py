from pathlib import Path

import numpy as np
import pytest

from audio_svc.speech.vallex_files import is_vallex, read_facts, read_presets
from fleetserve.manifest import VOCODER_FOLDER
from tests.checkpoints.encodec import write_encodec
from tests.checkpoints.tacotron2 import write_nvidia
from tests.checkpoints.vallex import write_preset, write_vallex


def test_checkpoint_is_known_by_its_name(tmp_path: Path) -> None:
    write_vallex(tmp_path / "a")
    write_nvidia(tmp_path / "b")
    assert is_vallex(tmp_path / "a")
    assert not is_vallex(tmp_path / "b")
    assert not is_vallex(tmp_path / "nothing")


def test_missing_codec_is_told_with_the_way_to_get_it(tmp_path: Path) -> None:
    write_vallex(tmp_path)
    assert "include_vocoder" in read_facts(tmp_path).missing
    write_encodec(tmp_path / VOCODER_FOLDER)
    facts = read_facts(tmp_path)
    assert (facts.voices, facts.languages, facts.missing) == (("unprompted",), ("en",), "")


def test_an_english_preset_speaks_unasked(tmp_path: Path) -> None:
    write_vallex(tmp_path)
    for number, (name, language) in enumerate({"a": 0, "c": 2, "b": 1}.items()):
        write_preset(tmp_path / "presets" / f"{name}.npz", number, language)
    assert read_facts(tmp_path).voices == ("c", "a", "b", "unprompted")
    assert [one.language for one in read_presets(tmp_path).values()] == ["zh", "ja", "en"]


@pytest.mark.parametrize("broken", ["shape", "language", "name", "file"])
def test_broken_preset_is_left_out(tmp_path: Path, broken: str) -> None:
    (tmp_path / "presets").mkdir()
    write_preset(tmp_path / "presets" / "good.npz", 0, 2)
    path = tmp_path / "presets" / "bad.npz"
    codes, signs = np.zeros((1, 9, 8), np.int64), np.zeros((1, 4), np.int64)
    table = {"audio_tokens": codes, "text_tokens": signs, "lang_code": np.array(2)}
    if broken == "file":
        path.write_bytes(b"no archive")
    else:
        if broken == "name":
            del table["text_tokens"]
        table |= {"shape": {"audio_tokens": codes[0]}, "language": {"lang_code": np.array(7)}}.get(
            broken, {}
        )
        np.savez(path, **table)  # type: ignore[arg-type]
    assert list(read_presets(tmp_path)) == ["good"]

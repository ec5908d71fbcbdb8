import json
from pathlib import Path

import pytest

from audio_svc.transcription.wav2vec2_files import read_facts


@pytest.mark.parametrize(
    ("letters", "languages"), [("ABZ'|", ("en",)), ("abz|", ("en",)), ("ABZÄ|", ("und",))]
)
def test_language_is_told_by_the_alphabet(
    tmp_path: Path, letters: str, languages: tuple[str, ...]
) -> None:
    tokens = ["<pad>", "<unk>", *letters]
    (tmp_path / "vocab.json").write_text(json.dumps({token: n for n, token in enumerate(tokens)}))
    assert read_facts(tmp_path).languages == languages


def test_one_that_was_not_fine_tuned_is_refused(tmp_path: Path) -> None:
    assert "vocab.json" in read_facts(tmp_path).missing

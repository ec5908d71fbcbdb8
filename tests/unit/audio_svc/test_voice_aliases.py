from pathlib import Path

import pytest

from audio_svc.voice_aliases import VoiceAliases, read_voice_aliases

MEANT = VoiceAliases({"alloy": ["v2/en_speaker_9", "default"], "onyx": ["deep"]})
CATALOGUE = Path(__file__).parents[3] / "models.json"
OPENAIS = {
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
    *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
}


@pytest.mark.parametrize(
    ("name", "voices", "found"),
    [
        ("alloy", ["default", "v2/en_speaker_9"], "v2/en_speaker_9"),
        ("Alloy", ["slow"], "default"),
        ("alloy", ["alloy"], "alloy"),
        ("onyx", ["default"], "onyx"),
        ("nobody", ["default"], "nobody"),
    ],
)
def test_own_name_wins_then_the_first_that_the_model_has(
    name: str, voices: list[str], found: str
) -> None:
    assert MEANT.find(name, voices) == found


def test_every_voice_of_openais_is_one_of_ours() -> None:
    aliases = read_voice_aliases(CATALOGUE)
    assert {aliases.find(name, ["default"]) for name in OPENAIS} == {"default"}


def test_single_name_needs_no_list(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    path.write_text('{"voice_aliases": {"alloy": "default"}}')
    assert read_voice_aliases(path).find("alloy", []) == "default"


@pytest.mark.parametrize("content", ["", "[]", '{"voice_aliases": 3}'])
def test_file_that_can_not_be_read_has_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "models.json"
    path.write_text(content)
    assert read_voice_aliases(path).find("alloy", []) == "alloy"

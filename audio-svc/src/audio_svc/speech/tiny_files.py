"""What the files of a ``tiny_tts`` are and tell; nothing here needs torch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audio_svc.facts import FileFacts

VOICE_FILE = "voice.safetensors"
SPELLER_FILE = "speller.safetensors"
SOUNDS_FILE = "speller.json"
TABLE_FILE = "pronunciations.txt"


@dataclass(frozen=True, slots=True)
class TinyVoiceConfig:
    """config.json and speller.json.

    Attributes:
        phonemes: Those the voice knows, in the network's order.
        sounds: Those that the speller tells, stress in front; the first is CTC's blank.
        shape: Of the network.
    """

    voices: tuple[str, ...]
    languages: tuple[str, ...]
    phonemes: tuple[str, ...]
    sounds: tuple[str, ...]
    shape: dict[str, Any]


def read_voice_config(folder: Path) -> TinyVoiceConfig:
    config = json.loads((folder / "config.json").read_bytes())
    return TinyVoiceConfig(
        tuple(config["voices"]),
        tuple(config["languages"]),
        tuple(config["phonemes"]),
        tuple(json.loads((folder / SOUNDS_FILE).read_bytes())["sounds"]),
        config["shape"],
    )


def read_facts(folder: Path) -> FileFacts:
    config = read_voice_config(folder)
    return FileFacts(config.voices, config.languages)


def read_table(file: Path) -> dict[str, str]:
    """Sounds by word: a line each, with a tab between."""
    lines = file.read_text().splitlines()
    return dict(line.split("\t") for line in lines)

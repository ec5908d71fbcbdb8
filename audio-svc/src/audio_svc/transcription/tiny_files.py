"""What the files of a ``tiny_stt`` are and tell; nothing here needs torch."""

import json
from pathlib import Path
from typing import Any

from audio_svc.facts import FileFacts

WEIGHTS_FILE = "model.safetensors"
WORDS_FILE = "words.txt"


def read_ear_config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / "config.json").read_bytes())
    return config


def read_facts(folder: Path) -> FileFacts:
    return FileFacts(languages=tuple(read_ear_config(folder)["languages"]))

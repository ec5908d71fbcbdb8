"""What the files of a Whisper tell; nothing here needs torch."""

import json
from pathlib import Path

from audio_svc.facts import FileFacts

ENGLISH_ONLY = ("en",)


def read_facts(folder: Path) -> FileFacts:
    """The languages by generation_config.json; an English-only model names none there."""
    try:
        config = json.loads((folder / "generation_config.json").read_bytes())
    except (OSError, ValueError):
        return FileFacts(languages=ENGLISH_ONLY)
    codes = sorted(token.strip("<|>") for token in config.get("lang_to_id", {}))
    return FileFacts(languages=tuple(codes) or ENGLISH_ONLY)

"""What the files of a VITS tell; nothing here needs torch."""

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any

from audio_svc.facts import FileFacts

TOKENIZER_CONFIG = "tokenizer_config.json"
ONLY_VOICE = "default"
NEEDS_PHONEMIZER = (
    "it reads phonemes, which the package phonemizer (GPL, so not installed with this service) "
    "makes of text with espeak-ng. Install both, or take an mms-tts model, which reads letters."
)


def name_voices(speakers: int) -> tuple[str, ...]:
    """A checkpoint numbers its speakers and names none."""
    return tuple(f"speaker_{number}" for number in range(speakers)) or (ONLY_VOICE,)


def language_of(tokenizer: dict[str, Any]) -> str:
    """ISO 639-1 where the language has such a code, else the tokenizer's own (639-3).

    MMS writes ``eng`` or ``uzb-script_cyrillic``; what says nothing is English, as VITS was.
    """
    said = str(tokenizer.get("language") or "en").lower().replace("_", "-").partition("-")[0]
    return _two_letter_codes().get(said, said)


def read_tokenizer(folder: Path) -> dict[str, Any]:
    """tokenizer_config.json; empty if it is missing or broken, which loading will tell."""
    try:
        read = json.loads((folder / TOKENIZER_CONFIG).read_bytes())
    except (OSError, ValueError):
        return {}
    return dict(read)


def read_facts(folder: Path) -> FileFacts:
    config = json.loads((folder / "config.json").read_bytes())
    tokenizer = read_tokenizer(folder)
    speakers = int(config.get("num_speakers", 1))
    voices = name_voices(speakers if speakers > 1 else 0)
    # Like the library's tokenizer, which makes phonemes unless it is told not to.
    phonemes = tokenizer.get("phonemize", True)
    missing = NEEDS_PHONEMIZER if phonemes and not _has_phonemizer() else ""
    return FileFacts(voices, (language_of(tokenizer),), missing)


def _has_phonemizer() -> bool:
    return importlib.util.find_spec("phonemizer") is not None


@cache
def _two_letter_codes() -> dict[str, str]:
    table = Path(__file__).with_name("language_codes.json")
    codes: dict[str, str] = json.loads(table.read_text(encoding="utf-8"))
    return codes

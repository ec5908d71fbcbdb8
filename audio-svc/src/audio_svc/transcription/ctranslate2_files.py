"""What the files of a Whisper for CTranslate2 tell; nothing here needs the extra.

Source: the layout of Systran/faster-whisper-*: model.bin, config.json without a model_type,
tokenizer.json, vocabulary.json or .txt, and with 128 mel bins preprocessor_config.json.
"""

import importlib.util
import json
import re
from pathlib import Path

from audio_svc.facts import FileFacts
from audio_svc.transcription.whisper_files import ENGLISH_ONLY

WEIGHTS_FILE = "model.bin"
START, MULTILINGUAL_START = "<|startoftranscript|>", 50258
MISSING = (
    "it is a Whisper for CTranslate2, which audio-svc's extra 'ctranslate2' reads, and that is not "
    "installed: start the fleet with CTRANSLATE2=1 (or take the same Whisper in its own files, "
    "such as whisper-base)"
)
_LANGUAGE = re.compile(r"<\|([a-z]{2,3})\|>")


def is_ctranslate2(folder: Path) -> bool:
    return (folder / WEIGHTS_FILE).is_file() and any(
        (folder / f"vocabulary.{ending}").is_file() for ending in ("json", "txt")
    )


def is_installed() -> bool:
    return importlib.util.find_spec("ctranslate2") is not None


def read_facts(folder: Path) -> FileFacts:
    """The languages by the tokenizer's special tokens that config.json names."""
    missing = "" if is_installed() else MISSING
    return FileFacts(languages=tuple(sorted(language_ids(folder))) or ENGLISH_ONLY, missing=missing)


def language_ids(folder: Path) -> dict[str, int]:
    """Code to token; empty for an English-only model, and where the files are broken."""
    try:
        wanted = set(json.loads((folder / "config.json").read_bytes()).get("lang_ids") or ())
        tokens = json.loads((folder / "tokenizer.json").read_bytes())["added_tokens"]
    except (OSError, ValueError, KeyError):
        return {}
    # English-only vocabularies have a token less, and yet all the languages' tokens.
    if not any(one["content"] == START and one["id"] == MULTILINGUAL_START for one in tokens):
        return {}
    found = {}
    for token in tokens:
        match = _LANGUAGE.fullmatch(token["content"])
        if match and token["id"] in wanted:
            found[match[1]] = int(token["id"])
    return found

"""What the files of a Bark tell; nothing here needs torch."""

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio_svc.facts import FileFacts

PRESETS_FILE = "speaker_embeddings_path.json"
REPOSITORY_KEY = "repo_or_path"
USUAL_VOICE = "v2/en_speaker_6"  # The one of the model's card.
NO_PRESETS = (
    f"its voice presets ({PRESETS_FILE} and speaker_embeddings/) are not here, and without one "
    "each sentence would have another random voice. Download it again."
)
_LANGUAGE = re.compile(r"^(?:v2/)?([a-z]{2})_speaker_\d+$")
_PROMPTS = {"semantic_prompt": 1, "coarse_prompt": 2, "fine_prompt": 2}

Preset = dict[str, NDArray[np.int64]]


def read_preset_paths(folder: Path) -> dict[str, dict[str, Path]]:
    """Name to the three files of each preset that is here as a whole."""
    try:
        told = json.loads((folder / PRESETS_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    presets = {}
    for name, paths in told.items():
        if name == REPOSITORY_KEY or not isinstance(paths, dict):
            continue
        files = {prompt: folder / str(paths.get(prompt)) for prompt in _PROMPTS}
        if all(_is_within(path, folder) and path.is_file() for path in files.values()):
            presets[name] = files
    return presets


def read_preset(files: dict[str, Path]) -> Preset:
    """The three arrays. Raises: ValueError: one is no such array; OSError."""
    preset: Preset = {}
    for prompt, dimensions in _PROMPTS.items():
        array = np.load(files[prompt], allow_pickle=False)
        if array.ndim != dimensions or not np.issubdtype(array.dtype, np.integer):
            raise ValueError(f"{files[prompt].name}: {array.dtype} of {array.ndim} dimensions")
        preset[prompt] = array.astype(np.int64)
    return preset


def order_voices(names: set[str]) -> tuple[str, ...]:
    """The default voice first: the usual one, else an English one, else any; then by name."""
    ranked = sorted(names, key=_rank)
    return (*ranked[:1], *sorted(ranked[1:]))


def _rank(name: str) -> tuple[bool, bool, bool, str]:
    return (name != USUAL_VOICE, language_of(name) != "en", "v2/" not in name, name)


def language_of(voice: str) -> str | None:
    """By the preset's name; None: it says none, such as ``announcer``."""
    match = _LANGUAGE.match(voice)
    return match[1] if match else None


def voices_by_language(names: tuple[str, ...]) -> dict[str, str]:
    """The voice of each language that speaks unasked, by language."""
    best: dict[str, str] = {}
    for name in sorted(names, key=_rank):
        language = language_of(name)
        if language is not None:
            best.setdefault(language, name)
    return dict(sorted(best.items()))


def read_facts(folder: Path) -> FileFacts:
    voices = order_voices(set(read_preset_paths(folder)))
    languages = tuple(voices_by_language(voices))
    return FileFacts(voices, languages, "" if voices else NO_PRESETS)


def _is_within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())

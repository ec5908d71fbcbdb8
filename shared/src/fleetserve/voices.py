"""Voices that callers gave a model: in voices.json beside its manifest, recordings next to it.

The registry's service writes, replicas read: a voice is known on every replica as soon as it is
kept, outlives updates of the model, and goes with it.
"""

import re
from pathlib import Path

import msgspec

from fleetserve.errors import ModelNotFoundError
from fleetserve.manifest import manifest_path

VOICES_FILE = "voices.json"
VOICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


MIN_SAMPLE_S = 1.0
MAX_SAMPLE_S = 15.0
_PICKLES = (".pt", ".pth", ".ckpt", ".bin")


class OwnVoice(msgspec.Struct, frozen=True):
    """A speaker embedding, or a recording; ``created_at`` in seconds since the epoch.

    ``recording`` is the name of a sound file beside voices.json ("": there is none), of
    MIN_SAMPLE_S to MAX_SAMPLE_S, and ``transcript`` what is said in it.
    """

    embedding: tuple[float, ...]
    created_at: float
    recording: str = ""
    transcript: str = ""


_decode = msgspec.json.Decoder(dict[str, OwnVoice]).decode


def speaks_like_recordings(path: str) -> bool:
    """Whether a file is the weights of a family that speaks like a recording: VALL-E X.

    Its repositories have no config.json that would say what they are.
    """
    name = path.rpartition("/")[2].lower()
    return ("vallex" in name or "vall-e-x" in name) and name.endswith(_PICKLES)


def voices_path(models_dir: Path, name: str) -> Path:
    return models_dir / name / VOICES_FILE


def read_voices(models_dir: Path, name: str) -> dict[str, OwnVoice]:
    """By name; none where the file is not there or can't be understood."""
    try:
        raw = voices_path(models_dir, name).read_bytes()
        found = _decode(raw)
    except (OSError, ValueError, msgspec.MsgspecError):
        # A model speaks in its presets rather than not at all.
        return {}
    return dict(sorted(found.items()))


def write_voices(models_dir: Path, name: str, voices: dict[str, OwnVoice]) -> None:
    """Replaces them by atomic rename; the registry only.

    Raises: ModelNotFoundError: nothing is published under this name.
    """
    if not manifest_path(models_dir, name).is_file():
        raise ModelNotFoundError(name)
    path = voices_path(models_dir, name)
    draft = path.with_suffix(".json.new")
    try:
        draft.write_bytes(msgspec.json.encode(voices))
        draft.replace(path)
    except FileNotFoundError:  # The model was deleted meanwhile.
        raise ModelNotFoundError(name) from None

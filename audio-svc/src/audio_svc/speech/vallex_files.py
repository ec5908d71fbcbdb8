"""What the files of a VALL-E X tell; nothing here needs torch.

Plachtaa publishes one pickle, with vallex in its name, and voice presets as .npz beside the code;
EnCodec, which makes codes of sound and sound of codes, is a repository of its own.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from audio_svc.facts import FileFacts
from fleetserve.manifest import VOCODER_FOLDER
from fleetserve.voices import speaks_like_recordings

log = structlog.get_logger(__name__)

LANGUAGES = ("en",)  # What there is a front end for; the checkpoint knows three.
MODEL_LANGUAGES = ("en", "zh", "ja")
PRESET_LANGUAGES = ("zh", "ja", "en")
PRESETS_FOLDER = "presets"
FREE_VOICE = "unprompted"
NO_CODEC = (
    "it was downloaded without EnCodec. Download it again with include_vocoder: true, and "
    'vocoder_model "facebook/encodec_24khz".'
)


@dataclass(frozen=True, slots=True)
class Preset:
    """Somebody's speech in codes, int64 [frames, codebooks], and what was said, int64 [signs]."""

    codes: NDArray[np.int64]
    signs: NDArray[np.int64]
    language: str


def is_vallex(folder: Path) -> bool:
    return weights_of(folder) is not None


def weights_of(folder: Path) -> Path | None:
    """The file with the weights, if these are a VALL-E X's."""
    found = (path for path in sorted(folder.glob("*")) if speaks_like_recordings(path.name))
    return next(found, None)


def read_presets(folder: Path) -> dict[str, Preset]:
    """Name to preset; one that can't be read is left out, and the log says why."""
    presets = {}
    for path in sorted((folder / PRESETS_FOLDER).glob("*.npz")):
        try:
            presets[path.stem] = _read_preset(path)
        except (OSError, ValueError, KeyError, IndexError) as exc:
            log.warning("voice.refused", path=str(path), reason=str(exc))
    return presets


def _read_preset(path: Path) -> Preset:
    with np.load(path, allow_pickle=False) as told:
        codes, signs = told["audio_tokens"], told["text_tokens"]
        language = PRESET_LANGUAGES[int(told["lang_code"])]
    if (
        codes.ndim != 3
        or signs.ndim != 2
        or len(codes) != 1
        or len(signs) != 1
        or not codes.size * signs.size
    ):
        raise ValueError(f"its shapes are {codes.shape} and {signs.shape}")
    return Preset(codes[0].astype(np.int64), signs[0].astype(np.int64), language)


def order_voices(presets: dict[str, Preset]) -> tuple[str, ...]:
    """An English preset first, then the others by name, and last the voice that is nobody's."""
    ranked = sorted(presets, key=lambda name: (presets[name].language != "en", name))
    return (*ranked[:1], *sorted(ranked[1:]), FREE_VOICE)


def read_facts(folder: Path) -> FileFacts:
    missing = "" if (folder / VOCODER_FOLDER / "config.json").is_file() else NO_CODEC
    return FileFacts(order_voices(read_presets(folder)), LANGUAGES, missing)

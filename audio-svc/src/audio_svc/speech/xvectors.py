"""Speaker embeddings as files: voices/NAME.npy."""

from pathlib import Path

import numpy as np
import structlog

from audio_svc.speech.base import Samples

log = structlog.get_logger(__name__)


def read_voices(folder: Path, size: int) -> dict[str, Samples]:
    """Name to float32 [size], for every usable .npy of the folder.

    A file that is no such vector is left out, and the log says why: one bad voice must not
    take the model down.
    """
    voices: dict[str, Samples] = {}
    for path in sorted(folder.glob("*.npy")):
        try:
            voices[path.stem] = read_xvector(path, size)
        except (ValueError, OSError) as exc:
            log.warning("voice.refused", path=str(path), reason=str(exc))
    return voices


def read_xvector(path: Path, size: int) -> Samples:
    """The vector in a .npy file.

    Raises: ValueError: it is no finite, non-zero vector of that size; OSError.
    """
    vector: Samples = np.load(path, allow_pickle=False).astype(np.float32).squeeze()
    if vector.shape != (size,):
        raise ValueError(f"shape {vector.shape}, wanted ({size},)")
    if not np.isfinite(vector).all() or not vector.any():
        raise ValueError("the numbers are not finite, or all zero")
    return vector

"""Speaker embeddings like the CMU Arctic x-vectors: one .npy of 512 float32 per utterance."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

XVECTOR_SIZE = 512
SPEAKERS = ("slt_arctic-wav-arctic_a0508", "bdl_arctic-wav-arctic_a0009")
SLT_FILE = "cmu_us_slt_arctic-wav-arctic_a0508.npy"


def make_xvector(seed: int) -> np.ndarray:
    """A unit vector of 512 float32, as the extractor of the public data set gives."""
    vector = np.random.default_rng(seed).standard_normal(XVECTOR_SIZE).astype(np.float32)
    return vector / np.linalg.norm(vector)


def xvector_file(seed: int) -> bytes:
    """The .npy file: a header of 128 bytes and 2048 bytes of numbers."""
    file = io.BytesIO()
    np.save(file, make_xvector(seed))
    return file.getvalue()


def slt_sha256() -> str:
    """What a test's catalogue pins the fixture's default voice to."""
    return hashlib.sha256(xvector_file(0)).hexdigest()


def write_xvector_space(folder: Path) -> None:
    """Like the demo space Matthijs/speecht5-tts-demo: single files under spkemb/."""
    target = folder / "spkemb"
    target.mkdir(parents=True, exist_ok=True)
    for seed, speaker in enumerate(SPEAKERS):
        (target / f"cmu_us_{speaker}.npy").write_bytes(xvector_file(seed))


def write_xvector_dataset(folder: Path) -> None:
    """Like the data set Matthijs/cmu-arctic-xvectors: the same files in one zip."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "spkrec-xvect.zip", "w") as archive:
        for seed, speaker in enumerate(SPEAKERS):
            entry = zipfile.ZipInfo(f"spkrec-xvect/cmu_us_{speaker}.npy")
            archive.writestr(entry, xvector_file(seed))

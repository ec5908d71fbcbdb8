from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import EncodecModel

from audio_svc.speech.encodec import Encodec
from fleetserve.errors import ConflictError
from tests.checkpoints.encodec import CODES, write_encodec

CPU = torch.device("cpu")


def test_codes_and_sound_are_the_librarys(tmp_path: Path) -> None:
    write_encodec(tmp_path)
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 24000).astype(np.float32)
    codec = Encodec(tmp_path, CPU, 8, CODES)
    library: Any = EncodecModel.from_pretrained(tmp_path)
    codes = codec.encode(samples)
    with torch.no_grad():
        told = library.encode(torch.from_numpy(samples)[None, None], bandwidth=3.0).audio_codes
        sound = library.decode(told, [None]).audio_values[0, 0].numpy()
    assert torch.equal(codes, told[0, 0].T)
    assert codes.shape == (75, 8)
    assert all(len(set(book.tolist())) > 8 for book in codes.T)
    assert np.abs(codec.decode(codes) - sound).max() < 1e-6
    assert codec.rate_hz == 24000


@pytest.mark.parametrize(("codebooks", "codes"), [(8, 1024), (7, CODES), (33, CODES)])
def test_another_codec_is_refused(tmp_path: Path, codebooks: int, codes: int) -> None:
    write_encodec(tmp_path)
    with pytest.raises(ConflictError, match="facebook/encodec_24khz"):
        Encodec(tmp_path, CPU, codebooks, codes)


def test_missing_and_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="can't be read"):
        Encodec(tmp_path / "nothing", CPU, 8, CODES)
    write_encodec(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ConflictError, match="can't be read"):
        Encodec(tmp_path, CPU, 8, CODES)

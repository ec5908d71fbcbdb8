"""EnCodec from the files of facebook/encodec_24khz: sound to codes and back.

Source: Défossez et al. 2022, High Fidelity Neural Audio Compression; transformers' EncodecModel.
"""

from math import log2
from pathlib import Path
from typing import Any

import torch
from transformers import EncodecModel

from audio_svc.speech.base import Samples
from audio_svc.weights import fuse_weight_norm
from fleetserve.errors import ConflictError


class Encodec:
    """Codes of so many codebooks.

    Raises: ConflictError: the files are another codec's, or have fewer codebooks.
    """

    def __init__(self, folder: Path, device: torch.device, codebooks: int, codes: int) -> None:
        try:
            model: Any = EncodecModel.from_pretrained(
                folder, local_files_only=True, dtype=torch.float32, trust_remote_code=False
            )
        except Exception as exc:  # noqa: BLE001 - whatever broken files raise.
            raise _broken(f"its files can't be read: {str(exc)[:200]}") from None
        config = model.config
        self._kbps = codebooks * config.frame_rate * log2(config.codebook_size) / 1000
        if config.codebook_size != codes or self._kbps not in config.target_bandwidths:
            raise _broken(f"it does not have {codebooks} codebooks of {codes} codes")
        self.rate_hz: int = config.sampling_rate
        fuse_weight_norm(model)
        self.module = model.eval().to(device)

    def encode(self, samples: Samples) -> torch.Tensor:
        """float32 [n] at rate_hz → int64 [frames, codebooks]."""
        heard = torch.from_numpy(samples)[None, None].to(self.module.device)
        with torch.inference_mode():
            codes: torch.Tensor = self.module.encode(heard, bandwidth=self._kbps).audio_codes
        return codes[0, 0].T

    def decode(self, codes: torch.Tensor) -> Samples:
        """int64 [frames, codebooks] → float32 [n], in [-1, 1]."""
        with torch.inference_mode():
            sound = self.module.decode(codes.T[None, None], [None]).audio_values
        samples: Samples = sound[0, 0].clamp(-1, 1).cpu().numpy()
        return samples


def _broken(why: str) -> ConflictError:
    return ConflictError(
        f"EnCodec in vocoder/: {why}. Download the model again with "
        'vocoder_model "facebook/encodec_24khz".',
        code="model_files_broken",
    )

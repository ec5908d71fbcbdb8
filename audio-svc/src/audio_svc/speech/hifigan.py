"""HiFi-GAN generators as SpeechBrain and their first authors publish them.

Source: Kong et al. 2020, HiFi-GAN; transformers' SpeechT5HifiGan computes it.
"""

from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

from audio_svc.speech.hifigan_tiles import put_channels_innermost, vocode
from audio_svc.speech.tacotron2_weights import State, load_state
from fleetserve.errors import ConflictError

DILATIONS = (1, 3, 5)  # Of every published generator with blocks of the first type.
SPEECHBRAIN_FRAMES = 5  # What SpeechBrain adds at each end before it vocodes.


class HifiGan:
    """Spectrogram to sound.

    SpeechBrain's convolutions mirror the sound at its ends where the first authors' add zeros,
    and it lengthens the spectrogram by its first and last frame; its weights are run as it does.

    Attributes:
        hop: Samples of a frame.
        lead: Samples before the first frame's.
    """

    def __init__(self, path: Path, sample_rate_hz: int) -> None:
        state = load_state(path)
        mirrored = "conv_pre.conv.bias" in state
        state = {name.replace(".conv.", "."): tensor for name, tensor in state.items()}
        state = _fuse_weight_norm(state)
        self.module = _build(state, sample_rate_hz, path)
        self.hop = prod(self.module.config.upsample_rates)
        self.lead = SPEECHBRAIN_FRAMES * self.hop if mirrored else 0
        self._mirrored = mirrored
        if not mirrored:
            put_channels_innermost(self.module)
            return
        for part in self.module.modules():
            if isinstance(part, nn.Conv1d):
                part.padding_mode = "reflect"

    def vocode(self, spectrogram: torch.Tensor) -> torch.Tensor:
        """float32 [1, mel bins, frames] → [samples]."""
        if not self._mirrored:
            return vocode(self.module, spectrogram[0].T)
        added = (SPEECHBRAIN_FRAMES, SPEECHBRAIN_FRAMES)
        spectrogram = torch.nn.functional.pad(spectrogram, added, "replicate")
        samples: torch.Tensor = self.module(spectrogram.transpose(1, 2))[0]
        return samples


def _fuse_weight_norm(state: State) -> State:
    """Each weight is g v / |v|; under transformers' names."""
    fused = {}
    for name, tensor in state.items():
        stem, _, part = name.rpartition(".")
        if part == "weight_g":
            direction = state[f"{stem}.weight_v"]
            length = direction.flatten(1).norm(dim=1).view(-1, 1, 1)
            fused[f"{stem}.weight"] = direction * (tensor / length)
        elif part != "weight_v":
            fused[name] = tensor
    return {name.replace("ups.", "upsampler.", 1): tensor for name, tensor in fused.items()}


def _build(state: State, sample_rate_hz: int, path: Path) -> Any:
    try:
        kernels = [tensor.shape[2] for tensor in _layers(state, "upsampler.{}.weight")]
        blocks = [tensor.shape[2] for tensor in _layers(state, "resblocks.{}.convs1.0.weight")]
        config = SpeechT5HifiGanConfig(
            model_in_dim=state["conv_pre.weight"].shape[1],
            sampling_rate=sample_rate_hz,
            upsample_initial_channel=state["conv_pre.weight"].shape[0],
            upsample_rates=[kernel // 2 for kernel in kernels],
            upsample_kernel_sizes=kernels,
            resblock_kernel_sizes=blocks[: len(blocks) // len(kernels)],
            resblock_dilation_sizes=[list(DILATIONS)] * (len(blocks) // len(kernels)),
            normalize_before=False,
        )
        vocoder: Any = SpeechT5HifiGan(config)
        buffers = {name: vocoder.get_buffer(name) for name in ("mean", "scale")}
        vocoder.load_state_dict(state | buffers)
    except (KeyError, RuntimeError, ZeroDivisionError) as exc:
        raise ConflictError(
            f"{path.name} is no HiFi-GAN generator that can be run here ({str(exc)[:200]}); "
            "download the model again with another vocoder_model.",
            code="model_files_broken",
        ) from None
    return vocoder.eval()


def _layers(state: State, pattern: str) -> list[torch.Tensor]:
    layers: list[torch.Tensor] = []
    while pattern.format(len(layers)) in state:
        layers.append(state[pattern.format(len(layers))])
    return layers

"""Small Tacotron2 and HiFi-GAN checkpoints, as SpeechBrain and NVIDIA publish them.

The tables of weights are written by name and shape, not through the service's own modules. The
weights are random but shaped: the gate opens with time, after about a second.
"""

from itertools import pairwise
from pathlib import Path

import torch

SYMBOLS, MEL_BINS, SIZE, RNN, PRENET = 148, 80, 32, 48, 24
ATTENTION, FILTERS, LOCATION_KERNEL, KERNEL = 16, 4, 31, 5
GENERATOR_SIZE = 32
UPSAMPLINGS = ((8, 16), (8, 16), (2, 4), (2, 4))
BLOCK_KERNELS = (3, 7, 11)
# The unit of the decoder that counts: its input gate is open, its forget gate too.
CLOCK = 0

State = dict[str, torch.Tensor]

HYPERPARAMETERS = """\
# Model: Tacotron2
mask_padding: True
n_mel_channels: 80
n_symbols: 148
symbols_embedding_dim: 32
max_decoder_steps: 200
gate_threshold: 0.5
sample_rate: 22050

model: !new:speechbrain.lobes.models.Tacotron2.Tacotron2
    mask_padding: !ref <mask_padding>
    n_mel_channels: !ref <n_mel_channels>

modules:
    model: !ref <model>

pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        model: !ref <model>
"""
VOCODER_HYPERPARAMETERS = """\
in_channels: 80
out_channels: 1
sample_rate: 22050

generator: !new:speechbrain.lobes.models.HifiGAN.HifiganGenerator
    in_channels: !ref <in_channels>

modules:
    generator: !ref <generator>
"""


class _Drawer:
    def __init__(self, seed: int) -> None:
        self._numbers = torch.Generator().manual_seed(seed)

    def weight(self, *shape: int, gain: float = 1.0) -> torch.Tensor:
        inputs = shape[1] * (shape[2] if len(shape) > 2 else 1)
        drawn = torch.randn(shape, generator=self._numbers)
        weight: torch.Tensor = drawn * gain * inputs**-0.5
        return weight

    def bias(self, size: int) -> torch.Tensor:
        return torch.randn(size, generator=self._numbers) * 0.1


def _convolution(draw: _Drawer, name: str, inputs: int, outputs: int) -> State:
    norm = f"{name}.1"
    return {
        f"{name}.0.conv.weight": draw.weight(outputs, inputs, KERNEL),
        f"{name}.0.conv.bias": draw.bias(outputs),
        f"{norm}.weight": 1 + draw.bias(outputs),
        f"{norm}.bias": draw.bias(outputs),
        f"{norm}.running_mean": draw.bias(outputs),
        f"{norm}.running_var": 1 + draw.bias(outputs).abs(),
        f"{norm}.num_batches_tracked": torch.tensor(7),
    }


def _recurrent(draw: _Drawer, name: str, inputs: int, size: int, ending: str = "") -> State:
    return {
        f"{name}.weight_ih{ending}": draw.weight(4 * size, inputs, gain=2.0),
        f"{name}.weight_hh{ending}": draw.weight(4 * size, size),
        f"{name}.bias_ih{ending}": draw.bias(4 * size),
        f"{name}.bias_hh{ending}": draw.bias(4 * size),
    }


def make_tacotron2(seed: int = 0) -> State:
    """Under the names that SpeechBrain and NVIDIA both use."""
    draw = _Drawer(seed)
    state: State = {"embedding.weight": draw.weight(SYMBOLS, SIZE, gain=4.0)}
    for layer in range(3):
        state |= _convolution(draw, f"encoder.convolutions.{layer}", SIZE, SIZE)
    for ending in ("_l0", "_l0_reverse"):
        state |= _recurrent(draw, "encoder.lstm", SIZE, SIZE // 2, ending)
    attention = "decoder.attention_layer"
    location = f"{attention}.location_layer"
    linear = {
        "decoder.prenet.layers.0": (PRENET, MEL_BINS),
        "decoder.prenet.layers.1": (PRENET, PRENET),
        f"{attention}.query_layer": (ATTENTION, RNN),
        f"{attention}.memory_layer": (ATTENTION, SIZE),
        f"{attention}.v": (1, ATTENTION),
        f"{location}.location_dense": (ATTENTION, FILTERS),
        "decoder.linear_projection": (MEL_BINS, RNN + SIZE),
        "decoder.gate_layer": (1, RNN + SIZE),
    }
    for name, shape in linear.items():
        state[f"{name}.linear_layer.weight"] = draw.weight(*shape, gain=2.0)
    location_shape = (FILTERS, 2, LOCATION_KERNEL)
    state[f"{location}.location_conv.conv.weight"] = draw.weight(*location_shape)
    state["decoder.linear_projection.linear_layer.bias"] = draw.bias(MEL_BINS)
    state |= _recurrent(draw, "decoder.attention_rnn", PRENET + SIZE, RNN)
    state |= _recurrent(draw, "decoder.decoder_rnn", RNN + SIZE, RNN)
    _teach_to_stop(state)
    sizes = [MEL_BINS, SIZE, SIZE, SIZE, SIZE, MEL_BINS]
    for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
        state |= _convolution(draw, f"postnet.convolutions.{layer}", inputs, outputs)
    return state


def _teach_to_stop(state: State) -> None:
    """One unit of the decoder fills up slowly and alone opens the gate, after 60 to 90 frames."""
    rnn = "decoder.decoder_rnn"
    into, forget, add, out = (CLOCK + gate * RNN for gate in range(4))
    for row in (into, forget, add, out):
        state[f"{rnn}.weight_ih"][row] *= 0.05
        state[f"{rnn}.weight_hh"][row] = 0
        state[f"{rnn}.bias_hh"][row] = 0
    state[f"{rnn}.bias_ih"][into] = -4.0  # Takes in 0.018 of 1 at each frame.
    state[f"{rnn}.bias_ih"][forget] = 10.0
    state[f"{rnn}.bias_ih"][add] = 3.0
    state[f"{rnn}.bias_ih"][out] = 10.0
    gate = "decoder.gate_layer.linear_layer"
    state[f"{gate}.weight"] = torch.zeros(1, RNN + SIZE)
    state[f"{gate}.weight"][0, CLOCK] = 40.0
    state[f"{gate}.bias"] = torch.tensor([-35.0])


def make_generator(seed: int = 0, wrapper: str = ".conv") -> State:
    """A HiFi-GAN generator with weight norm; SpeechBrain wraps each layer."""
    draw = _Drawer(seed)
    state: State = {}

    def add(name: str, *shape: int, outputs: int | None = None, gain: float = 1.0) -> None:
        direction = draw.weight(*shape, gain=gain)
        length = direction.flatten(1).norm(dim=1).view(-1, 1, 1)
        state[f"{name}{wrapper}.bias"] = 0.02 * draw.bias(outputs or shape[0])
        state[f"{name}{wrapper}.weight_g"] = length * 1.1
        state[f"{name}{wrapper}.weight_v"] = direction

    add("conv_pre", GENERATOR_SIZE, MEL_BINS, 7)
    channels = GENERATOR_SIZE
    for place, (rate, kernel) in enumerate(UPSAMPLINGS):
        # Each sample of the output hears kernel / rate of the input's.
        gain = (kernel * channels / 2 / (channels * kernel / rate)) ** 0.5
        add(f"ups.{place}", channels, channels // 2, kernel, outputs=channels // 2, gain=gain)
        channels //= 2
        for block, size in enumerate(BLOCK_KERNELS):
            for part in ("convs1", "convs2"):
                for layer in range(3):
                    name = f"resblocks.{place * len(BLOCK_KERNELS) + block}.{part}.{layer}"
                    add(name, channels, channels, size)
    add("conv_post", 1, channels, 7, gain=0.3)
    return state


def write_speechbrain(folder: Path, seed: int = 0) -> None:
    """A repository like speechbrain/tts-tacotron2-ljspeech."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hyperparams.yaml").write_text(HYPERPARAMETERS, encoding="utf-8")
    torch.save(make_tacotron2(seed), folder / "model.ckpt")


def write_speechbrain_vocoder(folder: Path, seed: int = 0) -> None:
    """A repository like speechbrain/tts-hifigan-ljspeech."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hyperparams.yaml").write_text(VOCODER_HYPERPARAMETERS, encoding="utf-8")
    torch.save(make_generator(seed), folder / "generator.ckpt")


def write_nvidia(folder: Path, seed: int = 0) -> None:
    """The one file that NVIDIA publishes: a training's state, of several devices."""
    folder.mkdir(parents=True, exist_ok=True)
    wrapped = {f"module.{name}": tensor for name, tensor in make_tacotron2(seed).items()}
    checkpoint = {"epoch": 1500, "config": {"n_symbols": SYMBOLS}, "state_dict": wrapped}
    torch.save(checkpoint, folder / "nvidia_tacotron2pyt_fp32.pth")


def write_plain_vocoder(folder: Path, seed: int = 0) -> None:
    """A generator as HiFi-GAN's first authors publish it."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"generator": make_generator(seed, wrapper="")}, folder / "generator_v1.pt")

"""Silero's voice activity model: how likely each 32 ms of a recording are speech.

The weights are those the package silero-vad carries (MIT). Computed here with numpy and for many
windows at once: the package's own loop over windows takes 3 to 9 s for 10 minutes of speech, and
this neither needs torch nor its thread.

Source: https://github.com/snakers4/silero-vad, version 6, the 16 kHz model.
"""

import functools
import importlib.util
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float32]

RATE_HZ = 16000
WINDOW = 512  # Samples that one probability is for.
CONTEXT = 64  # Samples before them that the model sees too.
REFLECTED = 64
FFT = 256
HOP = 128
BINS = FFT // 2 + 1
WIDTH = 128
BLOCK = 512  # Windows computed at once: 3 MB per layer.
WEIGHTS_FILE = "silero_vad.jit"
PREFIX = "_model."  # Of the 16 kHz model in that file.


@functools.cache
def load_weights() -> dict[str, Array]:
    """The package's weights, read once, without the package: it sets torch's threads to one."""
    import torch  # Takes 2 s, and whoever measures speech has a model that has it loaded.

    spec = importlib.util.find_spec("silero_vad")
    assert spec is not None, "the package silero-vad is installed"
    assert spec.submodule_search_locations, "silero-vad is a package"
    file = Path(spec.submodule_search_locations[0]) / "data" / WEIGHTS_FILE
    with warnings.catch_warnings():
        # TorchScript is due to go; these are weights, and they come in no other form.
        warnings.simplefilter("ignore", DeprecationWarning)
        model: Any = torch.jit.load(file, map_location="cpu")  # type: ignore[no-untyped-call]
    return {
        name.removeprefix(PREFIX): tensor.numpy()
        for name, tensor in model.state_dict().items()
        if name.startswith(PREFIX)
    }


@dataclass(frozen=True, slots=True)
class _Layers:
    """Weights as the products want them: [inputs, outputs]."""

    fourier: Array
    first: tuple[Array, Array]
    second: tuple[Array, Array]
    third: tuple[Array, Array]
    fourth: tuple[Array, Array]
    gates_in: tuple[Array, Array]
    gates_state: Array
    out: tuple[Array, float]


@functools.cache
def _layers() -> _Layers:
    raw = load_weights()

    def conv(place: int) -> tuple[Array, Array]:
        name = f"encoder.{place}.reparam_conv"
        weight = raw[f"{name}.weight"]  # [out, in, 3] → [3 · in, out], taps slowest.
        return _plain(weight.transpose(2, 1, 0).reshape(-1, len(weight))), raw[f"{name}.bias"]

    first, second, third, (fourth, fourth_bias) = map(conv, range(4))
    middle = slice(len(fourth) // 3, 2 * len(fourth) // 3)  # Its outer taps only see padding.
    gates_bias = raw["decoder.rnn.bias_ih"] + raw["decoder.rnn.bias_hh"]
    return _Layers(
        fourier=_plain(raw["stft.forward_basis_buffer"][:, 0].T),
        first=first,
        second=second,
        third=third,
        fourth=(_plain(fourth[middle]), fourth_bias),
        gates_in=(_plain(raw["decoder.rnn.weight_ih"].T), gates_bias),
        gates_state=_plain(raw["decoder.rnn.weight_hh"].T),
        out=(raw["decoder.decoder.2.weight"][0, :, 0], float(raw["decoder.decoder.2.bias"][0])),
    )


class SpeechMeter:
    """Follows one recording or stream; not for two threads at once."""

    def __init__(self) -> None:
        self._layers = _layers()
        self._context: Array = np.zeros(CONTEXT, np.float32)
        self._hidden: Array = np.zeros(WIDTH, np.float32)
        self._cell: Array = np.zeros(WIDTH, np.float32)

    def measure(self, samples: Array) -> Array:
        """The probability of speech in each window of 512 samples, [ceil(n / 512)].

        samples: float32 [n], mono, at 16 kHz, the next of the stream. Only the last call may
        have a length that is no multiple of 512; its rest is taken as followed by silence.
        """
        if not len(samples):
            return np.zeros(0, np.float32)
        rest = -len(samples) % WINDOW
        whole = np.concatenate([self._context, samples, np.zeros(rest, np.float32)])
        self._context = whole[-CONTEXT:].copy()
        views = sliding_window_view(whole, CONTEXT + WINDOW)[::WINDOW]
        made = [
            self._follow(self._encode(views[start : start + BLOCK]))
            for start in range(0, len(views), BLOCK)
        ]
        return np.concatenate(made)

    def _encode(self, windows: Array) -> Array:
        """[windows, 576] → what the recurrent layer adds up, [windows, 4 · 128]."""
        layers = self._layers
        mirrored = windows[:, -2 : -2 - REFLECTED : -1]
        padded = np.concatenate([windows, mirrored], axis=1)
        frames = sliding_window_view(padded, FFT, axis=1)[:, ::HOP]
        spectrum = np.ascontiguousarray(frames) @ layers.fourier
        sound = np.sqrt(spectrum[..., :BINS] ** 2 + spectrum[..., BINS:] ** 2)
        sound = _convolve(sound, *layers.first, stride=1)
        sound = _convolve(sound, *layers.second, stride=2)
        sound = _convolve(sound, *layers.third, stride=2)[:, 0]
        weight, bias = layers.fourth
        sound = np.maximum(sound @ weight + bias, 0.0)
        weight, bias = layers.gates_in
        made: Array = sound @ weight + bias
        return made

    def _follow(self, gates: Array) -> Array:
        """The recurrent layer, window by window."""
        weight, bias = self._layers.out
        state_weight = self._layers.gates_state
        hidden, cell = self._hidden, self._cell
        states = np.empty((len(gates), WIDTH), np.float32)
        for place, row in enumerate(gates):
            total = row + hidden @ state_weight
            # Input, forget, candidate, output; sigmoid(x) = (1 + tanh(x / 2)) / 2.
            candidate = np.tanh(total[2 * WIDTH : 3 * WIDTH])
            soft = 0.5 + 0.5 * np.tanh(0.5 * total)
            cell = soft[WIDTH : 2 * WIDTH] * cell + soft[:WIDTH] * candidate
            hidden = soft[3 * WIDTH :] * np.tanh(cell)
            states[place] = hidden
        self._hidden, self._cell = hidden, cell
        made: Array = 0.5 + 0.5 * np.tanh(0.5 * (np.maximum(states, 0.0) @ weight + bias))
        return made.astype(np.float32)


def _convolve(sound: Array, weight: Array, bias: Array, stride: int) -> Array:
    """A convolution of width 3 with its rectifier: [n, time, in] → [n, time / stride, out]."""
    padded = np.pad(sound, ((0, 0), (1, 1), (0, 0)))
    count = (sound.shape[1] - 1) // stride + 1
    taps = [padded[:, tap : tap + stride * (count - 1) + 1 : stride] for tap in range(3)]
    made: Array = np.maximum(np.concatenate(taps, axis=2) @ weight + bias, 0.0)
    return made


def _plain(array: Array) -> Array:
    return np.ascontiguousarray(array, np.float32)

"""Tacotron2 and HiFi-GAN step by step, from the tables of weights as they are published.

Written from the papers with torch's plain functions; nothing of the service is used.
"""

from typing import Any

import torch
from torch.nn import functional

from tests.checkpoints.tacotron2 import BLOCK_KERNELS, UPSAMPLINGS, State


def _convolve(state: State, name: str, hidden: torch.Tensor) -> torch.Tensor:
    """A convolution of the same length, then batch normalisation by its formula."""
    weight = state[f"{name}.0.conv.weight"]
    out = functional.conv1d(
        hidden, weight, state[f"{name}.0.conv.bias"], padding=weight.shape[2] // 2
    )

    def row(part: str) -> torch.Tensor:
        return state[f"{name}.1.{part}"][None, :, None]

    spread = torch.sqrt(row("running_var") + 1e-5)
    return (out - row("running_mean")) / spread * row("weight") + row("bias")


def _lstm_step(
    state: State, name: str, seen: torch.Tensor, past: tuple[torch.Tensor, torch.Tensor], end: str
) -> tuple[torch.Tensor, torch.Tensor]:
    hidden, cell = past
    gates = seen @ state[f"{name}.weight_ih{end}"].T + state[f"{name}.bias_ih{end}"]
    gates = gates + hidden @ state[f"{name}.weight_hh{end}"].T + state[f"{name}.bias_hh{end}"]
    into, forget, add, out = gates.chunk(4, dim=1)
    cell = torch.sigmoid(forget) * cell + torch.sigmoid(into) * torch.tanh(add)
    return torch.sigmoid(out) * torch.tanh(cell), cell


def _encode(state: State, ids: list[int]) -> torch.Tensor:
    """[tokens, size]: there and back."""
    hidden = state["embedding.weight"][torch.tensor(ids)].T[None]
    for layer in range(3):
        hidden = torch.relu(_convolve(state, f"encoder.convolutions.{layer}", hidden))
    places = hidden[0].T
    halves = []
    for ending, order in (("_l0", 1), ("_l0_reverse", -1)):
        size = state[f"encoder.lstm.weight_hh{ending}"].shape[1]
        past = (torch.zeros(1, size), torch.zeros(1, size))
        made = []
        for place in range(len(ids))[::order]:
            past = _lstm_step(state, "encoder.lstm", places[place : place + 1], past, ending)
            made.append(past[0])
        halves.append(torch.cat(made[::order]))
    return torch.cat(halves, dim=1)


def _attend(
    state: State, query: torch.Tensor, memory: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """[1, tokens]."""
    name = "decoder.attention_layer"

    def linear(part: str, value: torch.Tensor) -> torch.Tensor:
        return value @ state[f"{name}.{part}.linear_layer.weight"].T

    kernel = state[f"{name}.location_layer.location_conv.conv.weight"]
    place = functional.conv1d(weights[None], kernel, padding=kernel.shape[2] // 2)[0].T
    summed = linear("query_layer", query) + linear("memory_layer", memory)
    energies = linear("v", torch.tanh(summed + linear("location_layer.location_dense", place)))
    return torch.softmax(energies.T, dim=1)


def read_spectrogram(
    state: State, ids: list[int], seed: int, most: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """[mel bins, frames], the dropout drawn by torch itself after torch.manual_seed(seed).

    And what of the text each frame attended, [frames, tokens].
    """

    def linear(name: str, value: torch.Tensor) -> torch.Tensor:
        out = value @ state[f"decoder.{name}.linear_layer.weight"].T
        bias = state.get(f"decoder.{name}.linear_layer.bias")
        return out if bias is None else out + bias

    torch.manual_seed(seed)
    memory = _encode(state, ids)
    rnn = state["decoder.decoder_rnn.weight_hh"].shape[1]
    attention_past = decoder_past = (torch.zeros(1, rnn), torch.zeros(1, rnn))
    weights = torch.zeros(2, len(ids))
    context = torch.zeros(1, memory.shape[1])
    frames = [torch.zeros(1, state["decoder.linear_projection.linear_layer.bias"].shape[0])]
    attended = []
    gate = 0.0
    while gate <= 0.5 and len(frames) <= most:
        seen = frames[-1]
        for layer in range(2):
            seen = functional.dropout(torch.relu(linear(f"prenet.layers.{layer}", seen)), 0.5, True)
        seen = torch.cat([seen, context], dim=1)
        attention_past = _lstm_step(state, "decoder.attention_rnn", seen, attention_past, "")
        now = _attend(state, attention_past[0], memory, weights)
        weights = torch.cat([now, weights[1:] + now])
        attended.append(now)
        context = now @ memory
        heard = torch.cat([attention_past[0], context], dim=1)
        decoder_past = _lstm_step(state, "decoder.decoder_rnn", heard, decoder_past, "")
        out = torch.cat([decoder_past[0], context], dim=1)
        frames.append(linear("linear_projection", out))
        gate = float(torch.sigmoid(linear("gate_layer", out)))
    spectrogram = torch.cat(frames[1:]).T
    added = spectrogram[None]
    for layer in range(5):
        added = _convolve(state, f"postnet.convolutions.{layer}", added)
        added = added if layer == 4 else torch.tanh(added)
    return spectrogram + added[0], torch.cat(attended)


def vocode(state: State, spectrogram: torch.Tensor, wrapper: str) -> torch.Tensor:
    """[samples]; ``wrapper`` .conv: as SpeechBrain does, mirrored and lengthened at the ends."""

    def weight(name: str) -> torch.Tensor:
        direction = state[f"{name}{wrapper}.weight_v"]
        norms = torch.stack([row.norm() for row in direction])[:, None, None]
        return direction / norms * state[f"{name}{wrapper}.weight_g"]

    def convolve(name: str, hidden: torch.Tensor, dilation: int = 1) -> torch.Tensor:
        kernel = weight(name)
        edge = (kernel.shape[2] - 1) // 2 * dilation
        mode: Any = "reflect" if wrapper else "constant"
        hidden = functional.pad(hidden, (edge, edge), mode)
        return functional.conv1d(hidden, kernel, state[f"{name}{wrapper}.bias"], dilation=dilation)

    hidden = spectrogram[None]
    if wrapper:
        hidden = torch.cat([hidden[..., :1]] * 5 + [hidden] + [hidden[..., -1:]] * 5, dim=2)
    hidden = convolve("conv_pre", hidden)
    for place, (rate, kernel) in enumerate(UPSAMPLINGS):
        bias = state[f"ups.{place}{wrapper}.bias"]
        hidden = functional.conv_transpose1d(
            functional.leaky_relu(hidden, 0.1),
            weight(f"ups.{place}"),
            bias,
            stride=rate,
            padding=(kernel - rate) // 2,
        )
        total = torch.zeros_like(hidden)
        for block in range(len(BLOCK_KERNELS)):
            name, part = f"resblocks.{place * len(BLOCK_KERNELS) + block}", hidden
            for layer, dilation in enumerate((1, 3, 5)):
                inner = convolve(
                    f"{name}.convs1.{layer}", functional.leaky_relu(part, 0.1), dilation
                )
                part = part + convolve(f"{name}.convs2.{layer}", functional.leaky_relu(inner, 0.1))
            total = total + part
        hidden = total / len(BLOCK_KERNELS)
    return torch.tanh(convolve("conv_post", functional.leaky_relu(hidden, 0.01)))[0, 0]

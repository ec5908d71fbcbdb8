"""Tacotron2's layers, under the names that torchaudio gives them.

Source: Shen et al. 2018, Natural TTS Synthesis by Conditioning WaveNet on Mel Spectrogram
Predictions.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import relu, softmax


@dataclass(frozen=True, slots=True)
class Tacotron2Shape:
    """The sizes of a checkpoint."""

    symbols: int
    mel_bins: int
    symbol_size: int
    encoder_size: int
    encoder_layers: int
    encoder_kernel: int
    prenet_size: int
    attention_rnn: int
    attention_size: int
    location_filters: int
    location_kernel: int
    decoder_rnn: int
    postnet_size: int
    postnet_layers: int
    postnet_kernel: int


def _convolution(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv1d(inputs, outputs, kernel, padding=(kernel - 1) // 2)
    return nn.Sequential(convolution, nn.BatchNorm1d(outputs))


class Encoder(nn.Module):
    """float32 [1, symbol size, tokens] → [1, tokens, encoder size]."""

    def __init__(self, shape: Tacotron2Shape) -> None:
        super().__init__()
        size = shape.encoder_size
        self.convolutions = nn.ModuleList(
            _convolution(size, size, shape.encoder_kernel) for _ in range(shape.encoder_layers)
        )
        self.lstm = nn.LSTM(size, size // 2, batch_first=True, bidirectional=True)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        for convolution in self.convolutions:
            hidden = relu(convolution(hidden))
        encoded: torch.Tensor = self.lstm(hidden.transpose(1, 2))[0]
        return encoded


class Prenet(nn.Module):
    """Two layers whose dropout stays on: it is where the speech's variety comes from."""

    def __init__(self, shape: Tacotron2Shape) -> None:
        super().__init__()
        sizes = (shape.mel_bins, shape.prenet_size, shape.prenet_size)
        self.layers = nn.ModuleList(
            nn.Linear(inputs, outputs, bias=False) for inputs, outputs in pairwise(sizes)
        )

    def forward(self, frame: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        for layer in self.layers:
            frame = relu(layer(frame))
            # As torch's own dropout of one half, but with a generator.
            frame = frame * (torch.empty_like(frame).bernoulli_(0.5, generator=generator) / 0.5)
        return frame


class LocationLayer(nn.Module):
    def __init__(self, shape: Tacotron2Shape) -> None:
        super().__init__()
        kernel = shape.location_kernel
        self.location_conv = nn.Conv1d(
            2, shape.location_filters, kernel, padding=(kernel - 1) // 2, bias=False
        )
        self.location_dense = nn.Linear(shape.location_filters, shape.attention_size, bias=False)

    def forward(self, weights: torch.Tensor) -> torch.Tensor:
        located: torch.Tensor = self.location_dense(self.location_conv(weights).transpose(1, 2))
        return located


class Attention(nn.Module):
    """Where in the text the next frame is; it sees where it was, and where it has been."""

    def __init__(self, shape: Tacotron2Shape) -> None:
        super().__init__()
        size = shape.attention_size
        self.query_layer = nn.Linear(shape.attention_rnn, size, bias=False)
        self.memory_layer = nn.Linear(shape.encoder_size, size, bias=False)
        self.v = nn.Linear(size, 1, bias=False)
        self.location_layer = LocationLayer(shape)

    def forward(
        self, query: torch.Tensor, memory: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """float32 [1, tokens], from the memory as memory_layer has it and [1, 2, tokens]."""
        summed = self.query_layer(query).unsqueeze(1) + self.location_layer(weights) + memory
        return softmax(self.v(torch.tanh(summed)).squeeze(2), dim=1)


class Decoder(nn.Module):
    def __init__(self, shape: Tacotron2Shape) -> None:
        super().__init__()
        context = shape.encoder_size
        self.prenet = Prenet(shape)
        self.attention_rnn = nn.LSTMCell(shape.prenet_size + context, shape.attention_rnn)
        self.attention_layer = Attention(shape)
        self.decoder_rnn = nn.LSTMCell(shape.attention_rnn + context, shape.decoder_rnn)
        self.linear_projection = nn.Linear(shape.decoder_rnn + context, shape.mel_bins)
        self.gate_layer = nn.Linear(shape.decoder_rnn + context, 1)


class Postnet(nn.Module):
    """What is added to a spectrogram, float32 [1, mel bins, frames] in and out."""

    def __init__(self, shape: Tacotron2Shape) -> None:
        super().__init__()
        between = [shape.postnet_size] * (shape.postnet_layers - 1)
        sizes = [shape.mel_bins, *between, shape.mel_bins]
        self.convolutions = nn.ModuleList(
            _convolution(inputs, outputs, shape.postnet_kernel)
            for inputs, outputs in pairwise(sizes)
        )

    def forward(self, spectrogram: torch.Tensor) -> torch.Tensor:
        *inner, last = self.convolutions
        for convolution in inner:
            spectrogram = torch.tanh(convolution(spectrogram))
        added: torch.Tensor = last(spectrogram)
        return added


class Tacotron2(nn.Module):
    def __init__(self, shape: Tacotron2Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.symbols, shape.symbol_size)
        self.encoder = Encoder(shape)
        self.decoder = Decoder(shape)
        self.postnet = Postnet(shape)


class Reading:
    """One text on its way: the state of the decoder between two frames.

    Args:
        model: In eval mode.
        token_ids: int64 [1, tokens].
        generator: Draws the prenet's dropout.
    """

    def __init__(
        self, model: Tacotron2, token_ids: torch.Tensor, generator: torch.Generator
    ) -> None:
        self._decoder = model.decoder
        self._generator = generator
        shape = model.shape
        self._memory = model.encoder(model.embedding(token_ids).transpose(1, 2))
        self._keys = model.decoder.attention_layer.memory_layer(self._memory)
        zeros = self._memory.new_zeros
        self._frame = zeros(1, shape.mel_bins)
        self._attention_state = (zeros(1, shape.attention_rnn), zeros(1, shape.attention_rnn))
        self._decoder_state = (zeros(1, shape.decoder_rnn), zeros(1, shape.decoder_rnn))
        self._weights: torch.Tensor = zeros(1, token_ids.shape[1])
        self._past_weights = zeros(1, token_ids.shape[1])
        self._context = zeros(1, shape.encoder_size)

    @property
    def attention(self) -> torch.Tensor:
        """float32 [1, tokens]: where in the text the last frame was, in all 1."""
        return self._weights

    def next_frame(self) -> tuple[torch.Tensor, float]:
        """float32 [1, mel bins], and how probable it is that it is the last."""
        decoder = self._decoder
        seen = torch.cat([decoder.prenet(self._frame, self._generator), self._context], dim=1)
        self._attention_state = decoder.attention_rnn(seen, self._attention_state)
        weights = torch.stack([self._weights, self._past_weights], dim=1)
        query = self._attention_state[0]
        self._weights = decoder.attention_layer(query, self._keys, weights)
        self._past_weights = self._past_weights + self._weights
        self._context = torch.bmm(self._weights.unsqueeze(1), self._memory).squeeze(1)
        heard = torch.cat([query, self._context], dim=1)
        self._decoder_state = decoder.decoder_rnn(heard, self._decoder_state)
        state = torch.cat([self._decoder_state[0], self._context], dim=1)
        self._frame = decoder.linear_projection(state)
        return self._frame, float(torch.sigmoid(decoder.gate_layer(state)))

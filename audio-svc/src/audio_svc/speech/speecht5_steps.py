"""SpeechT5's decoder, one step of several utterances at once.

What has weights (projections, feed-forward) takes the rows of all utterances together: a step of
one row waits for memory, which brings in all weights, and eight rows cost little more. Attention
looks at each utterance's own keys and values, so none is padded or masked, and utterances join
and leave between two steps. With one utterance the operations are the library's own.
"""

from collections.abc import Sequence
from typing import Any

import torch

from audio_svc.speech.speecht5_decode import STOP_THRESHOLD, PrenetTail, Tail, last_rows, max_steps

Pair = tuple[torch.Tensor, torch.Tensor]
FIRST_STEPS = 64


class Reading:
    """One utterance on its way: what it has been given, its keys and values, its frames so far.

    Attributes:
        stopped: The model itself ended it.
        ended: It takes no more steps: it stopped, or it is as long as text and model allow.
    """

    def __init__(self, model: Any, token_ids: torch.Tensor, tail: PrenetTail) -> None:
        """token_ids: int64 [1, tokens]; tail: its prenet, with its voice and its seed."""
        config = model.config
        self._model = model
        self._tail = tail
        with torch.inference_mode():
            mask = 1 - (token_ids == config.pad_token_id).int()
            encoded = model.speecht5.encoder(input_values=token_ids, attention_mask=mask)
            text = encoded.last_hidden_state
            layers = model.speecht5.decoder.wrapped_decoder.layers
            self.cross = [_project(layer.encoder_attn, text) for layer in layers]
            self._own = [_Grown(keys) for keys, _values in self.cross]
            self._sequence = text.new_zeros(1, 1, config.num_mel_bins)
        self._drawn: Tail | None = None
        self._spectra: list[torch.Tensor] = []
        self._max_steps = max_steps(text.shape[1], config)
        self.stopped = False

    @property
    def ended(self) -> bool:
        return self.stopped or len(self._spectra) >= self._max_steps

    def tail(self) -> Tail:
        """What its next step begins with, the same however often asked."""
        if self._drawn is None:
            self._drawn = self._tail.draw(self._sequence)
        return self._drawn

    def extend(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> Pair:
        """Its keys and values of a layer, [heads, steps, head size] each, with those of now."""
        return self._own[layer].put(len(self._spectra), key, value)

    def take(self, spectrum: torch.Tensor, stop: float) -> None:
        """spectrum: [1, reduction factor, mel bins]."""
        self._drawn = None
        self._spectra.append(spectrum)
        self._sequence = torch.cat((self._sequence, spectrum[:, -1:]), dim=1)
        self.stopped = stop >= STOP_THRESHOLD

    def spectrogram(self) -> torch.Tensor:
        """float32 [frames, mel bins], before the vocoder."""
        with torch.inference_mode():
            frames = torch.stack(self._spectra).transpose(0, 1).flatten(1, 2)
            made: torch.Tensor = self._model.speech_decoder_postnet.postnet(frames)[0]
            return made


class _Grown:
    """Keys and values of one layer, with room for more, so that a step copies none of them."""

    def __init__(self, like: torch.Tensor) -> None:
        heads, _tokens, size = like.shape
        self._both = like.new_empty(2, heads, FIRST_STEPS, size)

    def put(self, place: int, key: torch.Tensor, value: torch.Tensor) -> Pair:
        """key, value: [heads, 1, head size]. All up to this place."""
        if place == self._both.shape[2]:
            self._both = torch.cat((self._both, torch.empty_like(self._both)), dim=2)
        self._both[0, :, place : place + 1] = key
        self._both[1, :, place : place + 1] = value
        return self._both[0, :, : place + 1], self._both[1, :, : place + 1]


def advance(model: Any, readings: Sequence[Reading]) -> None:
    """Gives each utterance its next frames. One that failed can be taken again."""
    with torch.inference_mode():
        decoder = model.speecht5.decoder
        rows = last_rows(decoder.prenet, [reading.tail() for reading in readings])
        for number, layer in enumerate(decoder.wrapped_decoder.layers):
            rows = rows + _look_back(layer.self_attn, rows, readings, number)
            rows = layer.self_attn_layer_norm(rows)
            rows = rows + _look_at_text(layer.encoder_attn, rows, readings, number)
            rows = layer.encoder_attn_layer_norm(rows)
            rows = rows + layer.feed_forward(rows)
            rows = layer.final_layer_norm(rows)
        _read_out(model, rows.squeeze(1), readings)


def _look_back(
    attention: Any, rows: torch.Tensor, readings: Sequence[Reading], layer: int
) -> torch.Tensor:
    queries = _heads(attention, attention.q_proj(rows) * attention.scaling)
    keys = _heads(attention, attention.k_proj(rows))
    values = _heads(attention, attention.v_proj(rows))
    pairs = [
        reading.extend(layer, keys[place], values[place]) for place, reading in enumerate(readings)
    ]
    return _attend(attention, queries, pairs)


def _look_at_text(
    attention: Any, rows: torch.Tensor, readings: Sequence[Reading], layer: int
) -> torch.Tensor:
    queries = _heads(attention, attention.q_proj(rows) * attention.scaling)
    return _attend(attention, queries, [reading.cross[layer] for reading in readings])


def _attend(attention: Any, queries: torch.Tensor, pairs: Sequence[Pair]) -> torch.Tensor:
    """queries: [utterances, heads, 1, head size] → [utterances, 1, hidden size]."""
    seen = []
    for query, (keys, values) in zip(queries, pairs, strict=True):
        weights = torch.nn.functional.softmax(torch.bmm(query, keys.transpose(1, 2)), dim=-1)
        seen.append(torch.bmm(weights, values).transpose(0, 1).reshape(1, 1, -1))
    return attention.out_proj(torch.cat(seen))  # type: ignore[no-any-return]


def _project(attention: Any, text: torch.Tensor) -> Pair:
    """Keys and values of the text, [heads, tokens, head size] each."""
    keys = _heads(attention, attention.k_proj(text))[0].contiguous()
    return keys, _heads(attention, attention.v_proj(text))[0].contiguous()


def _heads(attention: Any, rows: torch.Tensor) -> torch.Tensor:
    """[utterances, n, hidden size] → [utterances, heads, n, head size]."""
    shape = (rows.shape[0], -1, attention.num_heads, attention.head_dim)
    return rows.view(shape).transpose(1, 2)


def _read_out(model: Any, hidden: torch.Tensor, readings: Sequence[Reading]) -> None:
    postnet, config = model.speech_decoder_postnet, model.config
    shape = (len(readings), config.reduction_factor, config.num_mel_bins)
    spectra = postnet.feat_out(hidden).view(shape)
    stops = torch.sigmoid(postnet.prob_out(hidden)).sum(dim=-1).tolist()
    for place, reading in enumerate(readings):
        reading.take(spectra[place : place + 1], stops[place])

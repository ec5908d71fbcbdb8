"""VALL-E X's two stacks, under the names of the published checkpoint.

Source: Wang et al. 2023, Neural Codec Language Models are Zero-Shot Text to Speech Synthesizers;
Zhang et al. 2023, Speak Foreign Languages with Your Own Voice.
"""

from collections.abc import Generator
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, relu, scaled_dot_product_attention

HEADS = 16  # Of the published checkpoint; its weights don't tell.
WAVELENGTHS = 10000.0


@dataclass(frozen=True, slots=True)
class VallexShape:
    """The sizes of a checkpoint. ``codes``: of one codebook; its end's number comes after them."""

    width: int
    inner: int
    layers: int
    signs: int
    languages: int
    codes: int
    codebooks: int


class Cache:
    """Keys and values of one utterance, by layer; it grows as it fills."""

    def __init__(self, layers: int) -> None:
        self._kept: list[Tensor | None] = [None] * layers
        self._length = [0] * layers

    def add(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """All there are of that layer. keys, values: float32 [1, heads, new, head width]."""
        begin = self._length[layer]
        end = begin + keys.shape[2]
        kept = self._kept[layer]
        if kept is None or end > kept.shape[3]:
            wider = keys.new_empty(2, *keys.shape[:2], 2 * end, keys.shape[3])
            if kept is not None:
                wider[:, :, :, :begin] = kept[:, :, :, :begin]
            self._kept[layer] = kept = wider
        kept[0, :, :, begin:end] = keys
        kept[1, :, :, begin:end] = values
        self._length[layer] = end
        return kept[0, :, :, :end], kept[1, :, :, :end]


class Table(nn.Module):
    """A vector for each number."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(count, width)

    @property
    def weight(self) -> Tensor:
        return self.word_embeddings.weight

    def forward(self, numbers: Tensor) -> Tensor:
        found: Tensor = self.word_embeddings(numbers)
        return found


class Places(nn.Module):
    """Adds sines of the places, as strong as the checkpoint has it."""

    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))

    def forward(self, hidden: Tensor, begin: int = 0) -> Tensor:
        """float32 [1, length, width], of which the first stands at ``begin``."""
        width = hidden.shape[2]
        places = torch.arange(begin, begin + hidden.shape[1], device=hidden.device)
        steps = torch.arange(0, width, 2, device=hidden.device).float()
        angles = places.float()[:, None] * torch.exp(steps * -(log(WAVELENGTHS) / width))
        sines = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
        return hidden + self.alpha * sines


class Attention(nn.Module):
    """Of each place to all that the mask lets it see."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(
        self, hidden: Tensor, mask: Tensor | None, cache: Cache | None, layer: int
    ) -> Tensor:
        """mask: bool [new, all], true where it may look; None: everywhere."""
        made = linear(hidden, self.in_proj_weight, self.in_proj_bias)
        made = made.view(*hidden.shape[:2], 3, HEADS, -1)
        query, keys, values = made.permute(2, 0, 3, 1, 4)
        if cache is not None:
            keys, values = cache.add(layer, keys, values)
        seen = scaled_dot_product_attention(query, keys, values, attn_mask=mask)
        out: Tensor = self.out_proj(seen.transpose(1, 2).flatten(2))
        return out


class PlainNorm(nn.LayerNorm):
    """One for all codebooks."""

    def forward(self, hidden: Tensor, stage: Tensor | None = None) -> Tensor:
        del stage
        return super().forward(hidden)


class StagedNorm(nn.Module):
    """One whose scale and shift follow from the codebook's vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project_layer = nn.Linear(width, 2 * width)
        self.norm = nn.LayerNorm(width)

    def forward(self, hidden: Tensor, stage: Tensor | None = None) -> Tensor:
        assert stage is not None, "the codebook is known wherever this is used"
        scale, shift = self.project_layer(stage).chunk(2, dim=-1)
        normed: Tensor = scale * self.norm(hidden) + shift
        return normed


class Layer(nn.Module):
    """Attention and two linear layers, each behind its norm."""

    def __init__(self, shape: VallexShape, norm: type[nn.Module]) -> None:
        super().__init__()
        self.self_attn = Attention(shape.width)
        self.linear1 = nn.Linear(shape.width, shape.inner)
        self.linear2 = nn.Linear(shape.inner, shape.width)
        self.norm1 = norm(shape.width)
        self.norm2 = norm(shape.width)

    def forward(
        self,
        hidden: Tensor,
        mask: Tensor | None,
        cache: Cache | None,
        layer: int,
        stage: Tensor | None,
    ) -> Tensor:
        hidden = hidden + self.self_attn(self.norm1(hidden, stage), mask, cache, layer)
        added: Tensor = self.linear2(relu(self.linear1(self.norm2(hidden, stage))))
        return hidden + added


class Stack(nn.Module):
    """float32 [1, length, width] → the same."""

    def __init__(self, shape: VallexShape, norm: type[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(shape, norm) for _ in range(shape.layers))
        self.norm = norm(shape.width)

    def forward(self, hidden: Tensor, cache: Cache) -> Tensor:
        """Of what comes next, one place at a time."""
        for place, layer in enumerate(self.layers):
            hidden = layer(hidden, None, cache, place, None)
        normed: Tensor = self.norm(hidden)
        return normed

    def walk(
        self,
        hidden: Tensor,
        *,
        mask: Tensor | None = None,
        cache: Cache | None = None,
        stage: Tensor | None = None,
    ) -> Generator[None, None, Tensor]:
        """The same of many places, with a rest after each layer: it takes a CPU 0.1 s."""
        for place, layer in enumerate(self.layers):
            with torch.inference_mode():
                hidden = layer(hidden, mask, cache, place, stage)
            yield
        with torch.inference_mode():
            normed: Tensor = self.norm(hidden, stage)
        return normed


class Vallex(nn.Module):
    """``ar_`` tells the first codebook step by step, ``nar_`` the others at one go each."""

    def __init__(self, shape: VallexShape) -> None:
        super().__init__()
        self.shape = shape
        width, codes, later = shape.width, shape.codes, shape.codebooks - 1
        self.ar_text_embedding = Table(shape.signs, width)
        self.ar_language_embedding = Table(shape.languages, width)
        self.ar_audio_embedding = Table(codes + 2, width)  # Behind the codes: end, beginning.
        self.ar_text_position = Places()
        self.ar_audio_position = Places()
        self.ar_decoder = Stack(shape, PlainNorm)
        self.ar_predict_layer = nn.Linear(width, codes + 1, bias=False)
        self.nar_text_embedding = Table(shape.signs, width)
        self.nar_language_embedding = Table(shape.languages, width)
        self.nar_audio_embeddings = nn.ModuleList(
            Table(codes + (book == 0), width) for book in range(shape.codebooks)
        )
        self.nar_text_position = Places()
        self.nar_audio_position = Places()
        self.nar_stage_embeddings = nn.ModuleList(Table(1, width) for _ in range(later))
        self.nar_decoder = Stack(shape, StagedNorm)
        self.nar_predict_layers = nn.ModuleList(
            nn.Linear(width, codes, bias=False) for _ in range(later)
        )

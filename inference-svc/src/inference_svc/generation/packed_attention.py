"""Attention for a batch whose texts lie one behind the other, each with its own cache.

There is no padding: the layers that work token by token see one row of tokens, and attention goes
over the texts one at a time. So a short text in company of a long one costs what it costs alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from inference_svc.generation.kv_cache import TextCache

NAME = "fleetserve_packed"


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A text's place among the tokens of a step."""

    cache: TextCache
    begin: int
    end: int


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: object,
    *,
    packed: Sequence[Span],
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """An attention function as transformers calls them; ``packed`` comes through the model.

    query is [1, heads, tokens, width], key and value may have fewer heads; softcap is Gemma 2's
    bound of the scores, s_aux gpt-oss's attention sinks. The result is [1, tokens, heads, width].
    """
    del attention_mask
    layer: Any = module.layer_idx
    heads, tokens = query.shape[1:3]
    out = query.new_empty((1, tokens, heads, value.shape[-1]))
    for span in packed:
        place = slice(span.begin, span.end)
        keys, values = span.cache.append(layer, key[0, :, place], value[0, :, place])
        queries = query[0, :, place]
        if sliding_window is not None:
            seen = sliding_window + queries.shape[1] - 1
            keys, values = keys[:, -seen:], values[:, -seen:]
        if softcap is None and s_aux is None:
            found = _attend(queries, keys, values, scaling, sliding_window)
        else:
            found = _attend_slowly(queries, keys, values, scaling, sliding_window, softcap, s_aux)
        out[0, place] = found.transpose(0, 1)
    return out, None


def _attend(
    queries: Tensor, keys: Tensor, values: Tensor, scaling: float | None, window: int | None
) -> Tensor:
    heads, count, width = queries.shape
    if count == 1:
        # The heads that share keys are as many queries of one head, and no mask is needed.
        grouped = queries.view(keys.shape[0], -1, width)
        found = scaled_dot_product_attention(grouped[None], keys[None], values[None], scale=scaling)
        return found.view(heads, 1, -1)
    whole = count == keys.shape[1] and (window is None or count <= window)
    found = scaled_dot_product_attention(
        queries[None],
        keys[None],
        values[None],
        attn_mask=None if whole else _mask(count, keys.shape[1], window, queries.device),
        is_causal=whole,
        scale=scaling,
        enable_gqa=heads != keys.shape[0],
    )
    return found[0]


def _attend_slowly(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    scaling: float | None,
    window: int | None,
    softcap: float | None,
    sinks: Tensor | None,
) -> Tensor:
    """What the fused kernels can't do."""
    heads, count, width = queries.shape
    groups = heads // keys.shape[0]
    keys, values = (t.repeat_interleave(groups, dim=0) for t in (keys, values))
    scale = width**-0.5 if scaling is None else scaling
    scores = torch.matmul(queries, keys.transpose(1, 2)) * scale
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    allowed = _mask(count, keys.shape[1], window, queries.device)
    scores = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
    if sinks is not None:
        scores = torch.cat([scores, sinks.view(-1, 1, 1).expand(-1, count, 1)], dim=-1)
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(values.dtype)
    return torch.matmul(weights[..., : keys.shape[1]], values)


def _mask(count: int, length: int, window: int | None, device: torch.device) -> Tensor:
    """[count, length], true where the last ``count`` of ``length`` tokens may look."""
    behind = torch.arange(length - count, length, device=device)[:, None] - torch.arange(
        length, device=device
    )
    allowed = behind >= 0
    return allowed if window is None else allowed & (behind < window)

"""Attention within each text of a row that holds several; known to transformers by its name.

Whoever runs a model that was set to it imports this module, the process that compiles one too.
"""

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

ATTENTION = "fleetserve_texts_in_a_row"


def _attend_within_texts(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    packed_lengths: list[int] | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attention within each text; [1, heads, tokens, width] in, [1, tokens, heads, width] out.

    Without lengths it is the library's own, on a padded batch.

    Raises: ValueError: the model looks at the distance of tokens, in the row or within a window
        that short samples don't reach.
    """
    if packed_lengths is None:
        padded: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **options
        )
        return padded
    if options.get("position_bias") is not None or options.get("sliding_window"):
        raise ValueError("distances are those of the row, not of its texts")
    queries, keys, values = (torch.split(p, packed_lengths, dim=2) for p in (query, key, value))
    found = [
        sdpa_attention_forward(module, q, k, v, None, **options)[0]
        for q, k, v in zip(queries, keys, values, strict=True)
    ]
    return (found[0] if len(found) == 1 else torch.cat(found, dim=1)), None


AttentionInterface.register(ATTENTION, _attend_within_texts)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)

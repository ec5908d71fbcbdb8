"""The texts of a batch one after the other in a single row, so that nothing is padded.

An encoder's linear layers, four fifths of its time, then compute no padding, and attention is
computed text by text. MiniLM, 32 texts of mixed lengths waiting, one thread: 0.93 to 1.02 of what
batches sorted by length reach offline, where padded batches of near lengths reach 0.8 to 0.9.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import structlog
import torch
from torch import Tensor
from transformers import PreTrainedModel

from inference_svc.engine.text_encoding import TokenRow, pad_rows
from inference_svc.text_attention import ATTENTION

log = structlog.get_logger(__name__)

PADDED_ATTENTION = "sdpa"
# A model that was not made for it computes something else altogether; float32 alone differs by
# 1e-6, bfloat16 products by 1e-2 of a vector's length.
NEAR = 0.05


class Packing:
    """An encoder that was seen to compute the same with its texts in one row.

    Args:
        model: With its attention by ATTENTION.
        first_position: Of a text's first token, as the model counts.
    """

    def __init__(self, model: Any, first_position: int, device: str) -> None:
        self._model = model
        self._first = first_position
        self._device = device

    def run(self, rows: Sequence[TokenRow]) -> tuple[Tensor, Tensor]:
        """The last hidden states, float [texts, longest, width], and their mask; zeros pad."""
        lengths = [len(row.ids) for row in rows]
        positions = np.concatenate([np.arange(n) for n in lengths]) + self._first
        named = {
            "input_ids": np.concatenate([row.ids for row in rows]),
            "position_ids": positions,
        }
        if rows[0].types is not None:
            named["token_type_ids"] = np.concatenate([row.types for row in rows])
        inputs = {name: torch.from_numpy(a)[None].to(self._device) for name, a in named.items()}
        states = self._model(**inputs, packed_lengths=lengths).last_hidden_state[0]
        padded = torch.nn.utils.rnn.pad_sequence(states.split(lengths), batch_first=True)
        places = torch.arange(padded.shape[1], device=padded.device)
        mask = places[None] < torch.tensor(lengths, device=padded.device)[:, None]
        return padded, mask.to(torch.int64)


def find_packing(
    model: Any, samples: Sequence[TokenRow], pad_id: int, device: str
) -> Packing | None:
    """How to run a model without padding; None: this one computes something else that way.

    ``samples`` are at least two, of different lengths.
    """
    if not isinstance(model, PreTrainedModel):
        return None
    if model.config._attn_implementation not in (PADDED_ATTENTION, ATTENTION):  # noqa: SLF001
        return None
    model.set_attn_implementation(ATTENTION)
    inputs = pad_rows(samples, pad_id, device)
    wanted, mask = model(**inputs).last_hidden_state, inputs["attention_mask"]
    # RoBERTa and its kin count positions from after the padding's id.
    for first in (0, pad_id + 1):
        packing = Packing(model, first, device)
        try:
            found, _ = packing.run(samples)
        except (TypeError, ValueError, RuntimeError, IndexError) as exc:
            log.debug("packing.refused", model=type(model).__name__, reason=str(exc))
            continue
        if _near(found, wanted, mask):
            return packing
    model.set_attn_implementation(PADDED_ATTENTION)
    return None


def _near(found: Tensor, wanted: Tensor, mask: Tensor) -> bool:
    """Every token's vector is the same, as far as its numbers are exact."""
    there = mask.bool()
    found, wanted = found[there].float(), wanted[there].float()
    apart = (found - wanted).norm(dim=-1)
    return bool((apart <= NEAR * wanted.norm(dim=-1)).all())

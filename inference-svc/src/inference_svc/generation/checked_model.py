"""Chooses how a model's texts are computed: packed where that gives what the library gives."""

from typing import Any

import structlog
import torch
from torch import Tensor

from fleetserve.errors import InternalError
from inference_svc.generation.causal import CausalModel, Row
from inference_svc.generation.packed_model import PackedModel
from inference_svc.generation.solo_model import SoloModel

log = structlog.get_logger(__name__)

SAMPLE_LENGTHS = (5, 9)
TOLERANCE = 1e-3  # Of the largest logit; float32 rounding is a hundred times smaller.


def check_model(model: Any, device: str, max_rows: int) -> CausalModel:
    """The model, warmed up, with what it takes per token measured. Compute thread.

    Raises: InternalError: neither way gives what a plain call gives.
    """
    samples = _samples(model.config.get_text_config().vocab_size)
    plain = model.config._attn_implementation  # noqa: SLF001 - the library has no other name for it
    # The reference: the fused attention leaves out what it can't do (Gemma 2's bound of scores).
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        expected = [model(torch.tensor([ids], device=device)).logits[0, -1] for ids in samples]
    for make in (lambda: PackedModel(model, device, max_rows), lambda: SoloModel(model, device)):
        model.set_attn_implementation(plain)
        try:
            chosen: CausalModel = make()
            caches = [chosen.open(len(ids)) for ids in samples]
            found = _read(chosen, caches, samples)
        except Exception as exc:  # noqa: BLE001 - whatever a family raises, the other way may do
            reason = f"{type(exc).__name__}: {exc}"
        else:
            if _close(found, expected):
                chosen.bytes_per_token = _bytes_of(caches[-1]) // len(samples[-1])
                return chosen
            reason = "its logits differ from the library's"
        log.info("generation.unfit", way=type(chosen).__name__, model=type(model).__name__)
    raise InternalError(
        f"{type(model).__name__} can't be continued step by step here: {reason[:300]}",
        code="model_load_failed",
    )


def _samples(vocabulary: int) -> list[list[int]]:
    return [[(7 * n + length) % vocabulary for n in range(length)] for length in SAMPLE_LENGTHS]


def _read(model: CausalModel, caches: list[Any], samples: list[list[int]]) -> list[Tensor]:
    """Each sample's last logits; two steps, of whole prompts and of one token, as texts have."""
    found: list[Tensor] = []
    together = model.max_rows >= len(samples)
    pairs = list(zip(caches, samples, strict=True))
    for group in [pairs] if together else [[pair] for pair in pairs]:
        model.step([Row(cache, ids[:-1], ends=False) for cache, ids in group])
        found += list(model.step([Row(cache, ids[-1:], ends=True) for cache, ids in group]))
    return found


def _close(found: list[Tensor], expected: list[Tensor]) -> bool:
    return all(
        bool((one - other).abs().max() <= TOLERANCE * other.abs().max())
        for one, other in zip(found, expected, strict=True)
    )


def _bytes_of(cache: Any) -> int:
    known = getattr(cache, "bytes", None)
    if known is not None:
        return int(known)
    tensors = [
        tensor
        for layer in cache.layers
        for tensor in (getattr(layer, "keys", None), getattr(layer, "values", None))
        if isinstance(tensor, Tensor)
    ]
    return sum(tensor.nbytes for tensor in tensors)

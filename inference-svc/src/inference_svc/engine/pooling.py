"""From token vectors to one vector per text.

Source: sentence-transformers, modules Pooling, Dense and Normalize.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from inference_svc.engine.sentence_layout import UnsupportedLayoutError, read_json


def pool(tokens: Tensor, mask: Tensor, modes: Sequence[str]) -> Tensor:
    """One vector per text; several modes are concatenated.

    Args:
        tokens: float [texts, length, width].
        mask: int [texts, length], 1 for tokens and 0 for padding, which is on the right.
        modes: Of sentence_layout.POOLING_MODES.
    """
    weights = mask.unsqueeze(-1).to(tokens.dtype)
    parts = [_MODES[mode](tokens, weights) for mode in modes]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def _cls(tokens: Tensor, weights: Tensor) -> Tensor:
    del weights
    return tokens[:, 0]


def _max(tokens: Tensor, weights: Tensor) -> Tensor:
    return tokens.masked_fill(weights == 0, float("-inf")).amax(dim=1)


def _mean(tokens: Tensor, weights: Tensor) -> Tensor:
    return (tokens * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)


def _mean_sqrt(tokens: Tensor, weights: Tensor) -> Tensor:
    return (tokens * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9).sqrt()


def _weighted_mean(tokens: Tensor, weights: Tensor) -> Tensor:
    places = torch.arange(1, tokens.shape[1] + 1, device=tokens.device, dtype=tokens.dtype)
    return _mean(tokens, weights * places.view(1, -1, 1))


def _last(tokens: Tensor, weights: Tensor) -> Tensor:
    last = weights.sum(dim=1, keepdim=True).long().clamp(min=1) - 1
    return tokens.gather(1, last.expand(-1, 1, tokens.shape[-1])).squeeze(1)


_MODES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cls": _cls,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}


def load_dense(folder: Path) -> nn.Module:
    """A linear layer with its activation.

    Raises: UnsupportedLayoutError: an activation that is not torch's, or a residual.
    """
    config = read_json(folder / "config.json") or {}
    if config.get("use_residual") or config.get("module_input_name", "sentence_embedding") != (
        "sentence_embedding"
    ):
        raise UnsupportedLayoutError("its dense layer is of a kind that is not supported")
    layer = nn.Linear(config["in_features"], config["out_features"], config.get("bias", True))
    stored = folder / "model.safetensors"
    if stored.is_file():
        weights = load_file(stored)
    else:
        weights = torch.load(folder / "pytorch_model.bin", weights_only=True, map_location="cpu")
    layer.load_state_dict({k.removeprefix("linear."): v for k, v in weights.items()})
    return nn.Sequential(layer, _activation(config.get("activation_function")))


def _activation(name: str | None) -> nn.Module:
    """``torch.nn.modules.activation.Tanh`` and the like; Tanh is the library's default."""
    if name is None:
        return nn.Tanh()
    module, _, kind = name.rpartition(".")
    found = getattr(nn, kind, None) if module.startswith("torch.nn.modules.") else None
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise UnsupportedLayoutError(f"its dense layer's activation is {name}")
    made: nn.Module = found()
    return made

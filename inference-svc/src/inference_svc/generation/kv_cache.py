"""Keys and values of one text, kept by itself: texts join and leave a batch without a copy."""

import torch
from torch import Tensor


class TextCache:
    """Room for ``capacity`` tokens in each layer; a layer's is made when it is first met.

    Attributes:
        length: Tokens read so far. What a step that failed has written beyond is forgotten.
    """

    __slots__ = ("_capacity", "_keys", "_values", "length")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._keys: dict[int, Tensor] = {}
        self._values: dict[int, Tensor] = {}
        self.length = 0

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Everything in this layer with these behind it; [heads, tokens, width] each."""
        kept = self._keys.get(layer)
        if kept is None:
            # Pages that are not written to take no memory yet on a CPU.
            kept = self._keys[layer] = _room(keys, self._capacity)
            self._values[layer] = _room(values, self._capacity)
        end = self.length + keys.shape[1]
        kept_values = self._values[layer]
        kept[:, self.length : end] = keys
        kept_values[:, self.length : end] = values
        return kept[:, :end], kept_values[:, :end]

    @property
    def untouched(self) -> bool:
        """No layer has ever brought anything."""
        return not self._keys

    @property
    def bytes(self) -> int:
        tensors = [*self._keys.values(), *self._values.values()]
        return sum(tensor.untyped_storage().nbytes() for tensor in tensors)


def _room(like: Tensor, capacity: int) -> Tensor:
    heads, _, width = like.shape
    return torch.empty((heads, capacity, width), dtype=like.dtype, device=like.device)

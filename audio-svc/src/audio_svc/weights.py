"""What is done with the weights of any model: counted, and made ready for use."""

from typing import Any

import torch
from torch.nn.utils import parametrize


def storage_bytes(*modules: Any) -> int:
    """Bytes of the parameters and buffers; what is shared counts once."""
    storages: dict[int, int] = {}
    for module in modules:
        tensors: list[torch.Tensor] = [*module.parameters(), *module.buffers()]
        for tensor in tensors:
            storage = tensor.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())


def fuse_weight_norm(model: torch.nn.Module) -> None:
    """Multiplies out weights that are kept as length and direction, once and not at each pass.

    The outputs are the same in every bit; it is the same product.
    """
    for module in list(model.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")

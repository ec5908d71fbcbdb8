"""How much memory the weights of a model take."""

from typing import Any

import torch


def storage_bytes(*modules: Any) -> int:
    """Bytes of the parameters and buffers; what is shared counts once."""
    storages: dict[int, int] = {}
    for module in modules:
        tensors: list[torch.Tensor] = [*module.parameters(), *module.buffers()]
        for tensor in tensors:
            storage = tensor.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())

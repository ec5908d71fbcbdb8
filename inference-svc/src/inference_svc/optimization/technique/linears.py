"""A copy of a module with other linear layers and every other weight shared."""

import copy
from collections.abc import Callable
from typing import Any

from torch import nn

from inference_svc.optimization.technique.base import UnavailableTechniqueError


def with_linears(module: nn.Module, make: Callable[[nn.Linear], nn.Module]) -> Any:
    """The copy; ``make`` gets each linear layer.

    Raises: UnavailableTechniqueError: there is none.
    """
    shared: dict[int, Any] = {id(t): t for t in (*module.parameters(), *module.buffers())}
    made = copy.deepcopy(module, shared)
    found = [
        (parent, name, child)
        for parent in made.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Linear
    ]
    if not found:
        raise UnavailableTechniqueError("the model has no linear layers")
    for parent, name, child in found:
        setattr(parent, name, make(child))
    return made

"""Imports what uses transformers, without what only training uses."""

import importlib
import sys
from types import ModuleType
from typing import Any

LOSSES = "transformers.loss.loss_utils"


def import_lean(name: str) -> ModuleType:
    """The module, with transformers' losses imported before it as if there were no scipy.

    transformers imports the losses of all its models with any of them, and those of object
    detection take scipy.optimize where it is installed: 40 MiB for what no server calls. Whatever
    else in transformers uses scipy finds it as before. For the loader's thread alone.
    """
    if LOSSES in sys.modules:
        return importlib.import_module(name)
    utils: Any = importlib.import_module("transformers.utils")
    has_scipy = utils.is_scipy_available
    utils.is_scipy_available = lambda: False
    try:
        importlib.import_module(LOSSES)
    finally:
        utils.is_scipy_available = has_scipy
    return importlib.import_module(name)

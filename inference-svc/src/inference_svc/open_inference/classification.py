"""The classification extension: of an output of numbers the largest, each with its place."""

from typing import Any

import numpy as np

from fleetserve.errors import InvalidFieldError
from inference_svc.open_inference.datatypes import Array

# These come with their labels, the likeliest first: a place among them says nothing.
LABELLED = frozenset({"label", "score"})


def classify(name: str, tensor: Array, count: int, names: frozenset[str]) -> Array:
    """BYTES [batch, count]: ``value:index``, the largest first, as Triton writes them.

    Rows that are shorter give all that they have. ``names`` are those of all outputs.

    Raises: InvalidFieldError: named ``outputs``: it has no numbers, or labels of its own.
    """
    if names >= LABELLED:
        raise InvalidFieldError(
            "outputs",
            f"asks for classes of {name}; this model gives its labels itself, and parameters.top_k"
            " says how many",
        )
    if tensor.dtype.kind not in "fiu":
        raise InvalidFieldError("outputs", f"asks for classes of {name}, which has no numbers")
    rows: Any = tensor.reshape(len(tensor), -1)
    likeliest = np.argsort(-rows.astype(np.float64), axis=1, kind="stable")[:, :count]
    found = np.empty(likeliest.shape, dtype=object)
    for place, index in np.ndenumerate(likeliest):
        found[place] = b"%f:%d" % (rows[place[0], index], index)
    return found

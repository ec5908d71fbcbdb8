"""Results that are the same but for the last digits."""

from typing import Any

import numpy as np


def same(found: Any, expected: Any, tolerance: float = 1e-5) -> bool:
    """Whether two results are alike, whatever they are nested of."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            same(found[name], expected[name], tolerance) for name in expected
        )
    if isinstance(expected, list):
        return len(found) == len(expected) and all(
            same(one, other, tolerance) for one, other in zip(found, expected, strict=True)
        )
    if isinstance(expected, str | int | None):
        return bool(found == expected)
    return bool(np.allclose(found, expected, atol=tolerance))

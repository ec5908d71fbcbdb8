"""The port that models which continue a text are behind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What one text brings to a step.

    Attributes:
        cache: What ``open`` gave for this text.
        ids: The tokens that follow those in the cache, at least one.
        ends: They are its last so far: what comes next is wanted.
    """

    cache: Any = field(repr=False)
    ids: Sequence[int]
    ends: bool


class CausalModel(Protocol):
    """Reads tokens and says what could come next. Compute thread only, but for the attributes.

    Attributes:
        max_rows: Texts that can share a step.
        bytes_per_token: What a cache takes, measured when the model was loaded.
    """

    max_rows: int
    bytes_per_token: int

    def open(self, capacity: int) -> Any:
        """The empty cache of a text that will have at most so many tokens."""
        ...

    def step(self, rows: Sequence[Row]) -> Tensor:
        """Reads each row's tokens into its cache.

        Returns: float32 [rows that end, vocabulary], in their order: logits of the next token.

        Raises: DeviceMemoryError, DeviceLostError, or anything; with several rows the caches are
        then as before, so that the step can be repeated with fewer.
        """
        ...

    def close(self) -> None:
        """Gives the memory back."""
        ...

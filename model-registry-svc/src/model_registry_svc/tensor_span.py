"""Where a tensor's bytes lie in a file; tensors are renamed, cut and copied without being read."""

from dataclasses import dataclass, replace
from math import prod
from typing import Self

# As safetensors names them.
ITEM_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}


@dataclass(frozen=True, slots=True)
class TensorSpan:
    """A dense tensor in row-major order.

    Attributes:
        offset: Of its first byte in the file; None: it is not in the file and is all zeros.
    """

    dtype: str
    shape: tuple[int, ...]
    offset: int | None

    @property
    def size(self) -> int:
        return prod(self.shape) * ITEM_BYTES[self.dtype]

    def thirds(self) -> tuple[Self, Self, Self]:
        """Three tensors of equal size along the first dimension."""
        rows, *rest = self.shape
        if rows % 3 or self.offset is None:
            raise ValueError(f"{self.shape} can't be cut in three")
        first = replace(self, shape=(rows // 3, *rest))
        start, step = self.offset, first.size
        second, third = (replace(first, offset=start + step * n) for n in (1, 2))
        return first, second, third

    def flat(self) -> Self:
        """The same values as one row."""
        return replace(self, shape=(prod(self.shape),))

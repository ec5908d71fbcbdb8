"""Decoded sound, whole or a part, and what can be wrong with it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleetserve.errors import InvalidFieldError, PayloadTooLargeError

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recording:
    """A decoded file, or the next block of one.

    Attributes:
        samples: float32 [n], mono, in about [-1, 1], at rate_hz.
    """

    samples: Samples
    rate_hz: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz


class BlockCheck:
    """Watches what is decoded: how long it is by now, and whether it is sound at all.

    Args:
        field: The request's field, for the errors.
    """

    def __init__(self, field: str, max_seconds: float) -> None:
        self._field = field
        self._max_seconds = max_seconds
        self.count = 0

    def take(self, samples: Samples, rate_hz: int) -> Recording:
        """The next block.

        Raises: PayloadTooLargeError: it is too long by now; InvalidFieldError: no numbers.
        """
        self.count += len(samples)
        if self.count > self._max_seconds * rate_hz:
            raise too_long(self.count / rate_hz, self._max_seconds)
        if not np.isfinite(samples).all():
            raise InvalidFieldError(self._field, "some samples are not finite numbers")
        return Recording(samples, rate_hz)

    def finish(self) -> None:
        """Raises: InvalidFieldError: there was nothing in it."""
        if not self.count:
            raise InvalidFieldError(self._field, "the file has no sound in it, not one sample")


def too_long(duration_s: float, max_seconds: float) -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"The recording lasts {duration_s:.1f} s; at most {max_seconds:g} s are taken. "
        "Send it in parts."
    )


def cut_off(field: str, how: str) -> InvalidFieldError:
    return InvalidFieldError(field, f"the file is cut off: {how}", code="audio_truncated")

"""torch's errors translated at the seam, so that no vendor type gets through."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from inference_svc.engine.base import DeviceLostError, DeviceMemoryError


@contextmanager
def device_errors() -> Iterator[None]:
    """Raises: DeviceMemoryError: out of memory; DeviceLostError: the context has faulted."""
    try:
        yield
    except torch.OutOfMemoryError as exc:
        raise DeviceMemoryError(str(exc)) from exc
    except torch.AcceleratorError as exc:
        raise DeviceLostError(str(exc)) from exc
    except RuntimeError as exc:
        # The CPU's allocator has no class of its own.
        if "can't allocate memory" in str(exc):
            raise DeviceMemoryError(str(exc)) from exc
        raise

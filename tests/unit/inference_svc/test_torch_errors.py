import pytest
import torch

from inference_svc.engine.base import DeviceLostError, DeviceMemoryError
from inference_svc.torch_errors import device_errors


@pytest.mark.parametrize(
    ("vendor", "ours"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), DeviceMemoryError),
        (torch.AcceleratorError("CUDA error: illegal address", 700), DeviceLostError),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), DeviceMemoryError),
        (RuntimeError("shapes cannot be multiplied"), RuntimeError),
        (ValueError("something else"), ValueError),
    ],
)
def test_the_devices_errors_are_told_apart(vendor: Exception, ours: type[Exception]) -> None:
    with pytest.raises(ours), device_errors():
        raise vendor


def test_real_memory_that_can_not_be_had_is_a_memory_error() -> None:
    with pytest.raises(DeviceMemoryError), device_errors():
        torch.empty(1 << 60)

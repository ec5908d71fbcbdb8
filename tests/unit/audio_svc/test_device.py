import weakref

import pytest
import torch

from audio_svc import device
from fleetserve.devices import DeviceNotAvailableError


def test_threads_are_set_and_the_device_is_named() -> None:
    assert device.open_device("cpu", 1) == "cpu"
    assert torch.get_num_threads() == 1
    assert not torch.backends.cudnn.allow_tf32
    torch.set_grad_enabled(True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_device_that_is_not_there_is_an_error_and_not_another_one() -> None:
    with pytest.raises(DeviceNotAvailableError, match="cuda"):
        device.open_device("cuda", 1)


def test_cpu_is_always_there_and_has_room() -> None:
    assert "cpu" in device.available_devices()
    assert device.free_bytes("cpu") != 0


def test_giving_back_memory_takes_what_nobody_can_reach() -> None:
    """A cycle, which only a collection finds."""
    kept: list[object] = [torch.zeros(1)]
    kept.append(kept)
    alive = weakref.ref(kept[0])
    del kept
    device.give_back_memory("cpu")
    assert alive() is None

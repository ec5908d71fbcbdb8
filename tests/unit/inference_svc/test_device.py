import pytest
import torch

from fleetserve.errors import FleetError
from inference_svc.device import (
    available_devices,
    free_bytes,
    give_back_memory,
    open_device,
    storage_bytes,
)


def test_the_cpu_is_always_there_and_last() -> None:
    assert available_devices()[-1] == "cpu"


def test_opening_sets_torchs_threads() -> None:
    before = torch.get_num_threads()
    try:
        assert open_device("cpu", 1) == "cpu"
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
        torch.set_grad_enabled(True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_an_error_not_another_device() -> None:
    with pytest.raises(FleetError, match="cuda"):
        open_device("cuda", torch.get_num_threads())


def test_shared_storage_is_counted_once() -> None:
    whole = torch.zeros(100, dtype=torch.float32)
    other = torch.zeros(10, dtype=torch.float64)
    assert storage_bytes([whole, whole[:50], whole.view(10, 10), other]) == 480


def test_the_hosts_memory_is_what_a_cpu_has() -> None:
    assert free_bytes("cpu") != 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_gpus_free_memory_counts_what_torch_keeps_cached() -> None:
    before = free_bytes("cuda:0")
    block = torch.zeros(1 << 28, dtype=torch.uint8, device="cuda:0")
    held = free_bytes("cuda:0")
    del block
    assert before - held >= 1 << 28
    assert free_bytes("cuda:0") >= before - (1 << 20)
    give_back_memory("cuda:0")

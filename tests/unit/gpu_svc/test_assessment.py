from dataclasses import replace

from gpu_svc.assessment import assess
from gpu_svc.hardware import Gpu
from tests.unit.gpu_svc.conftest import CPU_BUILD, CUDA_BUILD

T4 = Gpu(0, "Tesla T4", "GPU-f4", 15360.0, 14910.0, (7, 5), "Turing", "550")


def test_usable_gpu_is_suitable() -> None:
    (found,) = assess([T4], [CUDA_BUILD], None)
    assert (found.suitable, found.why, found.pytorch_device) == (True, "", "cuda:0")


def test_without_any_known_torch_it_counts_as_suitable() -> None:
    (found,) = assess([T4], [], None)
    assert (found.suitable, found.support.supported) == (True, None)


def test_each_obstacle_is_named() -> None:
    split = replace(T4, mig_enabled=True, memory_mb=1000.0)
    (found,) = assess([split], [CPU_BUILD], "")
    assert not found.suitable
    for part in ("without CUDA", "CUDA_VISIBLE_DEVICES", "MIG", "less than 2000 MiB"):
        assert part in found.why


def test_memory_that_is_not_told_is_said_so() -> None:
    (found,) = assess([replace(T4, memory_mb=0.0)], [CUDA_BUILD], None)
    assert found.why == "its driver does not tell its memory"

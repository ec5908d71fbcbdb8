import pytest

from gpu_svc.cuda_names import cuda_ordinals
from gpu_svc.hardware import Gpu


def gpu(index: int) -> Gpu:
    return Gpu(index, "T4", f"GPU-{index}abc", 15360.0, 15000.0, (7, 5), "Turing", "570")


THREE = [gpu(0), gpu(1), gpu(2)]


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, {0: 0, 1: 1, 2: 2}),
        ("1", {1: 0}),
        ("2,0", {2: 0, 0: 1}),
        ("", {}),
        ("-1", {}),
        ("0,-1,1", {0: 0}),
        ("0,7,1", {0: 0}),
        ("GPU-2abc,GPU-0", {2: 0, 0: 1}),
        ("GPU-", {}),
        ("1,1,2", {1: 0}),
        (" 1 , 2 ", {1: 0, 2: 1}),
    ],
)
def test_numbers_follow_visible_devices(visible: str | None, expected: dict[int, int]) -> None:
    assert cuda_ordinals(THREE, visible) == expected

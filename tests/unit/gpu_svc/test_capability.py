import pytest

from gpu_svc.capability import architecture_of, capability_of


@pytest.mark.parametrize(
    ("version", "name", "fp16", "bf16", "int8", "fp8", "tensor_cores", "tf32"),
    [
        ((5, 2), "GTX 980", False, False, False, False, False, False),
        ((6, 0), "Tesla P100", True, False, False, False, False, False),
        ((6, 1), "GTX 1080", True, False, True, False, False, False),
        ((7, 0), "Tesla V100", True, False, True, False, True, False),
        ((7, 5), "Tesla T4", True, False, True, False, True, False),
        ((7, 5), "NVIDIA GeForce GTX 1660 Ti", True, False, True, False, False, False),
        ((8, 0), "NVIDIA A100", True, True, True, False, True, True),
        ((8, 6), "NVIDIA A10", True, True, True, False, True, True),
        ((8, 9), "RTX 4090", True, True, True, True, True, True),
        ((9, 0), "NVIDIA H200", True, True, True, True, True, True),
        ((10, 0), "NVIDIA B200", True, True, True, True, True, True),
        ((12, 0), "RTX 5090", True, True, True, True, True, True),
    ],
)
def test_features(
    version: tuple[int, int],
    name: str,
    fp16: bool,
    bf16: bool,
    int8: bool,
    fp8: bool,
    tensor_cores: bool,
    tf32: bool,
) -> None:
    can = capability_of(version, name)
    assert (can.supports_fp16, can.supports_bf16, can.supports_int8) == (fp16, bf16, int8)
    assert (can.supports_fp8, can.supports_tensor_cores, can.supports_tf32) == (
        fp8,
        tensor_cores,
        tf32,
    )


@pytest.mark.parametrize(
    ("version", "name", "expected"),
    [
        ((9, 0), "H200", ("bf16", "fp16", "fp8", "int8", "fp32")),
        ((7, 5), "Tesla T4", ("fp16", "int8", "fp32")),
        ((7, 5), "GTX 1650", ("int8", "fp32")),
        ((6, 1), "GTX 1080", ("int8", "fp32")),
        ((6, 0), "Tesla P100", ("fp16", "fp32")),
        ((5, 2), "GTX 980", ("fp32",)),
    ],
)
def test_recommended_precisions(
    version: tuple[int, int], name: str, expected: tuple[str, ...]
) -> None:
    assert capability_of(version, name).recommended_precisions == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [((12, 0), "Blackwell"), ((9, 0), "Hopper"), ((8, 9), "Ada Lovelace"), ((8, 6), "Ampere"),
     ((7, 5), "Turing"), ((7, 0), "Volta"), ((6, 1), "Pascal"), ((2, 0), "unknown")],
)  # fmt: skip
def test_architecture(version: tuple[int, int], expected: str) -> None:
    assert architecture_of(version) == expected

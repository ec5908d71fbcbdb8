from typing import Any

import ml_dtypes
import numpy as np
import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.open_inference.datatypes import (
    datatype_of,
    from_binary,
    from_json,
    to_binary,
    to_json,
)

NUMBERS = {
    "BOOL": np.bool_, "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32,
    "UINT64": np.uint64, "INT8": np.int8, "INT16": np.int16, "INT32": np.int32,
    "INT64": np.int64, "FP16": np.float16, "FP32": np.float32, "FP64": np.float64,
}  # fmt: skip


@pytest.mark.parametrize("datatype", NUMBERS)
def test_every_type_goes_both_ways(datatype: str) -> None:
    tensor: Any = np.array([[0, 1, 1], [1, 0, 1]], dtype=NUMBERS[datatype])
    found = from_binary(datatype, (2, 3), memoryview(bytes(to_binary(tensor))), "f")
    assert found.dtype == tensor.dtype
    assert (found == tensor).all()
    assert datatype_of(found.dtype.name) == datatype
    again = from_json(datatype, (2, 3), to_json(tensor), "f")
    assert again.dtype == tensor.dtype
    assert (again == tensor).all()


def test_large_tensor_is_a_view_of_the_body() -> None:
    raw = bytes(4_000_000)
    found = from_binary("FP32", (1, 1_000_000), memoryview(raw), "f")
    assert np.shares_memory(found, np.frombuffer(raw, np.uint8))


def test_bf16_is_read_as_the_float32_it_stands_for() -> None:
    numbers = np.array([1.5, -2.25, 3e38], dtype=ml_dtypes.bfloat16)
    found = from_binary("BF16", (3,), memoryview(numbers.tobytes()), "f")
    assert found.dtype == np.float32
    assert (found == numbers.astype(np.float32)).all()


def test_strings_go_both_ways() -> None:
    found = from_json("BYTES", (2, 1), [["a"], ["é"]], "f")
    assert found.tolist() == [[b"a"], ["é".encode()]]
    assert to_json(found) == ["a", "é"]
    again = from_binary("BYTES", (2, 1), memoryview(bytes(to_binary(found))), "f")
    assert again.tolist() == found.tolist()


def test_bytes_that_are_no_text_can_be_had_in_binary_only() -> None:
    found = from_binary("BYTES", (1,), memoryview(b"\x01\x00\x00\x00\xff"), "f")
    with pytest.raises(InvalidFieldError, match="binary_data"):
        to_json(found)


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2], [3, 4]], [[[1], [2]], [[3], [4]]]])
def test_json_may_be_flat_or_nested(data: list[Any]) -> None:
    assert from_json("INT32", (2, 2), data, "f").tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "wrong"),
    [
        ("FP32", (2,), [1], "has 1 values"),
        ("FP32", (2,), "ab", "takes a list"),
        ("FP32", (2,), [1, "2"], "can't hold"),
        ("FP32", (2,), [1, None], "can't hold"),
        ("FP32", (3,), [[1, 2], [3]], "unevenly"),
        ("FP32", (1,), [True], "can't hold"),
        ("INT8", (1,), [1.5], "can't hold"),
        ("INT8", (1,), [200], "can't hold"),
        ("UINT8", (1,), [-1], "can't hold"),
        ("INT64", (1,), [1 << 80], "can't hold"),
        ("BOOL", (1,), [1], "can't hold"),
        ("BYTES", (1,), [1], "takes strings"),
        ("FP8", (1,), [1], "there are"),
        ("fp32", (1,), [1], "there are"),
    ],
)
def test_json_that_is_not_what_it_says_is_named(
    datatype: str, shape: tuple[int, ...], data: object, wrong: str
) -> None:
    with pytest.raises(InvalidFieldError, match=wrong) as raised:
        from_json(datatype, shape, data, "inputs[0].data")
    assert raised.value.field == "inputs[0].data"


@pytest.mark.parametrize(
    ("datatype", "shape", "raw"),
    [
        ("FP32", (2,), b"1234"),
        ("FP32", (1 << 40, 1 << 40), b"1234"),
        ("BF16", (1,), b"1234"),
        ("FP32", (), b""),
        ("FP8", (1,), b"1"),
        ("FP32", (0, 1 << 40, 1 << 40), b""),
    ],
)
def test_binary_that_is_not_what_it_says_is_named(
    datatype: str, shape: tuple[int, ...], raw: bytes
) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        from_binary(datatype, shape, memoryview(raw), "inputs[0]")
    assert raised.value.field == "inputs[0]"


def test_empty_tensors_are_tensors() -> None:
    assert from_binary("FP32", (0, 4), memoryview(b""), "f").shape == (0, 4)
    assert from_json("FP32", (0, 4), [], "f").shape == (0, 4)
    assert bytes(to_binary(np.empty((0, 4), np.float32))) == b""

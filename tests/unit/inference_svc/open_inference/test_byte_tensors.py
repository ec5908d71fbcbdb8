import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.open_inference.byte_tensors import pack, unpack


@pytest.mark.parametrize("values", [[], [b""], [b"a", b"", b"\x00\xff" * 5]])
def test_what_was_packed_is_unpacked(values: list[bytes]) -> None:
    assert unpack(memoryview(pack(values)), len(values), "inputs[0]").tolist() == values


@pytest.mark.parametrize(
    ("raw", "count", "wrong"),
    [
        (b"", 1, "too few"),
        (b"\x01\x00\x00\x00", 1, "within its element 0"),
        (b"\x01\x00\x00\x00a\x00\x00\x00", 2, "before its element 1|too few"),
        (b"\x01\x00\x00\x00ab\x00\x00\x00", 2, "within its element 1"),
        (b"\x00\x00\x00\x00a", 1, "1 bytes after"),
        (b"\xff\xff\xff\xff", 1, "within"),
        (b"", 1 << 40, "too few"),
    ],
)
def test_bytes_that_do_not_add_up_are_named(raw: bytes, count: int, wrong: str) -> None:
    with pytest.raises(InvalidFieldError, match=wrong) as raised:
        unpack(memoryview(raw), count, "inputs[0]")
    assert raised.value.field == "inputs[0]"

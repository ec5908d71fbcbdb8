import gzip
import zlib
from typing import Any

import pytest

from fleetserve.errors import BadRequestError, PayloadTooLargeError
from inference_svc.open_inference.compression import compress, decompress, wanted_encoding


@pytest.mark.parametrize(
    ("encoding", "press"), [(b"gzip", gzip.compress), (b"deflate", zlib.compress)]
)
def test_compressed_bodies_are_read(encoding: bytes, press: Any) -> None:
    assert decompress(press(b"abc" * 100), encoding, 300) == b"abc" * 100
    with pytest.raises(PayloadTooLargeError):
        decompress(press(b"abc" * 100), encoding, 299)
    with pytest.raises(BadRequestError, match="too early"):
        decompress(press(b"abc" * 100)[:-6], encoding, 300)
    with pytest.raises(BadRequestError, match="decompressed"):
        decompress(b"abc", encoding, 300)


def test_other_encodings_are_refused() -> None:
    assert decompress(b"abc", None, 1) == b"abc"
    with pytest.raises(BadRequestError, match="gzip"):
        decompress(b"abc", b"br", 10)


@pytest.mark.parametrize(
    ("encoding", "unpress"), [(b"gzip", gzip.decompress), (b"deflate", zlib.decompress)]
)
def test_answers_are_what_the_other_end_reads(encoding: bytes, unpress: Any) -> None:
    found = compress(b"abc" * 1000, encoding)
    assert len(found) < 100
    assert unpress(found) == b"abc" * 1000


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [(b"gzip", b"gzip"), (b"deflate", b"deflate"), (b"gzip, deflate, br", None), (None, None)],
)
def test_only_one_that_is_asked_for_alone_is_heeded(
    accepted: bytes | None, wanted: bytes | None
) -> None:
    assert wanted_encoding(accepted) == wanted

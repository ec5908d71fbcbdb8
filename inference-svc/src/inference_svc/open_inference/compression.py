"""Bodies of V2 in gzip and deflate, both ways."""

import zlib

from fleetserve.errors import BadRequestError, PayloadTooLargeError

# A body that crosses a network compressed is made in a moment; a smaller one is not worth it.
SMALLEST = 512
LEVEL = 1
_WINDOWS = {b"gzip": zlib.MAX_WBITS | 16, b"deflate": zlib.MAX_WBITS}


def decompress(raw: bytes, encoding: bytes | None, largest: int) -> bytes:
    """A body as it was before its Content-Encoding.

    Raises: BadRequestError; PayloadTooLargeError: it would be over ``largest`` bytes.
    """
    if encoding in (None, b"", b"identity"):
        return raw
    if encoding not in _WINDOWS:
        raise BadRequestError("Content-Encoding is taken as gzip, deflate or identity.")
    machine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # Either of the two, by its head.
    try:
        found = machine.decompress(raw, largest + 1)
    except zlib.error as exc:
        raise BadRequestError(f"The body can't be decompressed: {exc}") from None
    if len(found) > largest:
        raise PayloadTooLargeError(f"The body is over {largest} bytes when decompressed.")
    if not machine.eof:
        raise BadRequestError("The compressed body ends too early.")
    return found


def wanted_encoding(accepted: bytes | None) -> bytes | None:
    """How an answer is to be compressed; None: not at all.

    Only where one encoding is asked for by itself, as tritonclient does. HTTP libraries offer
    lists of them unasked, and tensors of numbers gain little for the time that they take.
    """
    return accepted if accepted in _WINDOWS else None


def compress(body: bytes, encoding: bytes) -> bytes:
    machine = zlib.compressobj(LEVEL, zlib.DEFLATED, _WINDOWS[encoding])
    return machine.compress(body) + machine.flush()

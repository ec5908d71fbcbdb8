"""Files inside of JSON: base64, or a data URL around it."""

import binascii
from base64 import b64decode

from fleetserve.errors import InvalidFieldError


def decode_file(inputs: str) -> bytes:
    """The bytes in base64 or in a base64 data URL.

    Raises: InvalidFieldError: it is neither; paths and addresses are never opened.
    """
    head, comma, _ = inputs[:200].partition(",")
    if head.startswith("data:") and comma:
        if not head.endswith(";base64"):
            raise InvalidFieldError("inputs", "the data URL is not base64")
        inputs = inputs[len(head) + 1 :]
    try:
        return b64decode("".join(inputs.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidFieldError(
            "inputs",
            "must be base64 or a data URL; a path or an address is never opened by the server",
        ) from None

import base64

import pytest

from fleetserve.embedded_files import decode_file
from fleetserve.errors import InvalidFieldError


@pytest.mark.parametrize(
    "inputs",
    ["AAEC", "data:audio/wav;base64,AAEC", "AA\nEC\n", "data:;base64,AAEC"],
)
def test_base64_and_data_urls_are_decoded(inputs: str) -> None:
    assert decode_file(inputs) == bytes([0, 1, 2])


@pytest.mark.parametrize(
    "inputs",
    ["/etc/passwd", "https://example.com/a.wav", "file:///a.wav", "data:audio/wav,abc", "AAE"],
)
def test_paths_and_addresses_are_never_opened(inputs: str) -> None:
    with pytest.raises(InvalidFieldError, match="inputs"):
        decode_file(inputs)


def test_long_recordings_are_decoded_too() -> None:
    data = bytes(range(256)) * 4096
    assert decode_file("data:audio/wav;base64," + base64.b64encode(data).decode()) == data

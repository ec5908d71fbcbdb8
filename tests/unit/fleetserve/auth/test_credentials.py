import pytest

from fleetserve.auth.credentials import credential_of
from fleetserve.errors import UnauthorizedError


@pytest.mark.parametrize(
    ("authorization", "api_key", "token", "found"),
    [
        (b"Bearer abc", None, None, "abc"),
        (b"bearer  abc ", None, None, "abc"),
        (None, b"sk_1", None, "sk_1"),
        (None, b" sk_1 ", None, "sk_1"),
        (None, None, "xyz", "xyz"),
        (b"Bearer abc", b"sk_1", "xyz", "abc"),
        (None, b"sk_1", "xyz", "sk_1"),
        (None, None, None, None),
        (b"", b"", "", None),
    ],
)
def test_header_comes_before_key_before_body(
    authorization: bytes | None, api_key: bytes | None, token: str | None, found: str | None
) -> None:
    assert credential_of(authorization, api_key, token) == found


@pytest.mark.parametrize("header", [b"Basic YTpi", b"abc", b"bearer", b"bearer   "])
def test_other_schemes_are_refused_with_what_is_wanted(header: bytes) -> None:
    with pytest.raises(UnauthorizedError) as caught:
        credential_of(header)
    assert caught.value.code == "credential_malformed"


def test_bytes_that_are_no_text_are_no_error() -> None:
    assert credential_of(b"Bearer \xff\xfe") == "ÿþ"

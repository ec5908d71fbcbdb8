from hashlib import sha256

import msgspec
import pytest

from fleetserve.auth.api_keys import (
    KeyRecord,
    decode_key_record,
    digest,
    encode_key_record,
    looks_like_key,
    new_key,
)


def test_new_key_has_the_shape_of_one_and_is_never_the_same() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(looks_like_key(key) for key in keys)


@pytest.mark.parametrize(
    "text",
    ["", "sk_", "sk_short", new_key() + "x", "pk_" + new_key()[3:]],
    ids=["empty", "bare", "short", "long", "other prefix"],
)
def test_nonsense_is_no_key(text: str) -> None:
    assert not looks_like_key(text)


def test_digest_is_sha256() -> None:
    assert digest("sk_a") == sha256(b"sk_a").hexdigest()


def test_record_survives_the_wire() -> None:
    record = KeyRecord("k1", "ada", "u1", 3, ("predict",), 12.5)
    assert decode_key_record(encode_key_record(record)) == record


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_key_record(b"{}")

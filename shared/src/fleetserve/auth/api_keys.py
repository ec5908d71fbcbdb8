"""API keys as gateways see them: the text, its digest, and what auth-svc says of it."""

import re
from hashlib import sha256
from secrets import token_urlsafe

import msgspec

PREFIX = "sk_"
_SHAPE = re.compile(r"sk_[A-Za-z0-9_-]{43}")


class KeyRecord(msgspec.Struct, frozen=True):
    """An API key that holds. ``version`` is its user's; ``expires_at`` is wall time."""

    key_id: str
    owner: str
    user_id: str
    version: int
    scopes: tuple[str, ...]
    expires_at: float


_decode = msgspec.json.Decoder(KeyRecord).decode


def new_key() -> str:
    """A key of 256 random bits."""
    return PREFIX + token_urlsafe(32)


def looks_like_key(text: str) -> bool:
    """Whether it can be one at all, so that nonsense asks nobody."""
    return _SHAPE.fullmatch(text) is not None


def digest(key: str) -> str:
    """What is stored and asked for: SHA-256 in hex.

    A key has 256 bits of its own, so a slow hash would protect nothing.
    """
    return sha256(key.encode()).hexdigest()


def encode_key_record(record: KeyRecord) -> bytes:
    return msgspec.json.encode(record)


def decode_key_record(raw: bytes) -> KeyRecord:
    """Raises: msgspec.DecodeError: not a key record."""
    return _decode(raw)

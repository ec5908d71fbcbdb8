"""The keys that access tokens are signed with: files that only this service can read."""

import threading
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from fleetserve.clock import Clock

log = structlog.get_logger(__name__)

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key; ``id`` is taken from its public half."""

    id: str
    created_at: int
    private: Ed25519PrivateKey

    @property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()


class SigningKeys:
    """The newest key signs; older ones are published until no token of theirs can be valid.

    Safe from any thread. Several processes may share the folder: each publishes all keys.

    Args:
        folder: Made with mode 0700; each key is a PEM file of mode 0600, its name its time.
        days: A new key is made after so many.
        token_s: An access token's lifetime.
    """

    def __init__(self, folder: Path, clock: Clock, *, days: int, token_s: float) -> None:
        self._folder = folder
        self._clock = clock
        self._days = days
        self._token_s = token_s
        self._lock = threading.Lock()
        self._keys: list[SigningKey] = []
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.renew()

    def current(self) -> SigningKey:
        return self._keys[-1]

    def public(self, key_id: str) -> Ed25519PublicKey | None:
        return next((key.public for key in self._keys if key.id == key_id), None)

    def jwks(self) -> bytes:
        """The public halves, as RFC 7517 and RFC 8037 write them."""
        return orjson.dumps({"keys": [_jwk(key) for key in self._keys]})

    def renew(self) -> None:
        """Reads the folder, drops keys that are over, and makes a new one when it is time."""
        with self._lock:
            now_s = self._clock.now_s()
            keys = [key for path in sorted(self._folder.glob("*.pem")) if (key := _read(path))]
            for key in keys[:-1]:
                if now_s >= key.created_at + self._days * DAY_S + self._token_s + DAY_S:
                    keys.remove(key)
                    (self._folder / _name(key)).unlink(missing_ok=True)
            if not keys or now_s >= keys[-1].created_at + self._days * DAY_S:
                keys.append(self._make(int(now_s)))
            self._keys = keys

    def _make(self, created_at: int) -> SigningKey:
        private = Ed25519PrivateKey.generate()
        key = SigningKey(_id(private), created_at, private)
        path = self._folder / _name(key)
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        draft.replace(path)
        log.info("signing_key.made", key_id=key.id)
        return key


def _name(key: SigningKey) -> str:
    return f"{key.created_at:011d}-{key.id}.pem"


def _id(private: Ed25519PrivateKey) -> str:
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return sha256(raw).hexdigest()[:16]


def _read(path: Path) -> SigningKey | None:
    created_at = path.name.partition("-")[0]
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        return None
    if not isinstance(private, Ed25519PrivateKey) or not created_at.isdigit():
        log.warning("signing_key.unknown", file=path.name)
        return None
    return SigningKey(_id(private), int(created_at), private)


def _jwk(key: SigningKey) -> dict[str, str]:
    jwk: dict[str, str] = orjson.loads(OKPAlgorithm.to_jwk(key.public))
    return {**jwk, "kid": key.id, "use": "sig", "alg": "EdDSA"}

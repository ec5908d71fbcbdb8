"""Signatures that a receiver checks with any library for Standard Webhooks.

Source: standardwebhooks.com, version 1: HMAC-SHA256 over ``id.timestamp.body``.
"""

import base64
import hmac
import os
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes, token_hex

# On the jobs volume, which both the gateway and the worker have.
WEBHOOK_KEY = "webhook.key"
_PREFIX = "whsec_"
_KEY_BYTES = 32


class WebhookSecrets:
    """One secret for each principal, so that no receiver can speak for another's fleet.

    They are made from one key, a file of mode 0600 on the jobs volume, which the first to need it
    makes.

    Args:
        path: The key's file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def secret_of(self, principal: str) -> str:
        """The same for the same principal. Blocking.

        Raises: OSError: the key can't be read or made.
        """
        derived = hmac.digest(self._key(), principal.encode(), sha256)
        return _PREFIX + base64.b64encode(derived).decode()

    def _key(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return self._make_key()

    def _make_key(self) -> bytes:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_bytes(token_bytes(_KEY_BYTES))
        try:
            # Unlike a rename it fails where another process was faster.
            os.link(draft, self._path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return self._path.read_bytes()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    mac = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, sha256)
    return f"v1,{base64.b64encode(mac).decode()}"

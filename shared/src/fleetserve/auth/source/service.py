"""auth-svc over HTTP, by whatever the gateway makes its calls with."""

from collections.abc import Awaitable, Callable

import msgspec

from fleetserve.auth.api_keys import KeyRecord, decode_key_record
from fleetserve.errors import UnavailableError

JWKS_PATH = "/internal/jwks"
KEY_PATH = "/internal/keys/"

# Status and body of a GET to auth-svc with the service token; raises UnavailableError.
Get = Callable[[str], Awaitable[tuple[int, bytes]]]


class ServiceAuthSource:
    def __init__(self, get: Get) -> None:
        self._get = get

    async def public_keys(self) -> bytes:
        status, body = await self._get(JWKS_PATH)
        if status != 200:
            raise UnavailableError(f"auth-svc answered {status} to {JWKS_PATH}")
        return body

    async def key(self, digest: str) -> KeyRecord | None:
        status, body = await self._get(KEY_PATH + digest)
        if status == 404:
            return None
        if status != 200:
            raise UnavailableError(f"auth-svc answered {status} when asked for an API key")
        try:
            return decode_key_record(body)
        except msgspec.MsgspecError as exc:
            raise UnavailableError("auth-svc's answer about an API key can't be read") from exc

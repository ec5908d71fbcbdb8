"""Replicas over HTTP, with the fleet's own tokens."""

from urllib.parse import quote

import httpx
import orjson

from fleetserve.announcements import Announcement
from fleetserve.errors import (
    ConflictError,
    DoesNotFitError,
    FleetError,
    NotFoundError,
    UnavailableError,
    UpstreamError,
)
from fleetserve.tokens import TOKEN_HEADER, TokenSigner

LOAD_TIMEOUT_S = 600.0
UNLOAD_TIMEOUT_S = 30.0
ALIVE_TIMEOUT_S = 3.0
CONNECT_TIMEOUT_S = 2.0


class HttpReplicaCalls:
    """``transport`` is where calls go instead; for tests."""

    def __init__(
        self, signer: TokenSigner, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._signer = signer
        self._client = httpx.AsyncClient(transport=transport, trust_env=False)

    async def load(self, replica: Announcement, name: str, revision: str) -> None:
        path = f"{_path(name, revision)}?wait=true"
        await self._call("PUT", replica, path, LOAD_TIMEOUT_S)

    async def unload(
        self, replica: Announcement, name: str, revision: str, *, idle_s: float | None = None
    ) -> None:
        path = _path(name, revision)
        path = path if idle_s is None else f"{path}?idle_s={idle_s}"
        await self._call("DELETE", replica, path, UNLOAD_TIMEOUT_S)

    async def is_alive(self, replica: Announcement) -> bool:
        try:
            await self._client.get(f"{replica.address}/health/live", timeout=ALIVE_TIMEOUT_S)
        except httpx.HTTPError:
            return False
        return True

    async def close(self) -> None:
        await self._client.aclose()

    async def _call(self, method: str, replica: Announcement, path: str, timeout_s: float) -> None:
        try:
            response = await self._client.request(
                method,
                f"{replica.address}{path}",
                headers={TOKEN_HEADER: self._signer.token_for(replica.service)},
                timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            )
        except httpx.HTTPError as exc:
            reason = str(exc) or type(exc).__name__
            raise UnavailableError(f"{replica.replica_id} does not answer: {reason}") from exc
        if not response.is_success:
            raise _error(replica, response)


def _path(name: str, revision: str) -> str:
    return f"/internal/models/{quote(f'{name}@{revision}', safe='@')}"


def _error(replica: Announcement, response: httpx.Response) -> FleetError:
    try:
        told = orjson.loads(response.content)
        detail, code = str(told["detail"]), str(told["code"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        detail, code = f"it answered {response.status_code}", None
    detail = f"{replica.replica_id}: {detail}"
    match response.status_code:
        case 404:
            return NotFoundError(detail, code=code)
        case 409:
            return ConflictError(detail, code=code)
        case 503:
            return UnavailableError(detail, code=code)
        case 507:
            return DoesNotFitError(detail, code=code)
        case _:
            return UpstreamError(detail, code=code)

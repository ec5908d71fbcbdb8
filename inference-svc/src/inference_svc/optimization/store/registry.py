"""Tunings kept by model-registry-svc, which is found by what it announces."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import httpx
import msgspec
import redis.asyncio
import structlog
from redis.exceptions import RedisError

from fleetserve.announcements import ReplicaState, decode_announcement
from fleetserve.errors import ModelNotFoundError, UnavailableError
from fleetserve.keys import Keys
from fleetserve.tokens import TOKEN_HEADER, TokenSigner
from fleetserve.tunings import Tuning

log = structlog.get_logger(__name__)

REGISTRY = "model-registry-svc"
_TIMEOUT_S = 10.0


class RegistryTuningStore:
    """Calls the registry's API.

    Args:
        find: The registry's address.
    """

    def __init__(
        self,
        find: Callable[[], Awaitable[str]],
        signer: TokenSigner,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._find = find
        self._signer = signer
        self._transport = transport
        self._made: httpx.AsyncClient | None = None

    async def put(self, name: str, tuning: Tuning) -> None:
        address = await self._find()
        try:
            answer = await self._client().put(
                f"{address}/internal/tunings/{quote(name, safe='')}",
                content=msgspec.json.encode(tuning),
                headers={
                    TOKEN_HEADER: self._signer.token_for(REGISTRY),
                    "content-type": "application/json",
                },
            )
        except httpx.HTTPError as exc:
            raise UnavailableError(f"{REGISTRY} does not answer ({exc!r}).") from exc
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise ModelNotFoundError(name)
        if answer.status_code != httpx.codes.OK:
            raise UnavailableError(f"{REGISTRY} answered {answer.status_code} to a tuning.")

    async def close(self) -> None:
        if self._made is not None:
            await self._made.aclose()

    def _client(self) -> httpx.AsyncClient:
        """Made at its first use, since it belongs to a running loop."""
        if self._made is None:
            self._made = httpx.AsyncClient(timeout=_TIMEOUT_S, transport=self._transport)
        return self._made


async def registry_address(client: redis.asyncio.Redis, keys: Keys) -> str:
    """Where a ready registry listens.

    Raises: UnavailableError: Redis is away, or none announces itself.
    """
    try:
        pattern = keys.announcement(REGISTRY, "*")
        names = [name async for name in client.scan_iter(pattern, count=1000)]
        found = await client.mget(names) if names else []
    except (RedisError, OSError) as exc:
        raise UnavailableError(f"Redis does not answer, so {REGISTRY} can't be found.") from exc
    for raw in found:
        if raw is None:
            continue
        try:
            told = decode_announcement(raw)
        except msgspec.DecodeError:
            continue
        if told.state is ReplicaState.READY:
            return told.address
    raise UnavailableError(f"{REGISTRY} is not ready, so a tuning can't be kept.")

"""The gateway's own questions to the fleet's processes: JSON in, JSON out, bounded in time."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError
from fleetserve.tokens import TOKEN_HEADER, TokenSigner
from gateway.bodies import Body
from gateway.replica_table import Replica, ReplicaTable
from gateway.upstream.base import BrokenAnswerError, Upstream, UpstreamFailedError


class ServiceCalls:
    def __init__(
        self,
        table: ReplicaTable,
        upstream: Callable[[], Upstream],
        signer: TokenSigner,
        clock: Clock,
    ) -> None:
        self._table = table
        self._upstream = upstream
        self._signer = signer
        self._clock = clock

    async def get(self, replica: Replica, path: str, timeout_s: float) -> tuple[int, bytes]:
        """Status and body of a GET to one process. Raises: as send()."""
        return await self.send(replica, "GET", path, timeout_s)

    async def send(
        self, replica: Replica, method: str, path: str, timeout_s: float, content: object = None
    ) -> tuple[int, bytes]:
        """Status and body of one request; ``content`` goes as JSON.

        Raises: UnavailableError: it refused, broke off or took longer than ``timeout_s``, or the
            gateway has no business with its service.
        """
        try:
            token = self._signer.token_for(replica.announced.service)
        except KeyError as exc:
            raise UnavailableError(f"The gateway may not call {replica.announced.service}") from exc
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._upstream().send(
                    replica.address, method, path, *_parts(token, content)
                )
                try:
                    return answer.status, await answer.read()
                finally:
                    answer.close()
        except (UpstreamFailedError, BrokenAnswerError) as exc:
            raise UnavailableError(f"{replica.id} does not answer: {exc}") from exc
        except TimeoutError:
            raise UnavailableError(f"{replica.id} did not answer within {timeout_s} s") from None

    async def get_json(self, service: str, path: str, timeout_s: float) -> Any:
        """The JSON of any ready process of a service.

        Raises: UnavailableError: none is ready, or it did not answer 200.
        """
        ready = self._table.ready(service)
        if not ready:
            raise UnavailableError(f"{service} is not ready")
        status, content = await self.get(ready[0], path, timeout_s)
        if status != 200:
            raise UnavailableError(f"{service} answered {status} to {path}")
        return orjson.loads(content)


def _parts(token: str, content: object) -> tuple[list[tuple[str, str]], Body | None]:
    headers = [(TOKEN_HEADER, token)]
    if content is None:
        return headers, None
    raw = orjson.dumps(content)
    return [*headers, ("content-type", "application/json")], Body(raw, None, len(raw))

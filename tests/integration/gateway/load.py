"""Connections that go on asking, each for its next answer as soon as it has one."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.integration.gateway.processes import GatewayFleet, body


@dataclass
class Load:
    """What came back so far: who answered, and everything that was not a 200."""

    answered: int = 0
    replicas: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def one(self, client: httpx.AsyncClient, request: dict[str, Any]) -> None:
        try:
            answer = await client.post("/predict", json=request)
        except httpx.HTTPError as exc:
            self.failures.append(repr(exc))
        else:
            if answer.status_code == 200:
                self.replicas[answer.json()["replica"]] += 1
            else:
                self.failures.append(f"{answer.status_code} {answer.text}")
        self.answered += 1
        async with self._news:
            self._news.notify_all()

    async def more(self, count: int) -> None:
        """Returns once so many more requests have been answered."""
        goal = self.answered + count
        async with asyncio.timeout(20.0), self._news:
            await self._news.wait_for(lambda: self.answered >= goal)


@contextlib.asynccontextmanager
async def loaded(
    fleet: GatewayFleet,
    *,
    connections: int = 16,
    pause_s: float = 0.0,
    request: dict[str, Any] | None = None,
) -> AsyncIterator[Load]:
    """Load for as long as the context lasts; each connection finishes its last request."""
    load = Load()
    ended = asyncio.Event()
    asked = request or body()

    async def connection(client: httpx.AsyncClient) -> None:
        while not ended.is_set():
            await load.one(client, asked)
            await asyncio.sleep(pause_s)

    async with fleet.client() as client:
        asking = [asyncio.ensure_future(connection(client)) for _ in range(connections)]
        try:
            yield load
        finally:
            ended.set()
            await asyncio.gather(*asking)

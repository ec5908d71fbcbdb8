"""Keeps a gateway's revocation list as auth-svc tells it: by pub/sub, and whole each second."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec
import redis.asyncio
import structlog
from redis.exceptions import RedisError

from fleetserve.auth.redis_keys import AuthKeys
from fleetserve.auth.revocations import Revocation, RevocationList, decode_revocations
from fleetserve.clock import Clock

log = structlog.get_logger(__name__)

POLL_S = 1.0
RETRY_S = 0.25
LISTEN_S = 30.0
AWAY = "Redis is away: revocations since then are not known here"


class RevocationFollower:
    """Runs beside the gateway for as long as it lives.

    What is published arrives at once; the whole list is read at each connect and once a second,
    so that a message that got lost is missed for that long at most. While Redis is away the
    list stays as it is.
    """

    def __init__(
        self, client: redis.asyncio.Redis, keys: AuthKeys, known: RevocationList, clock: Clock
    ) -> None:
        self._client = client
        self._keys = keys
        self._known = known
        self._clock = clock
        self.synced = False

    def trouble(self) -> str | None:
        """Why the list may be behind, for /health; None when it is not."""
        return None if self.synced else AWAY

    async def run(self) -> None:
        """Follows until cancelled; Redis down or hung ends nothing."""
        while True:
            try:
                async with self._subscription() as messages, asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._listen(messages))
                    tasks.create_task(self._poll())
            except* (RedisError, OSError, TimeoutError) as group:
                self._lost(group.exceptions[0])
            await self._clock.sleep(RETRY_S)

    async def sync(self) -> None:
        """Reads the whole list.

        Raises: RedisError, OSError, TimeoutError: it could not be read; nothing changed.
        """
        rows = await self._client.zrangebyscore(
            self._keys.revocations, self._clock.now_s(), "+inf", withscores=True
        )
        self._known.add(_parsed(rows))
        if not self.synced:
            log.info("revocations.synced", entries=len(self._known))
        self.synced = True

    @contextlib.asynccontextmanager
    async def _subscription(self) -> AsyncIterator[redis.asyncio.client.PubSub]:
        messages = self._client.pubsub(ignore_subscribe_messages=True)
        try:
            await messages.subscribe(self._keys.revocations_channel)
            yield messages
        finally:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await messages.aclose()  # type: ignore[no-untyped-call]

    async def _listen(self, messages: redis.asyncio.client.PubSub) -> None:
        while True:
            message = await messages.get_message(timeout=LISTEN_S)
            if message is None:
                continue
            try:
                self._known.add(decode_revocations(message["data"]))
            except msgspec.DecodeError as exc:
                log.warning("revocation.unreadable", error=str(exc))

    async def _poll(self) -> None:
        while True:
            await self.sync()
            await self._clock.sleep(POLL_S)

    def _lost(self, exc: BaseException) -> None:
        if self.synced:
            log.warning("revocations.behind", error=str(exc))
        self.synced = False


def _parsed(rows: Iterable[Any]) -> list[Revocation]:
    found = []
    for text, expires_at in rows:
        try:
            found.append(Revocation.from_text(text.decode(), expires_at))
        except ValueError:
            log.warning("revocation.unreadable", text=text[:100])
    return found

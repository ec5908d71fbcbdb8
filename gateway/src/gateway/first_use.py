"""A model of the catalogue that is not here: its first request has it fetched, and waits for it."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Literal

from fleetserve.asgi import Scope
from fleetserve.auth.scopes import RouteScopes
from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError
from fleetserve.model_records import ModelRecord, ModelState
from fleetserve.tasks import service_for_task
from gateway.carrier import AcceptJob
from gateway.download_orders import DownloadOrders
from gateway.entrance import PRINCIPAL
from gateway.exchange import Exchange, Fetch
from gateway.known_models import KnownModels, Target
from gateway.relay import Relay
from gateway.reply import Replies, Reply
from gateway.waiting_room import WaitingRoom

# Calls that are pasted together reach the registry and here in any order.
CATALOGUE_WAIT_S = 2.0
RETRY_AFTER_S = 10.0
_DOWNLOAD = RouteScopes().access("POST", "/models/download")


class FetchRule:
    """Whose requests have models fetched: ``permitted`` are those who may download themselves."""

    def __init__(self, policy: Literal["never", "permitted", "everyone"]) -> None:
        self._policy = policy

    def allows(self, scope: Scope) -> bool:
        """Whether this caller's do; while auth is off everybody is permitted."""
        if self._policy != "permitted":
            return self._policy == "everyone"
        principal = scope.get(PRINCIPAL)
        return principal is None or principal.may(_DOWNLOAD)


def find_or_offer(
    models: KnownModels, name: str, *, may_fetch: bool
) -> tuple[Target, Fetch | None]:
    """The model, or what it is going to be when the catalogue's came.

    A download that failed is tried again only where it may be.

    Raises: ModelNotFoundError.
    """
    target = models.get(name)
    if target is not None and (target.record.state is not ModelState.FAILED or not may_fetch):
        return target, None
    offer = models.offer(name)
    if offer is None:
        return target or models.find(name), None
    record = ModelRecord(offer.name, offer.task, ModelState.DOWNLOADING)
    return Target(record, service_for_task(offer.task)), Fetch(offer, name)


class FirstUse:
    """Brings an exchange's model before the exchange is answered, or taken in as a job.

    For the event loop's thread only.
    """

    def __init__(
        self,
        replies: Replies,
        models: KnownModels,
        room: WaitingRoom,
        orders: DownloadOrders,
        clock: Clock,
    ) -> None:
        self._replies = replies
        self._models = models
        self._room = room
        self._orders = orders
        self._clock = clock

    def reply_to(self, exchange: Exchange) -> AbstractAsyncContextManager[Reply]:
        """See Dispatcher.

        Raises also: what the registry says against the download; ModelNotFoundError: it may not be
        fetched, with the way to get it.
        """
        return self._first(exchange) if exchange.fetch else self._replies.reply_to(exchange)

    def accepting(self, accept: AcceptJob) -> AcceptJob:
        """The same for jobs: refused at once where the model can't be had."""

        async def accept_with_model(exchange: Exchange, relay: Relay) -> None:
            if exchange.fetch is not None:
                await self._bring(exchange, exchange.fetch)
            await accept(exchange, relay)

        return accept_with_model

    @contextlib.asynccontextmanager
    async def _first(self, exchange: Exchange) -> AsyncIterator[Reply]:
        assert exchange.fetch is not None
        await self._bring(exchange, exchange.fetch)
        async with self._replies.reply_to(exchange) as reply:
            yield reply

    async def _bring(self, exchange: Exchange, fetch: Fetch) -> None:
        """Until the fleet knows the model: here, on its way, or failed."""
        name = fetch.offer.name
        begin_s = self._clock.monotonic_s()
        until_s = min(exchange.deadline_s, begin_s + self._room.hold_s)
        with self._room.place(name, exchange.size, "not downloaded"):
            if exchange.may_fetch:
                failed_id = self._failed_id(name)
                download_id = await self._orders.order(fetch.offer, failed_id, until_s)
                target = await self._news(name, download_id, until_s)
            else:
                target = await self._news(name, None, min(until_s, begin_s + CATALOGUE_WAIT_S))
        exchange.held_s += self._clock.monotonic_s() - begin_s
        if target is None and exchange.may_fetch:
            raise UnavailableError(
                f"{name} is not ready: its download is about to begin.",
                retry_after_s=RETRY_AFTER_S,
                code="not_ready",
            )
        exchange.use(target or self._models.find(fetch.asked))

    async def _news(self, name: str, download_id: str | None, until_s: float) -> Target | None:
        """The model once it is here or that download of it is known; None: not until then."""
        while True:
            target = self._models.get(name)
            if target is not None and (
                target.record.state is ModelState.READY
                or download_id in (None, target.record.download_id)
            ):
                return target
            if not await self._room.next_change(until_s):
                return None

    def _failed_id(self, name: str) -> str:
        target = self._models.get(name)
        failed = target is not None and target.record.state is ModelState.FAILED
        return target.record.download_id if target is not None and failed else ""

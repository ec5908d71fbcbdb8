"""Orders of downloads to the registry, by requests for models that are not here."""

import asyncio
from dataclasses import dataclass

import orjson
import structlog

from fleetserve.clock import Clock
from fleetserve.errors import FleetError, UnavailableError, error_body
from gateway.catalogue import Offer
from gateway.relayed_errors import error_of
from gateway.replica_table import ReplicaTable
from gateway.service_calls import ServiceCalls

log = structlog.get_logger(__name__)

REGISTRY = "model-registry-svc"
# The registry asks the model's source before it answers.
ANSWER_S = 60.0
RETRY_AFTER_S = 5.0
# What failed is not ordered again before that; doubled with each failure, up to the longest.
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Answer:
    """``download_id`` is "" where the registry refused."""

    status: int
    content: bytes
    download_id: str


@dataclass(slots=True)
class _Order:
    """``failures`` in a row, this one included once ``failed_s`` says when it was known."""

    answer: asyncio.Task[_Answer]
    failures: int
    failed_s: float | None = None


class DownloadOrders:
    """One order at a time for each model, however many ask. For the event loop's thread only."""

    def __init__(self, calls: ServiceCalls, table: ReplicaTable, clock: Clock) -> None:
        self._calls = calls
        self._table = table
        self._clock = clock
        self._orders: dict[str, _Order] = {}

    async def order(self, offer: Offer, failed_id: str, until_s: float) -> str:
        """The id of its download, which is begun if need be.

        failed_id: of the model's last download, if that one failed: it is this one's too while
        it is too early to try again.

        Raises: FleetError: the registry's refusal, the same for all who ask meanwhile;
        UnavailableError: it did not answer until then.
        """
        order = self._orders.get(offer.name)
        if order is not None and order.answer.done():
            self._judge(order, failed_id)
        if order is None or self._may_repeat(order):
            failures = order.failures if order is not None and order.failed_s is not None else 0
            posting = asyncio.ensure_future(self._post(offer))
            order = self._orders[offer.name] = _Order(posting, failures)
        return await self._answer(order, until_s)

    def _judge(self, order: _Order, failed_id: str) -> None:
        """Notes a failure once. That the registry is away says nothing about the model."""
        answer = order.answer.result()
        refused = not answer.download_id and answer.status != UnavailableError.status
        failed = refused or (answer.download_id != "" and answer.download_id == failed_id)
        if failed and order.failed_s is None:
            order.failed_s = self._clock.monotonic_s()
            order.failures += 1

    def _may_repeat(self, order: _Order) -> bool:
        """Whether a new one would not be one too many: what runs is joined by the registry."""
        if not order.answer.done():
            return False
        if order.failed_s is None:
            return True
        pause_s = min(FIRST_PAUSE_S * 2.0 ** (order.failures - 1), LONGEST_PAUSE_S)
        return self._clock.monotonic_s() >= order.failed_s + pause_s

    async def _answer(self, order: _Order, until_s: float) -> str:
        timer = asyncio.ensure_future(self._clock.sleep(until_s - self._clock.monotonic_s()))
        try:
            await asyncio.wait((order.answer, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        if not order.answer.done():
            raise UnavailableError(
                "It is not ready: its source has not answered yet.",
                retry_after_s=RETRY_AFTER_S,
                code="not_ready",
            )
        answer = order.answer.result()
        if not answer.download_id:
            raise error_of(answer.status, [(b"retry-after", b"5")], answer.content)
        return answer.download_id

    async def _post(self, offer: Offer) -> _Answer:
        """Whatever goes wrong is an answer too: each who waits makes an error of its own of it."""
        # The requests that wait load it by themselves.
        wanted = {
            "source": offer.source,
            "model_id": offer.model_id,
            "name": offer.name,
            "load": False,
        }
        try:
            ready = self._table.ready(REGISTRY)
            if not ready:
                raise UnavailableError(f"{REGISTRY}, which fetches models, is not ready.")
            status, content = await self._calls.send(
                ready[0], "POST", "/models/download", ANSWER_S, wanted
            )
            download_id = str(orjson.loads(content)["download_id"]) if status < 400 else ""
        except FleetError as exc:
            return _Answer(exc.status, orjson.dumps(error_body(exc, "")), "")
        log.info("download.ordered", model=offer.name, status=status, download_id=download_id)
        return _Answer(status, content, download_id)

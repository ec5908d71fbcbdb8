"""Finds a replica for a request, tries again elsewhere, and holds it when none is left."""

import contextlib
import math
import random
from collections.abc import AsyncIterator, Callable
from math import ceil

import structlog

from fleetserve.announcements import InstanceState
from fleetserve.clock import Clock
from fleetserve.errors import DeadlineError, FleetError, ModelNotFoundError, UnavailableError
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.model_records import ModelState
from fleetserve.tokens import TOKEN_HEADER, TokenSigner
from gateway.choice import choose
from gateway.demand import DemandMeter
from gateway.exchange import Exchange
from gateway.known_models import KnownModels, Target
from gateway.replica_table import Replica, ReplicaTable
from gateway.reply import Reply, open_reply
from gateway.upstream.base import (
    BrokenAnswerError,
    Upstream,
    UpstreamAnswer,
    UpstreamFailedError,
)
from gateway.waiting_room import WaitingRoom

log = structlog.get_logger(__name__)

# After every replica was tried: the first pause, doubled each time up to the longest. 256 held
# requests that ask each of two full replicas four times a second would cost half a core.
RETRY_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0


class Dispatcher:
    """Sends an exchange to a replica that can serve it. For the event loop's thread only."""

    def __init__(
        self,
        table: ReplicaTable,
        models: KnownModels,
        room: WaitingRoom,
        upstream: Callable[[], Upstream],
        signer: TokenSigner,
        clock: Clock,
        metrics: RequestMetrics,
    ) -> None:
        self._table = table
        self._models = models
        self._room = room
        self._upstream = upstream
        self._signer = signer
        self._clock = clock
        self._metrics = metrics
        self.demand = DemandMeter(clock)

    @contextlib.asynccontextmanager
    async def reply_to(self, exchange: Exchange) -> AsyncIterator[Reply]:
        """A replica's reply that has begun; leaving the context ends the exchange.

        Raises: DeadlineError: the time was over first; UnavailableError: held too long, or no
            room to be held; ModelNotFoundError: the model is gone or its download failed.
        """
        shed: UnavailableError | None = None
        self.demand.enter(exchange)
        try:
            while True:
                replica = self._choose(exchange)
                if replica is None:
                    await self._hold(exchange, shed)
                    continue
                if self._clock.monotonic_s() >= exchange.deadline_s:
                    raise shed or _too_late(exchange)
                replica.own += 1
                reply = None
                try:
                    reply = await self._attempt(exchange, replica)
                    if reply is not None and not reply.shed:
                        yield reply
                        return
                    shed = _shed_of(reply) if reply is not None else shed
                finally:
                    replica.own -= 1
                    if reply is not None and reply.content is None:
                        reply.answer.close()
                exchange.tried.add(replica.id)
        finally:
            self.demand.leave(exchange)

    def _choose(self, exchange: Exchange) -> Replica | None:
        target = exchange.model
        if target is not None and target.record.state is not ModelState.READY:
            return None
        ready = self._table.ready(exchange.service)
        return choose(
            ready,
            target.record.name if target is not None else "",
            tried=exchange.tried,
            now_s=self._clock.monotonic_s(),
            size_bytes=target.record.size_bytes if target is not None else 0,
            # Of one or two replicas either choice is the same.
            gateways=len(self._table.ready("gateway")) if len(ready) > 2 else 1,
        )

    async def _attempt(self, exchange: Exchange, replica: Replica) -> Reply | None:
        """The reply, or None where the replica failed and the request may go elsewhere."""
        left_s = exchange.deadline_s - self._clock.monotonic_s()
        exchange.attempts += 1
        exchange.upstream = replica.id
        headers = [
            *exchange.headers,
            (TOKEN_HEADER, self._signer.token_for(exchange.service)),
            ("x-fleet-timeout-ms", str(max(1, ceil(left_s * 1000)))),
            ("x-fleet-attempt", str(exchange.attempts)),
        ]
        answer: UpstreamAnswer | None = None
        try:
            answer = await self._upstream().send(
                replica.address, exchange.method, exchange.target, headers, exchange.body
            )
            return await self._reply(answer, replica)
        except (UpstreamFailedError, BrokenAnswerError) as exc:
            self._failed(exchange, replica, exc)
            return None

    async def _reply(self, answer: UpstreamAnswer, replica: Replica) -> Reply:
        try:
            reply = await open_reply(answer)
        except BaseException:
            answer.close()
            raise
        if reply.content is not None:
            answer.close()
        if reply.in_flight is not None:
            replica.answered(reply.in_flight)
        self._metrics.count("upstream_shed", reply.shed)
        return reply

    def _failed(
        self, exchange: Exchange, replica: Replica, exc: UpstreamFailedError | BrokenAnswerError
    ) -> None:
        self._metrics.count("upstream_failures")
        if self._table.suspect(replica):
            log.warning("upstream.failed", upstream=replica.id, reason=str(exc))
        refused = isinstance(exc, UpstreamFailedError) and not exc.sent
        if not refused and not exchange.repeatable:
            raise UnavailableError(
                f"{exchange.service} broke off before it answered; whether the request was"
                " carried out is not known.",
                code="upstream_lost",
            ) from exc

    async def _hold(self, exchange: Exchange, last_shed: FleetError | None) -> None:
        """Waits until the fleet has changed, then lets every replica be tried anew."""
        begin_s = self._clock.monotonic_s()
        hold_s = min(self._room.hold_s, exchange.max_hold_s)
        until_s = min(exchange.deadline_s, begin_s + hold_s - exchange.held_s)
        phase = self._phase(exchange)
        with self._room.place(exchange.model_name or exchange.service, exchange.size, phase):
            # Replicas that were tried and stand in the table may serve again in a moment
            # without any announcement, so a bounded pause ends the wait too.
            pause_s = _pause_s(exchange) if exchange.tried else math.inf
            await self._room.next_change(min(until_s, begin_s + pause_s))
        now_s = self._clock.monotonic_s()
        exchange.held_s += now_s - begin_s
        exchange.tried.clear()
        if exchange.model is not None:
            exchange.model = self._still_there(exchange.model_name)
        if now_s >= until_s:
            raise last_shed or self._not_ready(exchange, now_s)

    def _not_ready(self, exchange: Exchange, now_s: float) -> FleetError:
        """What a request that was held to its end is told. Raises: as _phase."""
        phase = self._phase(exchange)
        record = exchange.model.record if exchange.model is not None else None
        coming = record is not None and record.state is ModelState.DOWNLOADING
        if now_s >= exchange.deadline_s and not coming:
            return _too_late(exchange, phase)
        extra = {"phase": "downloading", "progress": record.progress} if record and coming else {}
        return UnavailableError(
            f"{exchange.model_name or exchange.service} is not ready: {phase}.",
            retry_after_s=10,
            code="not_ready",
            extra=extra,
        )

    def _still_there(self, name: str) -> Target:
        """The model as it is known now; one of a like name is not what was asked for."""
        target = self._models.find(name)
        if target.record.name != name:
            raise ModelNotFoundError(name)
        return target

    def _phase(self, exchange: Exchange) -> str:
        """Why the request can't be sent now, for the waiting caller.

        Raises: ModelNotFoundError: the download failed, so waiting is of no use.
        """
        record = exchange.model.record if exchange.model is not None else None
        if record is not None and record.state is ModelState.DOWNLOADING:
            return f"downloading {record.progress:.0%}"
        if record is not None and record.state is ModelState.FAILED:
            raise ModelNotFoundError(
                record.name,
                f"Its download failed: {record.message} POST /models/download tries again.",
            )
        ready = self._table.ready(exchange.service)
        if not ready:
            return f"{exchange.service} is starting"
        if any(r.instances.get(exchange.model_name) is InstanceState.LOADING for r in ready):
            return "loading"
        return "busy"


def _pause_s(exchange: Exchange) -> float:
    """How long to wait before all are tried again; spread, so that not everybody comes at once."""
    pause_s = min(RETRY_PAUSE_S * (1 << exchange.holds), LONGEST_PAUSE_S)
    exchange.holds = min(exchange.holds + 1, 16)
    return pause_s * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret


def _too_late(exchange: Exchange, phase: str = "") -> DeadlineError:
    waited = f" It waited for: {phase}." if phase else ""
    return DeadlineError(
        f"The time given was over after {exchange.attempts} attempts.{waited}"
        " `timeout` (seconds) allows more."
    )


def _shed_of(reply: Reply) -> UnavailableError:
    retry = next((v for k, v in reply.headers if k == b"retry-after"), b"1")
    return UnavailableError(
        "Every replica is at its bound; the queue is full.",
        retry_after_s=float(retry) if retry.isdigit() else 1.0,
        code="overloaded",
    )

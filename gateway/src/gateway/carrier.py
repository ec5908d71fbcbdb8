"""Carries one request from the client to a process of the fleet and its answer back."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from fleetserve.asgi import ClientGoneError, Receive, Scope, Send
from fleetserve.errors import FleetError, ShedError
from fleetserve.request_ids import request_id_of
from fleetserve.request_log import RequestLog
from fleetserve.request_watch import Flight, RequestWatch
from fleetserve.runtime import ServiceRuntime
from gateway.bodies import Body, BodyStore
from gateway.dispatcher import Dispatcher
from gateway.entrance import principal_name
from gateway.exchange import Exchange, Headers
from gateway.relay import Relay

log = structlog.get_logger(__name__)

# The replica answers its own 504 at the deadline; the grace is for one that doesn't.
DEADLINE_GRACE_S = 0.5

MakeExchange = Callable[[Scope, Headers, Body, Relay], Awaitable[Exchange]]


class Carrier:
    """What data routes and proxied routes have in common; one per gateway process."""

    def __init__(
        self,
        runtime: ServiceRuntime,
        bodies: BodyStore,
        dispatcher: Dispatcher,
        watch: RequestWatch,
    ) -> None:
        self._bodies = bodies
        self._dispatcher = dispatcher
        self._watch = watch
        self._clock = runtime.clock
        self._metrics = runtime.metrics
        settings = runtime.settings
        self._max_in_flight = settings.config.server.max_in_flight
        self._log = RequestLog(runtime.sink, settings.service, settings.replica_id, self._clock)

    async def carry(
        self, scope: Scope, receive: Receive, send: Send, route: str, make: MakeExchange
    ) -> None:
        """Reads the body, asks ``make`` where it goes, sends it, relays the answer.

        Every error is answered in API.md's shape; a client that left gets none. ``route`` is
        the template that metrics and logs know the request by.
        """
        headers: Headers = dict(scope["headers"])
        request_id = request_id_of(scope)
        relay = Relay(send, request_id, self._clock)
        exchange: Exchange | None = None
        body: Body | None = None
        self._metrics.in_flight += 1
        try:
            if self._metrics.in_flight > self._max_in_flight:
                raise ShedError("The gateway has as many requests in flight as it may.")
            body = await self._bodies.read(headers, receive)
            relay.received()
            exchange = await make(scope, headers, body, relay)
            await self._forward(exchange, receive, relay)
        except ClientGoneError:
            pass
        except FleetError as exc:
            await relay.fail(exc)
        except Exception as exc:
            log.exception("request.failed", request_id=request_id)
            await relay.fail(exc)
        finally:
            if body is not None:
                self._bodies.release(body)
            self._metrics.in_flight -= 1
            self._record(route, scope, relay, exchange)

    async def _forward(self, exchange: Exchange, receive: Receive, relay: Relay) -> None:
        task = asyncio.current_task()
        assert task is not None
        flight = Flight(task, relay.received_s, exchange.deadline_s + DEADLINE_GRACE_S)
        flight.receive = receive
        self._watch.enter(flight)
        self._dispatcher.demand.enter(exchange)
        try:
            async with self._dispatcher.reply_to(exchange) as reply:
                await relay.pass_on(reply)
        except asyncio.CancelledError:
            if flight.dropped is None:
                raise
            task.uncancel()
            raise flight.dropped from None
        finally:
            self._watch.leave(flight)
            self._dispatcher.demand.leave(exchange)

    def _record(self, route: str, scope: Scope, relay: Relay, exchange: Exchange | None) -> None:
        seconds = self._clock.monotonic_s() - relay.begin_s
        model = exchange.model_name if exchange is not None else ""
        self._metrics.record(route, relay.status, seconds, model)
        self._log.write(
            request_id=relay.request_id,
            method=scope["method"],
            principal=principal_name(scope),
            route=route,
            status=relay.status,
            bytes_out=relay.bytes_out,
            seconds=seconds,
            model=model,
            upstream=exchange.upstream if exchange is not None else "",
            attempts=exchange.attempts if exchange is not None else 0,
        )

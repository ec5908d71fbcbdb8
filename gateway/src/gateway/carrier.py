"""Carries one request from the client to a process of the fleet and its answer back."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf

import structlog

from fleetserve.asgi import ClientGoneError, Receive, Scope, Send
from fleetserve.errors import FleetError, ShedError
from fleetserve.request_ids import request_id_of
from fleetserve.request_log import RequestLog
from fleetserve.request_watch import Flight, RequestWatch
from fleetserve.runtime import ServiceRuntime
from gateway.bodies import Body, BodyStore
from gateway.entrance import principal_name
from gateway.exchange import Exchange, Headers
from gateway.relay import Relay
from gateway.reply import Replies

log = structlog.get_logger(__name__)

# The replica answers its own 504 at the deadline; the grace is for one that doesn't.
DEADLINE_GRACE_S = 0.5

MakeExchange = Callable[[Scope, Headers, Body, Relay], Awaitable[Exchange]]
AcceptJob = Callable[[Exchange, Relay], Awaitable[None]]


class Carrier:
    """What data routes and proxied routes have in common; one per gateway process.

    Args:
        replies: Has the fleet answer.
        accept: Takes in, and answers, what is to be done later; None: nothing is.
    """

    def __init__(
        self,
        runtime: ServiceRuntime,
        bodies: BodyStore,
        replies: Replies,
        watch: RequestWatch,
        accept: AcceptJob | None = None,
    ) -> None:
        self._bodies = bodies
        self._replies = replies
        self._watch = watch
        self._accept = accept
        self._clock = runtime.clock
        self._metrics = runtime.metrics
        settings = runtime.settings
        self._max_in_flight = settings.config.server.max_in_flight
        self._body_timeout_s = settings.config.server.body_timeout_s
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
        relay = Relay(send, request_id, self._clock, scope["path"])
        flight = self._begin(relay)
        exchange: Exchange | None = None
        body: Body | None = None
        self._metrics.in_flight += 1
        try:
            if self._metrics.in_flight > self._max_in_flight:
                raise ShedError("The gateway has as many requests in flight as it may.")
            body = await self._read(headers, receive, flight)
            relay.received()
            exchange = await make(scope, headers, body, relay)
            if exchange.order is not None and self._accept is not None:
                await self._accept(exchange, relay)
            else:
                await self._forward(exchange, receive, relay, flight)
        except asyncio.CancelledError:
            if flight.dropped is None:
                raise
            flight.task.uncancel()
            if not isinstance(flight.dropped, ClientGoneError):
                await relay.fail(flight.dropped)
        except ClientGoneError:
            pass
        except FleetError as exc:
            await relay.fail(exc)
        except Exception as exc:
            log.exception("request.failed", request_id=request_id)
            await relay.fail(exc)
        finally:
            self._watch.leave(flight)
            if body is not None:
                self._bodies.release(body)
            self._metrics.in_flight -= 1
            self._record(route, scope, relay, exchange)

    def _begin(self, relay: Relay) -> Flight:
        task = asyncio.current_task()
        assert task is not None
        flight = Flight(task, relay.begin_s, relay.begin_s + self._body_timeout_s)
        flight.arriving = True
        self._watch.enter(flight)
        return flight

    async def _read(self, headers: Headers, receive: Receive, flight: Flight) -> Body:
        """The body; a client that stalls in it loses its place."""

        def arrived() -> None:
            flight.begin_s = self._clock.monotonic_s()
            flight.deadline_s = flight.begin_s + self._body_timeout_s

        body = await self._bodies.read(headers, receive, arrived)
        # How long the rest may take is known once it is known where it goes.
        flight.arriving, flight.deadline_s = False, inf
        return body

    async def _forward(
        self, exchange: Exchange, receive: Receive, relay: Relay, flight: Flight
    ) -> None:
        flight.begin_s = relay.received_s
        flight.deadline_s = exchange.deadline_s + DEADLINE_GRACE_S
        flight.receive = receive
        async with self._replies.reply_to(exchange) as reply:
            await relay.pass_on(reply)

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

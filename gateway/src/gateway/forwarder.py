"""The data routes: which model a request is for, and what its replica needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fleetserve.asgi import Receive, Scope, Send
from fleetserve.clock import Clock
from fleetserve.errors import InvalidFieldError, MethodNotAllowedError
from gateway.bodies import Body
from gateway.carrier import Carrier
from gateway.entrance import principal_name
from gateway.exchange import Exchange, Headers, passed_on
from gateway.jobs.order import JobOrder, idempotency_key, wants_async, webhook_in_query
from gateway.known_models import KnownModels, Target
from gateway.relay import Relay
from gateway.routing_fields import RoutingFields, routing_fields
from gateway.waiting_room import WaitingRoom

# Calls that are pasted together reach the registry and here in any order.
CATALOGUE_WAIT_S = 2.0
_PASSED_ON = (b"content-type", b"accept")
# A job goes after every request that somebody waits for: below all that they can ask for.
BACKGROUND = -11


@dataclass(frozen=True, slots=True)
class DataRoute:
    """A POST route of the data plane.

    ``service`` is set where only that service's models can be asked for here.
    """

    path: str
    service: str | None
    timeout_s: float


class TokenGate(Protocol):
    async def admit_token(self, scope: Scope, token: str | None) -> None:
        """See Entrance."""
        ...


class Forwarder:
    """Serves the data routes; one instance per process.

    Args:
        routes: By path.
        models: What there is.
        carrier: Does the rest.
        entrance: Lets in by a body's token.
        room: Where a request for a model of the catalogue waits.
        clock: The process's.
        takes_jobs: ``Prefer: respond-async`` is heeded.
        priority: Added to each request's own.
    """

    def __init__(
        self,
        routes: Mapping[str, DataRoute],
        models: KnownModels,
        carrier: Carrier,
        entrance: TokenGate,
        room: WaitingRoom,
        clock: Clock,
        *,
        takes_jobs: bool = False,
        priority: int = 0,
    ) -> None:
        self._takes_jobs = takes_jobs
        self._priority = priority
        self._room = room
        self._clock = clock
        self._entrance = entrance
        self._routes = routes
        self._models = models
        self._carrier = carrier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._carrier.carry(scope, receive, send, scope["path"], self._exchange)

    async def _find(self, name: str, size: int) -> Target:
        """The model; one of the catalogue may be asked for in the same moment as its download.

        Raises: ModelNotFoundError; UnavailableError: no room to wait.
        """
        target = self._models.get(name)
        if target is None and self._models.offers(name):
            until_s = self._clock.monotonic_s() + CATALOGUE_WAIT_S
            with self._room.place(name, size, "not downloaded"):
                while target is None and await self._room.next_change(until_s):
                    target = self._models.get(name)
        return target or self._models.find(name)

    async def _exchange(self, scope: Scope, sent: Headers, body: Body, relay: Relay) -> Exchange:
        """What is to be sent where, from the request's routing fields."""
        route = self._routes[scope["path"]]
        if scope["method"] != "POST":
            raise MethodNotAllowedError(
                f"{route.path} takes POST. GET /docs shows how.", headers={"Allow": "POST"}
            )
        query = scope["query_string"]
        fields = await routing_fields(sent, query, body)
        await self._entrance.admit_token(scope, fields.token)
        target = await self._find(fields.model, body.size)
        if route.service is not None and target.service != route.service:
            raise InvalidFieldError(
                "model_name",
                f"{target.record.name} is a model for {target.record.task}, which"
                f" {route.path} does not serve; POST it to /predict",
            )
        headers = passed_on(sent, _PASSED_ON)
        headers.append(("x-request-id", relay.request_id))
        headers.append(("x-fleet-model", target.record.name))
        headers.append(("x-fleet-priority", str(fields.priority + self._priority)))
        return Exchange(
            method="POST",
            target=f"{route.path}?{query.decode('latin-1')}" if query else route.path,
            service=target.service,
            model=target,
            body=body,
            headers=headers,
            deadline_s=relay.received_s + (fields.timeout_s or route.timeout_s),
            order=self._order(scope, sent, fields),
        )

    def _order(self, scope: Scope, sent: Headers, fields: RoutingFields) -> JobOrder | None:
        """How it is to become a job; None: somebody waits for the answer.

        Raises: InvalidFieldError: it can't become one as it is.
        """
        if not self._takes_jobs:
            return None
        if not wants_async(sent):
            if fields.webhook_url is not None:
                raise InvalidFieldError("webhook_url", "only jobs have one: Prefer: respond-async")
            return None
        return JobOrder(
            principal=principal_name(scope),
            priority=fields.priority,
            idempotency_key=idempotency_key(sent),
            webhook_url=fields.webhook_url or webhook_in_query(scope["query_string"]),
            has_token=fields.token is not None,
        )

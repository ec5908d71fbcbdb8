"""The data routes: which model a request is for, and what its replica needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleetserve.asgi import Receive, Scope, Send
from fleetserve.clock import Clock
from fleetserve.errors import InvalidFieldError, MethodNotAllowedError
from gateway.bodies import Body
from gateway.carrier import Carrier
from gateway.entrance import Entrance
from gateway.exchange import Exchange, Headers, passed_on
from gateway.known_models import KnownModels, Target
from gateway.relay import Relay
from gateway.routing_fields import routing_fields
from gateway.waiting_room import WaitingRoom

# Calls that are pasted together reach the registry and here in any order.
CATALOGUE_WAIT_S = 2.0
_PASSED_ON = (b"content-type", b"accept", b"prefer", b"idempotency-key")


@dataclass(frozen=True, slots=True)
class DataRoute:
    """A POST route of the data plane.

    ``service`` is set where only that service's models can be asked for here.
    """

    path: str
    service: str | None
    timeout_s: float


class Forwarder:
    """Serves the data routes; one instance per gateway process."""

    def __init__(
        self,
        routes: Mapping[str, DataRoute],
        models: KnownModels,
        carrier: Carrier,
        entrance: Entrance,
        room: WaitingRoom,
        clock: Clock,
    ) -> None:
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
        headers.append(("x-fleet-priority", str(fields.priority)))
        return Exchange(
            method="POST",
            target=f"{route.path}?{query.decode('latin-1')}" if query else route.path,
            service=target.service,
            model=target,
            body=body,
            headers=headers,
            deadline_s=relay.received_s + (fields.timeout_s or route.timeout_s),
        )

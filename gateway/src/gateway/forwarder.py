"""The data routes: which model a request is for, and what its replica needs to know."""

import re
from collections.abc import Mapping

from fleetserve.asgi import Receive, Scope, Send
from fleetserve.clock import Clock
from fleetserve.errors import InvalidFieldError, MethodNotAllowedError, NotFoundError
from fleetserve.tasks import Task
from gateway.bodies import Body
from gateway.carrier import Carrier
from gateway.data_routes import MATCH, DataRoute, RouteMatch
from gateway.entrance import Entrance
from gateway.exchange import Exchange, Headers, passed_on
from gateway.known_models import KnownModels, Target
from gateway.relay import Relay
from gateway.waiting_room import WaitingRoom

# Calls that are pasted together reach the registry and here in any order.
CATALOGUE_WAIT_S = 2.0
_VERSION = re.compile(r"[A-Za-z0-9._+-]{1,200}")
_NATIVE_ROUTES: Mapping[str, str] = {
    Task.TEXT_TO_SPEECH: "/synthesize",
    Task.AUTOMATIC_SPEECH_RECOGNITION: "/transcribe",
}
_PASSED_ON = (
    b"content-type",
    b"content-encoding",
    b"accept",
    b"prefer",
    b"idempotency-key",
    b"inference-header-content-length",
)


class Forwarder:
    """Serves the data routes; one instance per gateway process."""

    def __init__(
        self,
        models: KnownModels,
        carrier: Carrier,
        entrance: Entrance,
        room: WaitingRoom,
        clock: Clock,
    ) -> None:
        self._room = room
        self._clock = clock
        self._entrance = entrance
        self._models = models
        self._carrier = carrier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match: RouteMatch = scope[MATCH]
        await self._carrier.carry(scope, receive, send, match.route.path, self._exchange)

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
        route, model, version = scope[MATCH]
        if scope["method"] != route.method:
            raise MethodNotAllowedError(
                f"{route.path} takes {route.method}. GET /docs shows how.",
                headers={"Allow": route.method},
            )
        query = scope["query_string"]
        fields = await route.read(sent, query, body)
        await self._entrance.admit_token(scope, fields.token)
        target = await self._find(model or fields.model, body.size)
        _check_service(route, target)
        headers = passed_on(sent, _PASSED_ON)
        headers.append(("x-request-id", relay.request_id))
        headers.append(("x-fleet-model", target.record.name))
        headers.append(("x-fleet-priority", str(fields.priority)))
        if version:
            headers.append(("x-fleet-version", _checked(version)))
        return Exchange(
            method="POST",
            target=f"{route.upstream}?{query.decode('latin-1')}" if query else route.upstream,
            service=target.service,
            model=target,
            body=body,
            headers=headers,
            deadline_s=relay.received_s + (fields.timeout_s or route.timeout_s),
        )


def _check_service(route: DataRoute, target: Target) -> None:
    """Raises: InvalidFieldError: the model is for another route."""
    if route.service is None or target.service == route.service:
        return
    task = target.record.task
    raise InvalidFieldError(
        "model_name",
        f"{target.record.name} is a model for {task}, which {route.path} does not serve; POST it"
        f" to {_NATIVE_ROUTES.get(task, '/predict')}",
    )


def _checked(version: str) -> str:
    """The version as a header can carry it. Raises: NotFoundError: no model has such a one."""
    if not _VERSION.fullmatch(version):
        raise NotFoundError(f"There is no version {version!r}.", code="revision_not_found")
    return version

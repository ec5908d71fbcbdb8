"""The data routes: which model a request is for, and what its replica needs to know."""

import re
from collections.abc import Mapping
from typing import Protocol

from fleetserve.asgi import Receive, Scope, Send
from fleetserve.clock import Clock
from fleetserve.errors import InvalidFieldError, MethodNotAllowedError, NotFoundError
from fleetserve.tasks import TEXT_TO_TEXT_TASKS, Task
from gateway.bodies import Body
from gateway.carrier import Carrier
from gateway.data_routes import MATCH, DataRoute, RouteMatch
from gateway.entrance import principal_name
from gateway.exchange import Exchange, Headers, passed_on
from gateway.jobs.order import JobOrder, idempotency_key, wants_async, webhook_in_query
from gateway.known_models import KnownModels, Target
from gateway.relay import Relay
from gateway.routing_fields import RoutingFields
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
    b"inference-header-content-length",
)
# A job goes after every request that somebody waits for: below all that they can ask for.
BACKGROUND = -11


class TokenGate(Protocol):
    async def admit_token(self, scope: Scope, token: str | None) -> None:
        """See Entrance."""
        ...


class Forwarder:
    """Serves the data routes; one instance per process.

    Args:
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
        headers.append(("x-fleet-priority", str(fields.priority + self._priority)))
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
            order=self._order(scope, sent, fields) if route.takes_jobs else None,
            two_stage=route.speaks and target.record.two_stage_voice,
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


def _check_service(route: DataRoute, target: Target) -> None:
    """Raises: InvalidFieldError: the model is for another route."""
    if route.service is None or target.service == route.service:
        return
    if route.speaks and target.record.two_stage_voice:
        return
    task = target.record.task
    speaking = ""
    if route.speaks and task in TEXT_TO_TEXT_TASKS:
        speaking = "; downloaded with auto_convert_tts it is a voice"
    raise InvalidFieldError(
        "model_name",
        f"{target.record.name} is a model for {task}, which {route.path} does not serve; POST it"
        f" to {_NATIVE_ROUTES.get(task, '/predict')}{speaking}",
    )


def _checked(version: str) -> str:
    """The version as a header can carry it. Raises: NotFoundError: no model has such a one."""
    if not _VERSION.fullmatch(version):
        raise NotFoundError(f"There is no version {version!r}.", code="revision_not_found")
    return version

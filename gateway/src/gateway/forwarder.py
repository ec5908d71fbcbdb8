"""The data routes: which model a request is for, and what its replica needs to know."""

import re
from collections.abc import Mapping
from typing import Protocol

from fleetserve.asgi import Receive, Scope, Send
from fleetserve.errors import InvalidFieldError, MethodNotAllowedError, NotFoundError
from fleetserve.tasks import TEXT_TO_TEXT_TASKS, Task
from gateway.bodies import Body
from gateway.carrier import Carrier
from gateway.data_routes import MATCH, DataRoute, RouteMatch
from gateway.entrance import principal_name
from gateway.exchange import MODEL_HEADER, Exchange, Headers, passed_on
from gateway.first_use import FetchRule, find_or_offer
from gateway.jobs.order import JobOrder, idempotency_key, wants_async, webhook_in_query
from gateway.known_models import KnownModels, Target
from gateway.relay import Relay
from gateway.routing_fields import RoutingFields

_VERSION = re.compile(r"[A-Za-z0-9._+-]{1,200}")
_NATIVE_ROUTES: Mapping[str, str] = {
    Task.TEXT_TO_SPEECH: "/synthesize",
    Task.AUTOMATIC_SPEECH_RECOGNITION: "/transcribe",
}
_PASSED_ON = (
    b"content-type",
    b"content-encoding",
    b"accept",
    b"accept-encoding",
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
        rule: Whose requests have models fetched.
        takes_jobs: ``Prefer: respond-async`` is heeded.
        priority: Added to each request's own.
    """

    def __init__(
        self,
        models: KnownModels,
        carrier: Carrier,
        entrance: TokenGate,
        rule: FetchRule,
        *,
        takes_jobs: bool = False,
        priority: int = 0,
    ) -> None:
        self._takes_jobs = takes_jobs
        self._priority = priority
        self._rule = rule
        self._entrance = entrance
        self._models = models
        self._carrier = carrier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match: RouteMatch = scope[MATCH]
        await self._carrier.carry(scope, receive, send, match.route.path, self._exchange)

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
        # To look at a model changes nothing.
        may_fetch = route.method == "POST" and self._rule.allows(scope)
        target, fetch = find_or_offer(self._models, model or fields.model, may_fetch=may_fetch)
        _check_service(route, target, fetched=fetch is not None)
        headers = passed_on(sent, _PASSED_ON)
        headers.append(("x-request-id", relay.request_id))
        headers.append((MODEL_HEADER, target.record.name))
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
            two_stage=_speaks(route) and target.record.two_stage_voice,
            fetch=fetch,
            may_fetch=may_fetch,
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


def _speaks(route: DataRoute) -> bool:
    return Task.TEXT_TO_SPEECH in route.tasks


def _check_service(route: DataRoute, target: Target, *, fetched: bool) -> None:
    """A model that is here its replica checks further; none is fetched in vain.

    Raises: InvalidFieldError: the model is for another route.
    """
    task = target.record.task
    in_vain = fetched and bool(route.tasks) and task not in route.tasks
    if not in_vain and route.service in (None, target.service):
        return
    if _speaks(route) and target.record.two_stage_voice:
        return
    speaking = ""
    if _speaks(route) and task in TEXT_TO_TEXT_TASKS:
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

"""Who may come in: host, origin, CORS, credential, quota and scope, before anything is read."""

from collections.abc import Mapping
from typing import Any

from fleetserve.asgi import Message, RawHeaders, Scope, Send, send_response
from fleetserve.audit_log import AuditLog
from fleetserve.auth.cors import CorsPolicy, is_preflight
from fleetserve.auth.gatekeeper import Gatekeeper
from fleetserve.auth.security_headers import AllowedHosts
from fleetserve.errors import FleetError, ForbiddenError
from fleetserve.request_ids import request_id_of
from gateway.refusals import Refusals

PRINCIPAL = "fleet.principal"
_CREDENTIALS = (b"authorization", b"x-api-key")
SOCKET = "WEBSOCKET"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Entrance:
    """Asked once per request by the router; the event loop only.

    Args:
        late: Paths whose body may carry the credential (`token`): without a header they are let
            in by ``admit_token`` once that was read.
    """

    def __init__(
        self,
        hosts: AllowedHosts,
        cors: CorsPolicy,
        gate: Gatekeeper,
        audit: AuditLog,
        refusals: Refusals,
        *,
        late: frozenset[str],
        enabled: bool,
    ) -> None:
        self._hosts = hosts
        self._cors = cors
        self._gate = gate
        self._audit = audit
        self._refusals = refusals
        self._late = late
        self._enabled = enabled

    async def admit(self, scope: Scope, send: Send) -> Send | None:
        """The ``send`` to answer with, or None where the answer was given here."""
        begin_s = self._refusals.now_s()
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        extra = self._cors.headers(headers.get(b"origin"))
        try:
            if not self._hosts.take(headers.get(b"host")):
                raise ForbiddenError(
                    "This Host header is not allowed; security.allowed_hosts lists those that are.",
                    code="host_not_allowed",
                )
            method = scope["method"]
            # Browsers let any page open a WebSocket: it counts as what changes something.
            self._refuse_page(method if scope["type"] == "http" else SOCKET, headers)
            if is_preflight(method, headers.get(b"access-control-request-method")):
                status, answer = self._cors.preflight(headers.get(b"origin"))
                await send_response(send, status, answer, b"")
                return None
            if self._enabled:
                extra = extra + await self._identify(scope, headers)
        except FleetError as exc:
            await self._refusals.answer(scope, _with(send, extra), exc, begin_s)
            return None
        return _with(send, extra) if extra else send

    def _refuse_page(self, method: str, headers: Mapping[bytes, bytes]) -> None:
        """A page of elsewhere that is open in the caller's browser must not drive the fleet."""
        origin = headers.get(b"origin")
        if method in _READING or self._cors.may_change(origin, headers.get(b"host")):
            return
        raise ForbiddenError(
            f"Pages of {(origin or b'').decode('latin-1')} may not send this; cors.origins in "
            "auth.yaml lists those that may.",
            code="origin_not_allowed",
        )

    async def admit_token(self, scope: Scope, token: str | None) -> None:
        """Lets a request in by its body's `token`; a no-op for one that is in already.

        Raises: UnauthorizedError, ForbiddenError, TooManyRequestsError, UnavailableError.
        """
        if self._enabled and PRINCIPAL not in scope:
            admitted = await self._gate.admit("POST", scope["path"], _client(scope), token=token)
            scope[PRINCIPAL] = admitted.principal

    async def _identify(self, scope: Scope, headers: Mapping[bytes, bytes]) -> RawHeaders:
        path, method = scope["path"], scope["method"]
        if path in self._late and not any(name in headers for name in _CREDENTIALS):
            return []
        admitted = await self._gate.admit(
            method,
            path,
            _client(scope),
            authorization=headers.get(b"authorization"),
            api_key=headers.get(b"x-api-key"),
        )
        scope[PRINCIPAL] = admitted.principal
        if method not in _READING and path not in self._late:
            # Logins and scalings alike: whatever may change the fleet leaves a line.
            self._audit.write(
                "route.called",
                principal=admitted.principal.name,
                request_id=request_id_of(scope),
                method=method,
                path=path,
            )
        return list(admitted.decision.headers()) if admitted.decision is not None else []


def principal_name(scope: Mapping[str, Any]) -> str:
    """Who a request comes from, as logs know it; "" while auth is off."""
    principal = scope.get(PRINCIPAL)
    return principal.name if principal is not None else ""


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _with(send: Send, extra: RawHeaders) -> Send:
    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *extra]
        await send(message)

    return send_with

"""The routes of the control services, passed through unchanged."""

from collections.abc import Mapping

from fleetserve.asgi import Receive, Scope, Send
from gateway.bodies import Body
from gateway.carrier import Carrier
from gateway.exchange import Exchange, Headers, passed_on
from gateway.relay import Relay

# Longer than any answer should take: `wait: true` of a download, an event stream.
TIMEOUT_S = 3600.0
# A service that crashed is back within seconds; the caller should not wait minutes for one that
# is not there at all.
HOLD_S = 10.0
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_PASSED_ON = (
    b"host",  # So that links and redirects which the service makes lead back here.
    b"content-type",
    b"accept",
    b"last-event-id",
    b"idempotency-key",
    b"user-agent",
)
# auth-svc verifies by itself whose profile or key it is; nobody else needs to see a credential.
_CREDENTIALS = (b"authorization", b"x-api-key")
_AUTH_SERVICE = "auth-svc"


class ControlProxy:
    """Routes by the path's prefix.

    Args:
        prefixes: Path prefix → the service that owns it and everything below it.
        writes: The same for requests that change something, where that is another service.
    """

    def __init__(
        self,
        prefixes: Mapping[str, str],
        carrier: Carrier,
        writes: Mapping[str, str] | None = None,
    ) -> None:
        self._prefixes = dict(prefixes)
        self._writes = dict(writes or {})
        self._carrier = carrier

    def service_of(self, path: str, method: str = "GET") -> str | None:
        """The service behind a path, or None where the gateway answers itself."""
        found = None if method in _READS else _by_prefix(self._writes, path)
        return found or _by_prefix(self._prefixes, path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Raw paths as labels would let any caller make endless series; the service logs them.
        route = f"proxy:{self.service_of(scope['path'], scope['method'])}"
        await self._carrier.carry(scope, receive, send, route, self._exchange)

    async def _exchange(self, scope: Scope, sent: Headers, body: Body, relay: Relay) -> Exchange:
        service = self.service_of(scope["path"], scope["method"]) or ""
        names = _PASSED_ON + _CREDENTIALS if service == _AUTH_SERVICE else _PASSED_ON
        headers = passed_on(sent, names)
        headers.append(("x-request-id", relay.request_id))
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        return Exchange(
            method=scope["method"],
            target=f"{path}?{query}" if query else path,
            service=service,
            model=None,
            body=body if body.size else None,
            headers=headers,
            deadline_s=relay.received_s + TIMEOUT_S,
            repeatable=scope["method"] in _IDEMPOTENT,
            max_hold_s=HOLD_S,
        )


def _by_prefix(prefixes: Mapping[str, str], path: str) -> str | None:
    for prefix, service in prefixes.items():
        if path == prefix or path.startswith(prefix + "/"):
            return service
    return None

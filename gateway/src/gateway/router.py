"""The gateway's outermost ASGI app: which plane a request belongs to."""

from collections.abc import Mapping

from fleetserve.asgi import App, Receive, Scope, Send, header, send_error
from fleetserve.errors import ForbiddenError
from fleetserve.request_ids import new_request_id
from gateway.control_proxy import ControlProxy
from gateway.forwarder import DataRoute, Forwarder


class Router:
    """Data routes to the forwarder, the services' routes to the proxy, the rest to the control app.

    Args:
        hosts: Host headers that are taken, without ports; a web page under another name that
            was made to point here can so not drive a local fleet. "*" takes all.
    """

    def __init__(
        self,
        routes: Mapping[str, DataRoute],
        forwarder: Forwarder,
        proxy: ControlProxy,
        control: App,
        hosts: tuple[str, ...],
    ) -> None:
        self._routes = routes
        self._forwarder = forwarder
        self._proxy = proxy
        self._control = control
        self._hosts = {host.encode() for host in hosts}
        self._any_host = "*" in hosts
        self._known_hosts: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._control(scope, receive, send)
            return
        if not self._takes_host(header(scope, b"host") or b""):
            error = ForbiddenError(
                "This Host header is not allowed; security.allowed_hosts lists those that are.",
                code="host_not_allowed",
            )
            await send_error(send, error, new_request_id())
            return
        path = scope["path"]
        if path in self._routes:
            await self._forwarder(scope, receive, send)
        elif self._proxy.service_of(path) is not None:
            await self._proxy(scope, receive, send)
        else:
            await self._control(scope, receive, send)

    def _takes_host(self, host: bytes) -> bool:
        if self._any_host or host in self._known_hosts:
            return True
        name = host.rpartition(b":")[0] if host[-1:] != b"]" and b":" in host else host
        if name.lower() not in self._hosts:
            return False
        if len(self._known_hosts) < 64:
            self._known_hosts.add(host)
        return True

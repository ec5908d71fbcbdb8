"""The gateway's outermost ASGI app: who comes in, and which plane a request belongs to."""

from fleetserve.asgi import App, ClientGoneError, Receive, Scope, Send, header, send_error
from fleetserve.errors import FleetError
from fleetserve.request_ids import request_id_from
from gateway.control_proxy import ControlProxy
from gateway.data_routes import MATCH, RouteTable
from gateway.entrance import Entrance
from gateway.forwarder import Forwarder
from gateway.optimize_seam import as_optimize, may_optimize
from gateway.socket_proxy import as_denial


class Router:
    """Data routes go to the forwarder, services' routes to the proxy, all others to the app."""

    def __init__(
        self,
        routes: RouteTable,
        forwarder: Forwarder,
        proxy: ControlProxy,
        control: App,
        entrance: Entrance,
        sockets: App,
    ) -> None:
        self._routes = routes
        self._forwarder = forwarder
        self._proxy = proxy
        self._control = control
        self._entrance = entrance
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._control(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._open(scope, receive, send)
            return
        admitted = await self._entrance.admit(scope, send)
        if admitted is None:
            return
        if may_optimize(scope):
            try:
                scope, receive = await as_optimize(scope, receive)
            except FleetError as exc:
                offered = header(scope, b"x-request-id")
                request_id = request_id_from(offered.decode("latin-1") if offered else None)
                await send_error(admitted, exc, request_id)
                return
            except ClientGoneError:
                return
        path = scope["path"]
        match = self._routes.find(path)
        if match is not None:
            scope[MATCH] = match
            await self._forwarder(scope, receive, admitted)
        elif self._proxy.service_of(path) is not None:
            await self._proxy(scope, receive, admitted)
        else:
            await self._control(scope, receive, admitted)

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A handshake is a GET to the entrance, and no WebSocket goes past it."""
        scope["method"] = "GET"
        if await self._entrance.admit(scope, as_denial(send)) is not None:
            await self._sockets(scope, receive, send)

"""Runs a service: binds, announces, serves, drains on SIGTERM."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Sequence
from types import FrameType

import structlog
import uvicorn

from fleetserve.announcements import PERIOD_S
from fleetserve.asgi import App
from fleetserve.garbage import settle
from fleetserve.http_protocol import HttpProtocol
from fleetserve.runtime import ServiceRuntime
from fleetserve.unix_door import open_door

log = structlog.get_logger(__name__)

# A drained replica serves on for two periods of the gateways' tables, so that no request that
# was already on its way to it is refused.
DRAIN_S = 2 * PERIOD_S
FINISH_S = 60
MAX_MESSAGE = 1 << 20  # Of a WebSocket; reading rests while one waits.
BACKLOG = 2048
# How often heads of requests that do not arrive are looked for.
HEADS_S = 5.0


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        runtime: ServiceRuntime,
        drain_s: float,
        door: socket.socket | None,
    ) -> None:
        super().__init__(config)
        self._runtime = runtime
        self._drain_s = drain_s
        self._door = door
        self._loop: asyncio.AbstractEventLoop | None = None
        self._drain: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            await self._open_door()
            settle()
            _write_address(self._runtime)
            log.info("service.listening", address=self._runtime.address)

    async def _open_door(self) -> None:
        if self._door is None:
            return
        door = await asyncio.get_running_loop().create_unix_server(
            lambda: HttpProtocol(
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            ),
            sock=self._door,
        )
        # uvicorn closes it with its own.
        self.servers.append(door)

    async def main_loop(self) -> None:
        # uvicorn's own looks ten times a second whether it is over: a fifth of what an idle
        # process costs.
        await self.on_tick(0)
        while not self.should_exit:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEADS_S):
                    await self._over.wait()
            self._check_heads()

    def _check_heads(self) -> None:
        now_s = self._runtime.clock.monotonic_s()
        for connection in list(self.server_state.connections):
            if isinstance(connection, HttpProtocol):
                connection.check_head(now_s)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._runtime.draining or self._loop is None:
            super().handle_exit(sig, frame)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._over.set)
            return
        self._runtime.draining = True
        self._loop.call_soon_threadsafe(self._begin_drain)

    def _begin_drain(self) -> None:
        self._drain = asyncio.ensure_future(self._drain_then_exit())

    async def _drain_then_exit(self) -> None:
        log.info("replica.draining", in_flight=self._runtime.metrics.in_flight)
        if self._drain_s:
            await self._runtime.announcer().announce_now()
            await self._runtime.clock.sleep(self._drain_s)
        self.should_exit = True
        self._over.set()


def run_service(
    app: App,
    runtime: ServiceRuntime,
    *,
    drain_s: float = DRAIN_S,
    headers: Sequence[tuple[bytes, bytes]] = (),
    unix_door: bool = False,
) -> None:
    """Serves until SIGTERM or SIGINT, and drains before it returns.

    Draining is announced, serving goes on for ``drain_s``, and what is then still in flight is
    finished, within at most 60 s. ``headers`` are added to every answer. ``unix_door``: for those
    who are asked often by processes of the same machine, see ``fleetserve.unix_door``.

    Raises: SystemExit: the address is taken.
    """
    settings = runtime.settings
    sock = _bind(settings.listen_host, settings.listen_port)
    port = sock.getsockname()[1]
    runtime.address = settings.advertise or f"http://{_reachable(settings.listen_host)}:{port}"
    config = uvicorn.Config(
        app,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=HttpProtocol,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        headers=[(name.decode(), value.decode()) for name, value in headers],
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=FINISH_S,
    )
    door = open_door(settings.listen_host, port, BACKLOG) if unix_door else None
    server = _Server(config, runtime, drain_s, door)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[sock])
    if not server.started:
        raise SystemExit(3)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host.strip("[]"), port))
        # From now on a connection waits instead of being refused: readiness may be announced
        # before the server accepts.
        sock.listen(BACKLOG)
    except OSError as exc:
        raise SystemExit(f"{host}:{port} can't be bound: {exc.strerror}") from None
    return sock


def _reachable(host: str) -> str:
    if host == "0.0.0.0":  # noqa: S104 - compared with, not bound
        return socket.gethostname()
    return host


def _write_address(runtime: ServiceRuntime) -> None:
    """Tells the supervisor where this process listens."""
    path = runtime.settings.address_file
    if path is None:
        return
    draft = path.with_suffix(".new")
    draft.write_text(runtime.address + "\n")
    draft.replace(path)

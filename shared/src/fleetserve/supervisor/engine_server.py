"""Serves the engine's application on a socket, inside the supervisor's event loop."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from fleetserve.supervisor.engine import Engine
from fleetserve.supervisor.engine_api import engine_app


class _QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers, which are the supervisor's, and without its clock.

    Its own main loop wakes ten times a second, which is 0.2 % of a core for nothing.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await asyncio.Event().wait()


async def serve_engine(engine: Engine, listener: socket.socket) -> None:
    """Serves until cancelled; then at once no more, since all that could call has ended."""
    config = uvicorn.Config(
        engine_app(engine),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
    )
    server = _QuietServer(config)
    try:
        await server.serve(sockets=[listener])
    finally:
        for accepting in getattr(server, "servers", []):
            accepting.close()

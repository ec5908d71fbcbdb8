"""WebSockets to replicas, by the package websockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from gateway.upstream.base import UpstreamFailedError

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
MAX_MESSAGE = 1 << 20
MAX_WAITING = 8  # Messages that were not passed on yet; then it is not read on.
LOST = 1006


class _Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: str | bytes) -> None:
        with suppress(ConnectionClosed):
            await self._connection.send(message)

    async def messages(self) -> AsyncIterator[str | bytes]:
        with suppress(ConnectionClosed):
            while True:
                yield await self._connection.recv()

    @property
    def close_code(self) -> int:
        return self._connection.close_code or LOST


@asynccontextmanager
async def open_socket(url: str, headers: list[tuple[str, str]]) -> AsyncIterator[_Socket]:
    """See gateway.socket_proxy.OpenSocket."""
    try:
        connection = await connect(
            url,
            additional_headers=headers,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_MESSAGE,
            max_queue=MAX_WAITING,
            compression=None,
            proxy=None,
        )
    except (OSError, WebSocketException, TimeoutError) as exc:
        raise UpstreamFailedError(f"{type(exc).__name__}: {exc}", sent=False) from exc
    try:
        yield _Socket(connection)
    finally:
        await connection.close()

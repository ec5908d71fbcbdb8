"""Bodies that a replica takes in: small ones in memory, large ones in a file."""

import asyncio
from pathlib import Path

from fleetserve.asgi import ClientGoneError, Receive
from fleetserve.errors import PayloadTooLargeError
from fleetserve.spooled_file import SpooledFile

WRITE_BYTES = 1 << 20


class Spool:
    """For routes that take files.

    Args:
        folder: Where the nameless files are.
        above: Bytes above which a body goes to one.
    """

    def __init__(self, folder: Path, above: int) -> None:
        self._folder = folder
        self._above = above

    async def read(self, receive: Receive, limit: int) -> bytes | SpooledFile:
        """The whole body.

        Raises: PayloadTooLargeError: more than ``limit`` bytes; ClientGoneError: it broke off.
        """
        file: SpooledFile | None = None
        parts: list[bytes] = []
        size = waiting = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            waiting += len(parts[-1])
            if size > limit:
                raise PayloadTooLargeError(f"The body is over {limit} bytes.")
            more = message.get("more_body", False)
            if size > self._above and (waiting >= WRITE_BYTES or not more):
                file = file or SpooledFile(self._folder)
                await asyncio.to_thread(file.write, b"".join(parts))
                parts.clear()
                waiting = 0
        return file or b"".join(parts)

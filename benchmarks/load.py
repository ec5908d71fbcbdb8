"""A closed-loop load client: N keep-alive connections, each sends when it was answered.

``python -m benchmarks.load URL --connections 16 --seconds 5`` prints one JSON line. It runs as
a process of its own, so that its CPU time is not counted with what it measures. Loopback only.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

EXAMPLE_BODY = b'{"model_name":"example","inputs":[1,2,3,4,5]}'


@dataclass(slots=True)
class Tally:
    """``latencies_s`` in order of completion; ``failures`` by status, or -1 for a broken one."""

    latencies_s: list[float] = field(default_factory=list)
    failures: dict[int, int] = field(default_factory=dict)

    def fail(self, status: int) -> None:
        self.failures[status] = self.failures.get(status, 0) + 1


class _Caller(asyncio.Protocol):
    def __init__(self, request: bytes, tally: Tally, end_s: float) -> None:
        self._request = request
        self._tally = tally
        self._end_s = end_s
        self._begin_s = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._begin_s = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        now_s = time.perf_counter()
        status = self._parser.get_status_code()
        if status == 200:
            self._tally.latencies_s.append(now_s - self._begin_s)
        else:
            self._tally.fail(status)
        self._parser = httptools.HttpResponseParser(self)
        if now_s < self._end_s:
            self._send()
        else:
            self._finish()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self._tally.fail(-1)
            self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        if self._transport is not None:
            self._transport.close()


async def closed_loop(
    url: str,
    body: bytes,
    connections: int,
    seconds: float,
    headers: Sequence[str] = ("Content-Type: application/json",),
) -> Tally:
    """Runs the load and returns what came back; stops by itself.

    Raises: ValueError: the address is not on loopback.
    """
    parts = urlsplit(url)
    if parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise ValueError("load goes to this machine only")
    head = (
        f"POST {parts.path or '/'} HTTP/1.1\r\nHost: 127.0.0.1:{parts.port}\r\n"
        + "".join(f"{line}\r\n" for line in headers)
        + f"Content-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    tally, end_s = Tally(), time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    callers = []
    for _ in range(connections):
        _, caller = await loop.create_connection(
            lambda: _Caller(request, tally, end_s), parts.hostname, parts.port or 80
        )
        callers.append(caller)
    async with asyncio.timeout(seconds + 60):
        await asyncio.gather(*(caller.done for caller in callers))
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--body", default=EXAMPLE_BODY.decode())
    parser.add_argument("--body-file", type=Path)
    parser.add_argument("--header", action="append", help="instead of JSON's content type")
    args = parser.parse_args()
    body = args.body_file.read_bytes() if args.body_file else args.body.encode()
    headers = args.header or ["Content-Type: application/json"]
    tally = uvloop.run(closed_loop(args.url, body, args.connections, args.seconds, headers))
    ordered = sorted(tally.latencies_s) or [0.0]
    print(
        json.dumps(
            {
                "requests": len(tally.latencies_s),
                "failures": tally.failures,
                "rps": round(len(tally.latencies_s) / args.seconds, 1),
                "p50_ms": round(ordered[len(ordered) // 2] * 1000, 3),
                "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 3),
            }
        )
    )


if __name__ == "__main__":
    main()

"""A load client: closed loop (N connections, each sends when it was answered) or open loop.

``python -m benchmarks.load URL --connections 16 --seconds 5`` prints one JSON line. It runs as
a process of its own, so that its CPU time is not counted with what it measures. Loopback only.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

from benchmarks.processes import JSON_HEADERS

EXAMPLE_BODY = b'{"model_name":"example","inputs":[1,2,3,4,5]}'
GRACE_S = 60.0
PERIOD_S = 0.01
SEED = 7

Pull = Callable[[], tuple[bytes, float] | None]


@dataclass(slots=True)
class Tally:
    """``latencies_s`` in order of completion; ``failures`` by status, or -1 for a broken one."""

    latencies_s: list[float] = field(default_factory=list)
    failures: dict[int, int] = field(default_factory=dict)
    elapsed_s: float = 0.0

    def fail(self, status: int) -> None:
        self.failures[status] = self.failures.get(status, 0) + 1

    def summary(self) -> dict[str, object]:
        """Requests per second over the time it took, and percentiles in ms."""
        ordered = sorted(self.latencies_s) or [0.0]
        return {
            "requests": len(self.latencies_s),
            "failures": self.failures,
            "rps": round(len(self.latencies_s) / self.elapsed_s, 1) if self.elapsed_s else 0.0,
            "p50_ms": round(ordered[len(ordered) // 2] * 1000, 3),
            "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 3),
        }


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go.

    Raises: ValueError: the address is not on loopback.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS)

    def __post_init__(self) -> None:
        if urlsplit(self.url).hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError("load goes to this machine only")

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 80

    def request(self, body: bytes) -> bytes:
        parts = urlsplit(self.url)
        head = f"POST {parts.path or '/'} HTTP/1.1\r\nHost: 127.0.0.1:{parts.port}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Caller(asyncio.Protocol):
    """One connection, which sends what ``pull`` gives, one at a time.

    ``rest`` is called with it when there is nothing to send: it finishes, or is told to go on.
    """

    def __init__(self, pull: Pull, rest: "Callable[[_Caller], None]", tally: Tally) -> None:
        self._pull = pull
        self._rest = rest
        self._tally = tally
        self._begin_s = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self.go_on()

    def go_on(self) -> None:
        assert self._transport is not None
        following = self._pull()
        if following is None:
            self._rest(self)
            return
        request, self._begin_s = following
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 200:
            self._tally.latencies_s.append(time.perf_counter() - self._begin_s)
        else:
            self._tally.fail(status)
        self._parser = httptools.HttpResponseParser(self)
        self.go_on()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self._tally.fail(-1)
            self.finish()

    def finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        if self._transport is not None:
            self._transport.close()


async def closed_loop(
    url: str,
    bodies: bytes | Sequence[bytes],
    connections: int,
    seconds: float,
    headers: Mapping[str, str] = JSON_HEADERS,
    ended: asyncio.Event | None = None,
) -> Tally:
    """Runs the load and returns what came back. Bodies come in random order.

    It stops by itself after ``seconds``, or sooner once ``ended`` is set.
    Raises: ValueError: the address is not on loopback.
    """
    target = Target(url, headers)
    choices = [bodies] if isinstance(bodies, bytes) else bodies
    requests = [target.request(body) for body in choices]
    order = random.Random(SEED)
    tally, begin_s = Tally(), time.perf_counter()
    end_s = begin_s + seconds

    def pull() -> tuple[bytes, float] | None:
        now_s = time.perf_counter()
        if now_s >= end_s or (ended is not None and ended.is_set()):
            return None
        return (order.choice(requests) if len(requests) > 1 else requests[0]), now_s

    loop = asyncio.get_running_loop()
    callers = []
    for _ in range(connections):
        _, caller = await loop.create_connection(
            lambda: _Caller(pull, _Caller.finish, tally), *target.address
        )
        callers.append(caller)
    async with asyncio.timeout(seconds + GRACE_S):
        await asyncio.gather(*(caller.done for caller in callers))
    tally.elapsed_s = time.perf_counter() - begin_s
    return tally


async def open_loop(
    url: str, bodies: Sequence[bytes], rate: float, seconds: float, connections: int = 64
) -> Tally:
    """Requests come at random (Poisson) at a fixed rate, whether or not others were answered.

    Latency counts from when a request was due, so that waiting for a free connection shows.
    Raises: ValueError: the address is not on loopback.
    """
    target, tally = Target(url), Tally()
    due: deque[tuple[bytes, float]] = deque()
    idle: list[_Caller] = []
    loop = asyncio.get_running_loop()
    callers = []
    for _ in range(connections):
        _, caller = await loop.create_connection(
            lambda: _Caller(lambda: due.popleft() if due else None, idle.append, tally),
            *target.address,
        )
        callers.append(caller)
    order = random.Random(SEED)
    begin_s = at_s = time.perf_counter()
    while (at_s := at_s + order.expovariate(rate)) < begin_s + seconds:
        await asyncio.sleep(max(0.0, at_s - time.perf_counter()))
        due.append((target.request(order.choice(bodies)), at_s))
        if idle:
            idle.pop().go_on()
    async with asyncio.timeout(GRACE_S):
        while len(idle) < len(callers):  # noqa: ASYNC110 - each answer tells its caller alone
            await asyncio.sleep(PERIOD_S)
    tally.elapsed_s = time.perf_counter() - begin_s
    for caller in callers:
        caller.finish()
    return tally


def read_bodies(path: Path) -> list[bytes]:
    """One body a line of a .jsonl file; of any other file, the whole is one."""
    data = path.read_bytes()
    return data.splitlines() if path.suffix == ".jsonl" else [data]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--body", default=EXAMPLE_BODY.decode())
    parser.add_argument("--bodies", type=Path, help="a file; overrides --body")
    parser.add_argument("--rate", type=float, help="open loop at so many requests/s")
    parser.add_argument("--headers", type=json.loads, default=JSON_HEADERS)
    args = parser.parse_args()
    bodies = read_bodies(args.bodies) if args.bodies else [args.body.encode()]
    if args.rate:
        run = open_loop(args.url, bodies, args.rate, args.seconds)
    else:
        run = closed_loop(args.url, bodies, args.connections, args.seconds, args.headers)
    json.dump(uvloop.run(run).summary(), sys.stdout)


if __name__ == "__main__":
    main()

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import httpx
import orjson
import pytest
import redis.asyncio

from fleetserve.announcements import ReplicaState, decode_announcement
from fleetserve.keys import Keys
from fleetserve.redis_client import make_redis
from fleetserve.unix_door import enter
from tests.redis_server import RedisServer

PROGRAM = Path(__file__).parent / "served.py"
DRAIN_S = 0.5
END_S = 10.0


class Served:
    """The small service as a process; made when it listens."""

    def __init__(self, environ: dict[str, str], drain_s: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(drain_s)], env=environ, stdout=subprocess.PIPE
        )
        self.address = str(self.wait_for("service.listening")["address"])

    def wait_for(self, event: str) -> dict[str, object]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told: dict[str, object] = orjson.loads(line)
            if told["event"] == event:
                return told
        raise RuntimeError(f"ended with {self.process.wait()} before {event}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        self.process.communicate(timeout=END_S)
        return self.process.returncode


Start = Callable[..., Served]


@pytest.fixture
def environ(tmp_path: Path, redis_server: RedisServer) -> dict[str, str]:
    return {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": str(tmp_path / "config.yaml"),
        "FLEETSERVE_ADDRESS_FILE": str(tmp_path / "address"),
        "FLEETSERVE_REPLICA_ID": "g1",
        "REDIS_URL": redis_server.url,
    }


@pytest.fixture
def start(environ: dict[str, str]) -> Iterator[Start]:
    with ExitStack() as stack:

        def start_one(drain_s: float = DRAIN_S, **more: str) -> Served:
            served = Served({**environ, **more}, drain_s)
            stack.callback(served.process.communicate)
            stack.callback(served.process.kill)
            return served

        yield start_one


@pytest.fixture
async def states(redis_server: RedisServer) -> AsyncIterator["States"]:
    async with make_redis(redis_server.url, timeout_s=END_S) as client, client.pubsub() as pubsub:
        await pubsub.subscribe(Keys("fleetserve").announcements_channel)
        yield States(pubsub)


class States:
    """What the process announces."""

    def __init__(self, pubsub: redis.asyncio.client.PubSub) -> None:
        self._pubsub = pubsub

    async def wait_for(self, state: ReplicaState) -> None:
        async with asyncio.timeout(END_S):
            async for message in self._pubsub.listen():
                is_one = message["type"] == "message"
                if is_one and decode_announcement(message["data"]).state is state:
                    return


async def test_bound_address_is_told_to_the_supervisor(start: Start, tmp_path: Path) -> None:
    served = start()
    assert (tmp_path / "address").read_text() == served.address + "\n"
    async with httpx.AsyncClient(base_url=served.address) as client:
        assert (await client.get("/at-once")).status_code == 200


def test_advertised_address_wins_over_the_bound_one(start: Start) -> None:
    assert start(FLEETSERVE_ADVERTISE="http://me:80").address == "http://me:80"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_drains_then_ends_in_order(
    start: Start, states: States, number: signal.Signals
) -> None:
    served = start()
    async with httpx.AsyncClient(base_url=served.address, timeout=END_S) as client:
        held = asyncio.ensure_future(client.get("/hold"))
        await client.get("/at-once")
        served.signal(number)
        begin_s = monotonic()
        await states.wait_for(ReplicaState.DRAINING)
        assert (await client.get("/at-once")).status_code == 200
        served.signal(signal.SIGUSR1)
        assert (await held).text == "/hold"
    await states.wait_for(ReplicaState.GONE)
    assert await asyncio.to_thread(served.wait) == 0
    assert monotonic() - begin_s >= DRAIN_S


async def test_request_in_flight_after_the_drain_is_finished(start: Start) -> None:
    served = start(drain_s=0.0)
    async with httpx.AsyncClient(base_url=served.address, timeout=END_S) as client:
        held = asyncio.ensure_future(client.get("/hold"))
        await client.get("/at-once")
        served.signal(signal.SIGTERM)
        await asyncio.to_thread(served.wait_for, "Shutting down")
        assert not held.done()
        served.signal(signal.SIGUSR1)
        assert (await held).text == "/hold"
    assert await asyncio.to_thread(served.wait) == 0


def test_second_signal_cuts_the_drain_short(start: Start) -> None:
    served = start(drain_s=60.0)
    served.signal(signal.SIGTERM)
    served.signal(signal.SIGINT)
    begin_s = monotonic()
    served.wait()
    assert monotonic() - begin_s < END_S


@pytest.mark.parametrize("fault", ["stop", "hang"])
def test_redis_away_does_not_keep_it_from_ending(
    start: Start, redis_server: RedisServer, fault: str
) -> None:
    served = start()
    getattr(redis_server, fault)()
    served.signal(signal.SIGTERM)
    assert served.wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
def test_unix_door_stands_beside_the_port_and_drains_too(start: Start) -> None:
    served = start(drain_s=0.0)
    host, port = served.address.removeprefix("http://").split(":")
    sock = enter(host, int(port))
    assert sock is not None
    with sock:
        sock.settimeout(END_S)
        sock.sendall(b"GET /hold HTTP/1.1\r\nhost: x\r\n\r\n")
        served.signal(signal.SIGTERM)
        served.wait_for("Shutting down")
        served.signal(signal.SIGUSR1)
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
    assert served.wait() == 0
    assert enter(host, int(port)) is None


def test_connections_that_send_no_head_are_closed(start: Start) -> None:
    served = start()
    host, port = served.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=END_S) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nx-slow: ")
        assert sock.recv(1) == b""


def test_taken_port_is_one_line(environ: dict[str, str]) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        address = f"127.0.0.1:{sock.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, str(PROGRAM), "0"],
            env={**environ, "FLEETSERVE_LISTEN": address},
            capture_output=True,
            text=True,
            timeout=END_S,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == f"{address} can't be bound: Address already in use\n"

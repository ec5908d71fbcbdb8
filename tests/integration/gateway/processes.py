"""A gateway and its replicas as real processes on a real Redis."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

import anyio
import httpx
import orjson
import redis

from fleetserve.keys import Keys
from fleetserve.model_records import ModelRecord, encode_record
from fleetserve.tokens import CALLS, make_secrets
from tests.redis_server import RedisServer

REPLICA = Path(__file__).parent / "replica_process.py"
PATIENCE_S = 20.0
PREFIX = "fleet-t"


class ServiceProcess:
    """One service; its log lines are read from its standard output by a thread."""

    def __init__(self, command: list[str], env: Mapping[str, str]) -> None:
        self._lines: list[dict[str, Any]] = []
        self._other = ""
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env=dict(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            with self._news:
                try:
                    self._lines.append(orjson.loads(raw))
                except orjson.JSONDecodeError:
                    self._other += raw.decode(errors="replace")
                self._news.notify_all()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """What was logged under that name so far."""
        with self._news:
            return [line for line in self._lines if line.get("event") == event]

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first line of that name; waits until it is there."""
        deadline_s = monotonic() + PATIENCE_S
        while not (found := self.lines(event)):
            with self._news:
                if not self._news.wait(deadline_s - monotonic()):
                    raise AssertionError(f"no {event}: {self._other or self._lines[-5:]}")
        return found[0]

    @property
    def address(self) -> str:
        """Known once it listens."""
        address: str = self.wait_for("service.listening")["address"]
        return address

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def end(self) -> None:
        """Leaves nothing behind, whatever state it is in."""
        self.kill()
        self._reader.join(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


class GatewayFleet:
    """Processes of one fleet below ``folder``; leaving the context ends them all."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        self.home = folder / "a home with spaces"
        self.redis = server
        self._processes: list[ServiceProcess] = []
        self.gateway: ServiceProcess
        self.replicas: dict[str, ServiceProcess] = {}
        make_secrets(self.home / "secrets", {*CALLS, *(a for c in CALLS.values() for a in c)})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.end()

    def start_gateway(self, **config: str) -> None:
        """Config keys such as SERVER__HOLD_S; returns once it listens."""
        env = {f"FLEETSERVE_{key}": value for key, value in config.items()}
        self.gateway = self._start(["-m", "gateway"], "g1", env)
        self.gateway.wait_for("service.listening")

    def start_replica(self, replica_id: str, *options: str) -> None:
        """Returns at once; ``ready`` waits for it."""
        self.replicas[replica_id] = self._start([str(REPLICA), *options], replica_id, {})

    def _start(self, command: list[str], replica_id: str, env: Mapping[str, str]) -> ServiceProcess:
        common = {
            "FLEETSERVE_HOME": str(self.home),
            "FLEETSERVE_CONFIG": str(self.home / "config.yaml"),
            "FLEETSERVE_CATALOGUE": str(self.home / "models.json"),
            "FLEETSERVE_PREFIX": PREFIX,
            "FLEETSERVE_REPLICA_ID": replica_id,
            "FLEETSERVE_LISTEN": "127.0.0.1:0",
            "REDIS_URL": self.redis.url,
        }
        process = ServiceProcess(command, {**common, **env})
        self._processes.append(process)
        return process

    def client(self, **options: Any) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        # Nothing here is TLS, whose certificates take 40 ms to read.
        options = {"timeout": PATIENCE_S, "limits": limits, "verify": False, **options}
        return httpx.AsyncClient(base_url=self.gateway.address, **options)

    async def ready(self, *replica_ids: str) -> None:
        """Returns once the gateway knows these replicas, and no others, as ready."""
        async with self.client() as client:

            async def known() -> bool:
                replicas = (await client.get("/info")).json()["replicas"]
                return {r["id"] for r in replicas if r["state"] == "ready"} == set(replica_ids)

            await until(known)

    async def state_of(self, replica_id: str) -> dict[str, int]:
        """What happened at a replica so far."""
        address = self.replicas[replica_id].address
        async with httpx.AsyncClient(base_url=address, verify=False) as client:
            state: dict[str, int] = (await client.get("/test/state")).json()
            return state

    def latencies_ms(self) -> list[float]:
        """What the gateway took for each prediction so far, by its own log: no client in it."""
        lines = self.gateway.lines("request.completed")
        return [line["ms"] for line in lines if line["route"] == "/predict"]

    def record(self, record: ModelRecord) -> None:
        """Tells of a model as the registry does."""
        keys = Keys(PREFIX)
        with redis.Redis.from_url(self.redis.url) as client:
            client.hset(keys.models, record.name, encode_record(record))
            client.publish(keys.models_channel, encode_record(record))


async def until(met: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
    """Returns once the awaited answer is true; other processes are looked at 50 times a second."""
    with anyio.fail_after(patience_s):
        while not await met():  # noqa: ASYNC110 - another process is waited for
            await anyio.sleep(0.02)


def body(do: str = "answer", *, timeout: float | None = None, **more: object) -> dict[str, Any]:
    """A request for the example that tells the replica what to do."""
    extra = {} if timeout is None else {"timeout": timeout}
    return {"model_name": "example", "inputs": {"do": do, **more}, **extra}

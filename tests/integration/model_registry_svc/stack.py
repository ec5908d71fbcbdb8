"""The registry, its worker, Redis and a hub, as processes of a test."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from fleetserve.clock import SystemClock
from fleetserve.tokens import CALLS, TokenSigner, make_secrets
from tests.hub import HubServer
from tests.redis_server import RedisServer

START_S = 20.0
FINISH_S = 30.0


class Process:
    """One of the registry's processes; its name is its replica id, so a new one succeeds it."""

    def __init__(self, module: str, name: str, environ: dict[str, str], folder: Path) -> None:
        self._ready = folder / f"{name}.ready"
        self._ready.unlink(missing_ok=True)
        self.log = folder / f"{name}.log"
        settings = {"FLEETSERVE_REPLICA_ID": name, "FLEETSERVE_ADDRESS_FILE": str(self._ready)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module], env=environ | settings, stdout=log, stderr=log
            )
        wait_for(lambda: self._ready.exists() or self._process.poll() is not None, START_S)
        if self._process.poll() is not None:
            raise RuntimeError(f"{name} ended:\n{self.log.read_text()}")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def address(self) -> str:
        return self._ready.read_text().strip()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        """Its exit status after SIGTERM."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(START_S)


class Stack:
    """All but the workers is started; ``worker`` starts one."""

    def __init__(self, folder: Path, redis: RedisServer, hub: HubServer) -> None:
        self.folder = folder
        self.redis = redis
        self.hub = hub
        self.models_dir = folder / "home" / "models"
        self.catalogue = folder / "models.json"
        self._processes: list[Process] = []
        self._environ = {
            "HOME": str(folder),
            "FLEETSERVE_HOME": str(folder / "home"),
            "FLEETSERVE_CONFIG": str(folder / "none.yaml"),
            "FLEETSERVE_CATALOGUE": str(self.catalogue),
            "REDIS_URL": redis.url,
            "HF_ENDPOINT": hub.url,
            "PYTORCH_ENDPOINT": f"{hub.url}/pytorch/models/resolve/main",
        }
        secrets = folder / "home" / "secrets"
        make_secrets(secrets, {*CALLS, *(name for called in CALLS.values() for name in called)})
        self._signer = TokenSigner(secrets, "gateway", SystemClock())

    def registry(self) -> httpx.Client:
        """Starts the service; a client that calls it as the gateway does."""
        process = self._start("model_registry_svc", "registry")
        headers = {"x-fleet-token": self._signer.token_for("model-registry-svc")}
        return httpx.Client(base_url=process.address, headers=headers, timeout=FINISH_S)

    def worker(self, name: str = "worker") -> Process:
        return self._start("model_registry_svc.worker", name)

    def kill(self) -> None:
        for process in self._processes:
            process.kill()

    def _start(self, module: str, name: str) -> Process:
        process = Process(module, name, self._environ, self.folder)
        self._processes.append(process)
        return process


def follow(client: httpx.Client, download_id: str) -> Iterator[dict[str, Any]]:
    """Each state that the events tell, until the end."""
    path = f"/models/download/status/{download_id}/events"
    with client.stream("GET", path) as response:
        assert response.status_code == 200
        for line in response.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def wait_for(condition: Callable[[], object], timeout_s: float) -> None:
    """Returns when it holds.

    Raises: TimeoutError: it does not within ``timeout_s``.
    """
    pause, deadline_s = threading.Event(), time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError("it did not come about")
        pause.wait(0.02)

"""A real Redis for tests that can be stopped and hung."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from fleetserve.supervisor.redis_server import find_redis_server

READY = b"Ready to accept connections"
TAKEN = b"Address already in use"


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class RedisServer:
    """A redis-server on loopback; it keeps its port, and nothing else, over a stop and a start.

    Attributes:
        url: Where it listens, also while it is stopped.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = self._start_on_free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Returns when it takes connections."""
        if not self._start(self._port):
            raise RuntimeError(f"redis-server did not start on {self._port}")

    def stop(self) -> None:
        """As a crash would: connections are refused from now on, and nothing was saved."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def hang(self) -> None:
        """It takes connections and never answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _start_on_free_port(self) -> int:
        for _ in range(5):
            port = free_port()
            if self._start(port):
                return port
        raise RuntimeError("redis-server found no free port in five tries")

    def _start(self, port: int) -> bool:
        binary = find_redis_server(None)
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [str(binary), *options, "--dir", str(self._folder)], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        seen = b""
        for line in self._process.stdout:
            seen += line
            if READY in line:
                return True
        self.stop()
        if TAKEN in seen:
            return False
        raise RuntimeError(f"redis-server ended:\n{seen.decode()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

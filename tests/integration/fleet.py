"""A fleet as a user has it: ``fleetserve up`` with the real services, in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx
import orjson

from tests.integration.supervisor.fleet_runner import fleet_pids, tied, wait_until_gone

ROOT = Path(__file__).parents[2]
START_S = 180.0
STOP_S = 60.0
REQUEST_S = 120.0
LOG_LINES = 15


class Fleet:
    """Listens on a free port of loopback and keeps everything under a folder of its own.

    Args:
        folder: Where its home is made; models found there are kept over a restart.
        environment: More than what every fleet of the tests gets. Nothing comes from the
            environment of the tests themselves.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.home = folder / "a fleet's home"
        self.url = ""
        self._environment = {
            "PATH": os.defpath,
            "PORT": "0",
            "FLEETSERVE_HOME": str(self.home),
            "FLEETSERVE_CONFIG": str(ROOT / "config.yaml"),
            "FLEETSERVE_CATALOGUE": str(ROOT / "models.json"),
            "FLEETSERVE_AUTH": str(ROOT / "auth.yaml"),
            **(environment or {}),
        }
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._output: list[str] = []
        self._changed = threading.Condition()
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Returns when the whole fleet is ready.

        Raises: AssertionError: it did not become so, with all that it said.
        """
        self._output.clear()
        self._process = subprocess.Popen(
            tied([sys.executable, "-m", "fleetserve.cli", "up"]),
            env=self._environment,
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self._wait_for(r"^ +API +(\S+)$")[1]

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Started, and stopped as Ctrl-C does; whatever went wrong, nothing is left of it."""
        try:
            self.start()
            yield self
            self.stop()
        finally:
            self.discard()

    def stop(self) -> None:
        """Ends the fleet as Ctrl-C does.

        Raises: AssertionError: it did not end well, or left processes behind.
        """
        pids = self.pids()
        self.signal(signal.SIGINT)
        status = self._end(STOP_S)
        left = wait_until_gone(pids)
        assert status == 0, f"the fleet ended with {status}\n{self.account()}"
        assert not left, f"processes {sorted(left)} outlived the fleet\n{self.account()}"

    def discard(self) -> None:
        """Ends whatever is left of the fleet, however."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._end(STOP_S)
        wait_until_gone(self.pids())

    @property
    def pid(self) -> int:
        """The supervisor's."""
        assert self._process is not None
        return self._process.pid

    def pids(self) -> set[int]:
        """Every process that has to do with this fleet."""
        return fleet_pids(self.home)

    def replica_pids(self, service: str) -> list[int]:
        """The processes of one service."""
        return sorted(pid for pid in self.pids() if _service_of(pid) == service)

    def signal(self, number: signal.Signals) -> None:
        """To the supervisor."""
        os.kill(self.pid, number)

    def client(self, timeout_s: float = REQUEST_S) -> httpx.AsyncClient:
        # Nothing here is TLS, whose certificates take 40 ms to read.
        return httpx.AsyncClient(base_url=self.url, timeout=timeout_s, verify=False)

    def account(self) -> str:
        """What the fleet said last: the supervisor's lines, then each service's complaints."""
        logs = self.home / "logs"
        complaints = {path.name: _complaints(path) for path in sorted(logs.glob("*.jsonl"))}
        output = {path.name: _last_lines(path) for path in sorted(logs.glob("*.out"))}
        parts = [
            f"--- {name}\n" + "\n".join(lines[-LOG_LINES:])
            for name, lines in (complaints | output).items()
            if lines
        ]
        return "".join(self._output[-60:]) + "\n".join(parts)

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._output.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _wait_for(self, pattern: str) -> re.Match[str]:
        """The first match in what is or will be said."""
        expression = re.compile(pattern, re.MULTILINE)

        def found() -> re.Match[str] | None:
            return expression.search("".join(self._output))

        def over() -> bool:
            reading = self._reader is not None and self._reader.is_alive()
            return found() is not None or not reading

        with self._changed:
            self._changed.wait_for(over, START_S)
            match = found()
        if match is None:
            self.discard()
            raise AssertionError(f"the fleet did not start\n{self.account()}")
        return match

    def _end(self, timeout_s: float) -> int:
        assert self._process is not None
        assert self._reader is not None
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status


def _service_of(pid: int) -> str:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return ""
    module = arguments[arguments.index("-m") + 1] if "-m" in arguments else ""
    return module.replace("_", "-")


def _complaints(path: Path) -> list[str]:
    """Warnings and errors of a log, exceptions unfolded."""
    found = []
    for line in path.read_bytes().splitlines():
        told = orjson.loads(line)
        if told.get("level") in ("warning", "error", "critical"):
            trace = told.pop("exception", "")
            found.append(orjson.dumps(told).decode() + (f"\n{trace}" if trace else ""))
    return found


def _last_lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines()[-LOG_LINES:]

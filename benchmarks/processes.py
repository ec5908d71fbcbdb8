"""Processes that a benchmark starts and measures, through /proc (Linux)."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

START_S = 90.0
STOP_S = 90.0
POLL_S = 0.05
FIRST_S = 30.0
JSON_HEADERS = {"Content-Type": "application/json"}
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system seconds of one process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def children(pid: int) -> list[int]:
    """All descendants of a process; one that ends meanwhile may be missing."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *children(int(child))]
    return found


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    return [pid, *children(pid)]


def tree_cpu_s(pid: int) -> float:
    """What a process and all its descendants that are alive have used so far."""
    return sum(_or_nothing(cpu_s, one) for one in tree(pid))


def pss_mib(pids: Iterable[int]) -> float:
    """Proportional set size: what is shared counts once among those who share it."""
    return sum(_or_nothing(_pss_kib, pid) for pid in pids) / 1024


def own_mib(pid: int) -> float:
    """The part of the PSS that is no file's: pages of libraries count by how many share them now,
    so that another process's end moves the whole by tens of MiB.
    """
    return _pss_kib(pid, "Pss_Anon") / 1024


def _pss_kib(pid: int, part: str = "Pss") -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{part}:")))


def _or_nothing(measure: Callable[[int], float], pid: int) -> float:
    try:
        return measure(pid)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # It has ended meanwhile.


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Server:
    """A server under test; ended, with all that it started, by the end of the block.

    It is ready when it answers with 200: a GET, or where there is a ``ready_body``, a POST.

    Attributes:
        ready_s: From its start to its first good answer.
    """

    def __init__(
        self,
        command: Sequence[str],
        ready_url: str,
        *,
        ready_body: bytes | None = None,
        ready_headers: Mapping[str, str] = JSON_HEADERS,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        log: Path | None = None,
    ) -> None:
        self._command = list(command)
        self._ready_url = ready_url
        self._ready_body = ready_body
        self._ready_headers = ready_headers
        self._environment = environment
        self._folder = folder
        self._log = log
        self.ready_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        begin_s = time.monotonic()
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(self._log.open("ab")) if self._log else None
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._folder,
                stdout=log or subprocess.DEVNULL,
                stderr=log or sys.stderr,
            )
        while time.monotonic() < begin_s + START_S and self._process.poll() is None:
            try:
                if self._is_ready():
                    self.ready_s = time.monotonic() - begin_s
                    return self
            except httpx.HTTPError:
                pass
            time.sleep(POLL_S)
        self.__exit__()
        raise TimeoutError(f"{self._command[:4]} was not ready within {START_S:.0f} s")

    def _is_ready(self) -> bool:
        if self._ready_body is None:
            answer = httpx.get(self._ready_url, timeout=1)
        else:
            answer = httpx.post(
                self._ready_url,
                content=self._ready_body,
                headers=dict(self._ready_headers),
                timeout=30,
            )
        return answer.status_code == 200

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        started = tree(self._process.pid)
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        finally:
            for pid in started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

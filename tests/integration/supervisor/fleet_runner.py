"""Runs ``fleetserve up`` with tiny services and watches it from outside."""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import msgspec

from fleetserve.supervisor.home import ENGINE_FILE, FleetRecord
from fleetserve.supervisor.services import FLEET

TINY_SERVICE = Path(__file__).parent / "tiny_service.py"
# What there is of each fleet of the tests, Redis with it.
PROCESSES = ("redis", *(f"{t.name}-1" if t.replicas else t.name for t in FLEET))
MODULES = sorted({template.module.partition(".")[0] for template in FLEET})
DEADLINE_S = 30.0


def write_tiny_services(folder: Path) -> None:
    """Packages with the names of the real ones, to stand before them on PYTHONPATH."""
    source = TINY_SERVICE.read_text()
    for module in MODULES:
        package = folder / module
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(source)
    (folder / "model_registry_svc" / "worker.py").write_text(source)
    (folder / "gateway" / "jobs.py").write_text(source)


def tied(command: list[str]) -> list[str]:
    """The command, which also ends where pytest is killed, or ends itself for a test that hangs."""
    setpriv = shutil.which("setpriv")
    return command if setpriv is None else [setpriv, "--pdeathsig", "TERM", *command]


class RunningFleet:
    """A supervisor in a process of its own, in its own process group, its output in a pipe."""

    def __init__(
        self, folder: Path, runtime_dir: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.home = folder / "a home with spaces"
        packages = folder / "packages"
        if not packages.exists():
            write_tiny_services(packages)
        env = {
            "PATH": os.defpath,
            "PYTHONPATH": str(packages),
            "FLEETSERVE_HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(runtime_dir),
            "PORT": "0",
            **(environment or {}),
        }
        self.process = subprocess.Popen(
            tied([sys.executable, "-m", "fleetserve.cli", "up"]),
            env=env,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            bufsize=0,
        )
        self.output = ""

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Reads on until the output so far matches."""
        deadline_s = time.monotonic() + DEADLINE_S
        while (match := re.search(pattern, self.output, re.MULTILINE)) is None:
            if not self._read(deadline_s):
                raise AssertionError(f"no {pattern!r} in:\n{self.output}")
        return match

    def wait_until_ready(self) -> None:
        self.wait_for(r"^Ready after")

    def wait_until_ended(self) -> int:
        """The exit status; the whole output is then in ``output``."""
        deadline_s = time.monotonic() + DEADLINE_S
        while self._read(deadline_s):
            pass
        return self.process.wait(DEADLINE_S)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def press_ctrl_c(self) -> None:
        """As a terminal does: to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def record(self) -> FleetRecord:
        content = (self.home / ENGINE_FILE).read_bytes()
        return msgspec.json.decode(content, type=FleetRecord)

    def engine(self) -> httpx.Client:
        transport = httpx.HTTPTransport(uds=self.record().engine_socket)
        return httpx.Client(transport=transport, base_url="http://engine", timeout=DEADLINE_S)

    def pids(self) -> set[int]:
        """Every process that has to do with this fleet's home, the supervisor not counted."""
        return fleet_pids(self.home) - {self.process.pid}

    def end(self) -> None:
        """Leaves nothing behind, whatever the test did."""
        left = self.pids() | {self.process.pid}
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(DEADLINE_S)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _read(self, deadline_s: float) -> bool:
        assert self.process.stdout is not None
        left_s = max(0.0, deadline_s - time.monotonic())
        if not select.select([self.process.stdout], [], [], left_s)[0]:
            raise AssertionError(f"nothing more within {DEADLINE_S} s after:\n{self.output}")
        data = os.read(self.process.stdout.fileno(), 65536)
        self.output += data.decode()
        return bool(data)


def fleet_pids(home: Path) -> set[int]:
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                said = (folder / "environ").read_bytes()
                # Redis has neither its environment nor its arguments any more, but its folder.
                said += os.fsencode((folder / "cwd").readlink())
                zombie = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                continue
            if str(home).encode() in said and not zombie:
                found.add(int(folder.name))
    return found


def outlive(home: Path) -> set[int]:
    """What does not end by itself of a fleet whose supervisor is dead.

    Who was being started may be seen late: between fork and exec a process has neither
    environment nor arguments of its own.
    """
    while found := fleet_pids(home):
        if alive := wait_until_gone(found):
            return alive
    return set()


def wait_until_gone(pids: set[int]) -> set[int]:
    """Those that still run after the deadline."""
    deadline_s = time.monotonic() + DEADLINE_S
    alive = set()
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        left_s = max(0.0, deadline_s - time.monotonic())
        if not select.select([descriptor], [], [], left_s)[0]:
            alive.add(pid)
        os.close(descriptor)
    return alive

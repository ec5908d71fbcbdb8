"""A fleet as containers, made from this checkout by Compose with the tests' override file."""

import copy
import json
import subprocess
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx

from tests.e2e.settings import engine_environment
from tests.redis_server import free_port

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "tests/e2e/docker-compose.test.yml")
BUILD_S = 900.0
COMMAND_S = 240.0
REQUEST_S = 120.0


class ComposeFleet:
    """A project of its own name, on a free port of loopback; used as a context manager.

    Args:
        hub_root: What the hub serves.
        environment: More than what Compose gets from every test.
    """

    def __init__(self, hub_root: Path, environment: dict[str, str] | None = None) -> None:
        self.project = f"fleetserve-e2e-{token_hex(3)}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **engine_environment(),
            "COMPOSE_PROJECT_NAME": self.project,
            "PORT": str(self.port),
            "TAG": "e2e",
            "HUB_ROOT": str(hub_root),
            **(environment or {}),
        }

    def altered(self, **environment: str) -> "ComposeFleet":
        """The same project as somebody else's shell has it; both act on the same containers."""
        other = copy.copy(self)
        other._environment = self._environment | environment
        return other

    def build(self) -> None:
        """Makes the images, from the layers that are there.

        Raises: AssertionError: what a build said.
        """
        self.compose("build", timeout_s=BUILD_S)

    def up(self, *arguments: str) -> None:
        """Returns when all are healthy.

        Raises: AssertionError: they did not become so, and what they said.
        """
        try:
            self.compose("up", "-d", "--wait", *arguments)
        except AssertionError as exc:
            raise AssertionError(f"{exc}\n{self.account()}") from None

    def down(self) -> None:
        """As a user does: what holds data stays."""
        self.compose("down")

    def discard(self) -> None:
        """Ends and removes whatever is left, data included."""
        self.compose("--profile", "*", "down", "-v", "--remove-orphans", "-t", "5")

    def compose(self, *arguments: str, timeout_s: float = COMMAND_S, status: int | None = 0) -> str:
        """What a docker compose command said; a status of None takes any.

        Raises: AssertionError: it ended with another status, or not in time.
        """
        command = ["docker", "compose", "--project-directory", str(ROOT), "--progress", "plain"]
        command += [part for name in FILES for part in ("-f", str(ROOT / name))]
        return self._run([*command, *arguments], timeout_s, status)

    def docker(self, *arguments: str, status: int | None = 0) -> str:
        """What a docker command said."""
        return self._run(["docker", *arguments], COMMAND_S, status)

    def containers(self, *, running: bool = True) -> dict[str, dict[str, Any]]:
        """Docker's own description of each container, by its name without the project's."""
        label = f"label=com.docker.compose.project={self.project}"
        everything = [] if running else ["-a"]
        ids = self.docker("ps", "-q", *everything, "--filter", label).split()
        found = json.loads(self.docker("inspect", *ids)) if ids else []
        return {_short(one["Name"], self.project): one for one in found}

    def container(self, name: str) -> dict[str, Any]:
        """Such as ``gateway-1``."""
        return self.containers(running=False)[name]

    def pids(self, name: str | None = None) -> set[int]:
        """The processes of a container, or of all, as the host numbers them."""
        names = list(self.containers()) if name is None else [name]
        tables = [self.docker("top", f"{self.project}-{one}", "-o", "pid") for one in names]
        return {int(line) for table in tables for line in table.split()[1:]}

    def execute(self, name: str, *command: str, status: int | None = 0) -> str:
        """What a command said inside a container."""
        return self.docker("exec", f"{self.project}-{name}", *command, status=status)

    def client(self, timeout_s: float = REQUEST_S) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=timeout_s)

    def account(self) -> str:
        """What the containers are and said last."""
        listed = self.compose("ps", "-a", status=None)
        return f"{listed}\n{self.compose('logs', '--no-color', '--tail', '40', status=None)}"

    def _run(self, command: list[str], timeout_s: float, status: int | None) -> str:
        ended = subprocess.run(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        told = f"{' '.join(command)} ended with {ended.returncode}\n{ended.stdout}"
        assert status is None or ended.returncode == status, told
        return ended.stdout


def _short(name: str, project: str) -> str:
    return name.removeprefix("/").removeprefix(f"{project}-")

"""When a child is ready: by what it writes to its address file, then by its own answer."""

from pathlib import Path
from typing import Protocol

from fleetserve.clock import Clock
from fleetserve.supervisor.http_probe import ProbeError, get

FILE_PERIOD_S = 0.05
PROBE_PERIOD_S = 0.1
READY_PATH = "/health/ready"


class Readiness(Protocol):
    """One process's way to say that it is ready. ``problem`` is why it is not, for people."""

    problem: str

    def reset(self) -> None:
        """Forgets what an earlier run left behind."""
        ...

    async def wait(self) -> str:
        """Returns once the process is ready: its address, or "" when it has none."""
        ...


class WorkerReadiness:
    """Of a process without HTTP: it writes ``ready`` to its file."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self.problem = ""

    def reset(self) -> None:
        self._path.unlink(missing_ok=True)
        self.problem = "it has not said that it is ready"

    async def wait(self) -> str:
        await self._content()
        return ""

    async def _content(self) -> str:
        # The file comes by an atomic rename: when it is there, it is whole.
        while not self._path.exists():
            await self._clock.sleep(FILE_PERIOD_S)
        return self._path.read_text().strip()


class HttpReadiness(WorkerReadiness):
    """Of a service: it writes its address once it listens, and GET /health/ready says 200."""

    def reset(self) -> None:
        super().reset()
        self.problem = "it does not listen yet"

    async def wait(self) -> str:
        address = await self._content()
        while not await self._is_ready(address):
            await self._clock.sleep(PROBE_PERIOD_S)
        return address

    async def _is_ready(self, address: str) -> bool:
        try:
            status, body = await get(f"{address}{READY_PATH}")
        except ProbeError as exc:
            self.problem = f"GET {READY_PATH} fails: {exc}"
            return False
        self.problem = f"GET {READY_PATH} answers {status}: {body[:500]}"
        return status == 200

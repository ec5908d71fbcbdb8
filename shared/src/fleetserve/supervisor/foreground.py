"""One run of a fleet, from the first line on the terminal to the last."""

import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from fleetserve import __version__
from fleetserve.clock import Clock, SystemClock
from fleetserve.supervisor.console import Console, seconds, shown_path
from fleetserve.supervisor.engine import Engine
from fleetserve.supervisor.engine_socket import listening_socket
from fleetserve.supervisor.environment import Wiring, usable_cores
from fleetserve.supervisor.fleet import Fleet
from fleetserve.supervisor.home import FleetHome, FleetRecord
from fleetserve.supervisor.interrupts import Interrupts
from fleetserve.supervisor.launcher import Launcher
from fleetserve.supervisor.ports import reserved_port
from fleetserve.supervisor.process import ManagedProcess
from fleetserve.supervisor.redis_start import obtain_redis
from fleetserve.supervisor.services import ServiceTemplate
from fleetserve.supervisor.settings import SupervisorSettings
from fleetserve.supervisor.spawner.posix import PosixSpawner
from fleetserve.supervisor.summary import summary
from fleetserve.tokens import make_secrets

INTERRUPTED = 130
KEY_PREFIX = "fleetserve"


async def run_in_foreground(
    settings: SupervisorSettings, home: FleetHome, templates: Sequence[ServiceTemplate]
) -> int:
    """Starts the fleet, waits for a signal, stops it; returns the exit status.

    Raises: SupervisorError: it could not start; what had started is stopped.
    """
    interrupts = Interrupts()
    clock, console = SystemClock(), Console(sys.stdout, colour=settings.colour)
    spawner = PosixSpawner()
    try:
        fleet = Fleet(settings, templates, spawner=spawner, clock=clock, console=console)
        with (
            listening_socket(settings.home, settings.runtime_dir) as listener,
            reserved_port() as redis_port,
        ):
            run = _Run(settings, home, templates, fleet, clock, console)
            try:
                await run.until_asked(interrupts, listener, redis_port)
            finally:
                await run.end(interrupts)
    finally:
        spawner.close()
        interrupts.close()
    return INTERRUPTED if interrupts.insisted.is_set() else 0


class _Run:
    def __init__(
        self,
        settings: SupervisorSettings,
        home: FleetHome,
        templates: Sequence[ServiceTemplate],
        fleet: Fleet,
        clock: Clock,
        console: Console,
    ) -> None:
        self._settings = settings
        self._home = home
        self._templates = templates
        self._fleet = fleet
        self._clock = clock
        self._console = console
        self._began_s = clock.monotonic_s()
        self._serving: asyncio.Task[None] | None = None

    async def until_asked(
        self, interrupts: Interrupts, listener: socket.socket, redis_port: int
    ) -> None:
        """Starts the fleet and returns when a signal comes, be it while it still starts.

        Raises: SupervisorError: it could not start.
        """
        asked = asyncio.create_task(interrupts.asked.wait())
        starting = asyncio.create_task(self._start(listener, redis_port))
        await asyncio.wait({asked, starting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            serving = starting.result()
            await asyncio.wait({asked, serving}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
        else:
            starting.cancel()
            await asyncio.wait({starting})
        self._console.line("\nStopping. Ctrl-C again ends everything at once.")

    async def end(self, interrupts: Interrupts) -> None:
        """Returns when no process is left."""
        began_s = self._clock.monotonic_s()
        stopping = asyncio.create_task(self._fleet.stop())
        insisted = asyncio.create_task(interrupts.insisted.wait())
        await asyncio.wait({stopping, insisted}, return_when=asyncio.FIRST_COMPLETED)
        if insisted.done():
            self._fleet.kill()
        insisted.cancel()
        await stopping
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait({self._serving})
        self._console.line(f"Stopped after {seconds(self._clock.monotonic_s() - began_s)}.")

    async def _start(self, listener: socket.socket, redis_port: int) -> asyncio.Task[None]:
        where = shown_path(self._settings.home)
        self._console.line(f"fleetserve {__version__}, {usable_cores()} cores, home {where}\n")
        make_secrets(self._home.secrets_dir, [template.name for template in self._templates])
        redis_url = await obtain_redis(
            self._settings,
            self._home,
            self._fleet,
            self._clock,
            self._console,
            port=redis_port,
        )
        engine_socket = Path(listener.getsockname())
        self._describe(engine_socket)
        wiring = Wiring(redis_url, self._key_prefix(), engine_socket, self._compute_processes())
        launcher = Launcher(self._settings, self._home, wiring, self._clock)
        processes = self._fleet.create_services(launcher)
        self._serving = asyncio.create_task(_serve_engine(self._fleet.engine, listener))
        await self._fleet.services_ready(processes)
        gateway = self._gateway(processes)
        self._describe(engine_socket, gateway)
        took_s = self._clock.monotonic_s() - self._began_s
        password = self._admin_password()
        self._console.line(summary(gateway, self._home.logs_dir, took_s, password))
        return self._serving

    def _admin_password(self) -> Path | None:
        """The file that auth-svc made at its first start, while it is there and of use."""
        base = self._settings.base
        path = base.data_dir / "auth" / "admin-password"
        return path if base.config.security.enable_auth and path.exists() else None

    def _describe(self, engine_socket: Path, gateway: str = "") -> None:
        record = FleetRecord(os.getpid(), gateway, str(engine_socket), self._clock.now_s())
        self._home.describe(record)

    def _gateway(self, processes: Sequence[ManagedProcess]) -> str:
        public = {template.name for template in self._templates if template.public}
        views = [process.view() for process in processes]
        return next((v.address or "" for v in views if v.service in public), "")

    def _key_prefix(self) -> str:
        if self._settings.key_prefix is not None:
            return self._settings.key_prefix
        if self._settings.external_redis_url is None:
            return KEY_PREFIX
        # Two fleets may share somebody's Redis; each home is a fleet of its own.
        mark = sha256(os.fsencode(self._settings.home)).hexdigest()[:8]
        return f"{KEY_PREFIX}-{mark}"

    def _compute_processes(self) -> int:
        computing = [template for template in self._templates if template.computes]
        return sum(self._settings.replica_count(template) for template in computing)


async def _serve_engine(engine: Engine, listener: socket.socket) -> None:
    # Imported while the services import what they need: 0.15 s that nobody waits for. Who
    # connects before that waits in the socket's backlog.
    from fleetserve.supervisor.engine_server import serve_engine

    await serve_engine(engine, listener)

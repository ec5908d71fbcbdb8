"""The life of a fleet: Redis, then everything at once, then the end in order."""

import asyncio
from collections.abc import Iterable, Sequence

from fleetserve.clock import Clock
from fleetserve.supervisor.console import Console
from fleetserve.supervisor.engine import Engine
from fleetserve.supervisor.errors import SupervisorError
from fleetserve.supervisor.failure import explain_failure
from fleetserve.supervisor.launcher import Launcher
from fleetserve.supervisor.narrator import Narrator, Phase
from fleetserve.supervisor.process import Launch, ManagedProcess
from fleetserve.supervisor.services import REDIS, ServiceTemplate
from fleetserve.supervisor.settings import SupervisorSettings
from fleetserve.supervisor.spawner.base import Spawner
from fleetserve.supervisor.specs import ProcessSpec

# After so long without news, a person wants to know what is being waited for.
PATIENCE_S = 10.0


class Fleet:
    """Starts and stops what the table of services lists."""

    def __init__(
        self,
        settings: SupervisorSettings,
        templates: Sequence[ServiceTemplate],
        *,
        spawner: Spawner,
        clock: Clock,
        console: Console,
    ) -> None:
        self._settings = settings
        self._templates = templates
        self._clock = clock
        self._console = console
        self._narrator = Narrator(console)
        self.engine = Engine(templates, spawner=spawner, clock=clock, observer=self._narrator)

    async def start_redis(self, launch: Launch) -> None:
        """Returns when Redis answers.

        Raises: SupervisorError: it does not, with its own words.
        """
        await self._until_ready([self.engine.run(launch)])

    def create_services(self, launcher: Launcher) -> list[ManagedProcess]:
        """Starts every service of the table, all at once."""
        self.engine.use(launcher)
        return [
            self.engine.create_service(template, ProcessSpec(template.name, replica_id))
            for template in self._templates
            for replica_id in self._replica_ids(template)
        ]

    async def services_ready(self, processes: Sequence[ManagedProcess]) -> None:
        """Returns when all are ready; from here on a process that ends is restarted.

        Raises: SupervisorError: one of them ended, or was not ready in time.
        """
        await self._until_ready(processes)
        self._narrator.phase = Phase.RUNNING

    async def stop(self) -> None:
        """Ends everything: first what takes requests, Redis last."""
        self._narrator.phase = Phase.STOPPING
        self.engine.close()
        first = {template.name for template in self._templates if template.stop_first}
        running = self.engine.list()
        await self._stop(p for p in running if p.launch.service in first)
        await self._stop(p for p in running if p.launch.service not in {*first, REDIS})
        await self._stop(p for p in running if p.launch.service == REDIS)

    def kill(self) -> None:
        """Ends everything at once."""
        self._narrator.phase = Phase.STOPPING
        self.engine.close()
        for process in self.engine.list():
            process.kill()

    def _replica_ids(self, template: ServiceTemplate) -> list[str]:
        if template.replicas is None:
            return [template.name]
        count = self._settings.replica_count(template)
        return [f"{template.name}-{number}" for number in range(1, count + 1)]

    async def _until_ready(self, processes: Sequence[ManagedProcess]) -> None:
        deadline_s = self._clock.monotonic_s() + self._settings.start_timeout_s
        waiting = {asyncio.create_task(p.first_outcome()): p for p in processes}
        try:
            while waiting:
                left_s = deadline_s - self._clock.monotonic_s()
                if left_s <= 0:
                    raise self._failure(*waiting.values())
                await self._some_outcome(waiting, min(PATIENCE_S, left_s))
        finally:
            for task in waiting:
                task.cancel()

    async def _some_outcome(
        self, waiting: dict[asyncio.Task[bool], ManagedProcess], patience_s: float
    ) -> None:
        done, _ = await asyncio.wait(
            waiting, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            for process in waiting.values():
                self._console.event("wait", process.launch.replica_id, process.problem)
        for task in done:
            process = waiting.pop(task)
            if not task.result():
                raise self._failure(process)

    def _failure(self, *failed: ManagedProcess) -> SupervisorError:
        for process in failed:
            self._console.event("FAIL", process.launch.replica_id, colour="red")
        logs_dir = self._settings.base.logs_dir
        return SupervisorError("\n\n".join(explain_failure(p, logs_dir) for p in failed))

    async def _stop(self, processes: Iterable[ManagedProcess]) -> None:
        stopping = list(processes)
        await asyncio.gather(*(process.stop() for process in stopping))
        for process in stopping:
            if process.was_killed:
                name = process.launch.replica_id
                self._console.event("kill", name, "it did not end in time", colour="yellow")

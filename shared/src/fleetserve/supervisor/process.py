"""Keeps one process running: starts it, waits for its readiness, restarts it, stops it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

from fleetserve.clock import Clock
from fleetserve.supervisor.output import OutputFile, OutputRing
from fleetserve.supervisor.readiness import Readiness
from fleetserve.supervisor.restart import Backoff, RestartPolicy, decide_restart
from fleetserve.supervisor.spawner.base import Child, Command, Spawner
from fleetserve.supervisor.specs import ProcessState, ProcessView

NOT_STARTED = 127


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything that is needed to run one process, again and again."""

    id: str
    service: str
    replica_id: str
    command: Command
    readiness: Readiness
    output_file: OutputFile
    grace_s: float
    labels: Mapping[str, str] = field(default_factory=dict)
    restart: RestartPolicy = RestartPolicy.ALWAYS


@dataclass(frozen=True, slots=True)
class Exited:
    """The end of a run. ``restart_in_s`` None: the process stays down."""

    code: int
    ran_s: float
    was_ready: bool
    asked_for: bool
    restart_in_s: float | None


class Observer:
    """Is told what happens to processes; this one does nothing about it."""

    def on_ready(self, process: "ManagedProcess", took_s: float) -> None:
        """A run has become ready, ``took_s`` seconds after its start."""

    def on_exit(self, process: "ManagedProcess", exited: Exited) -> None:
        """A run has ended."""


@dataclass(slots=True)
class _Run:
    """One life of the process; monotonic times decide, wall times are for the reader."""

    started_s: float
    started_at: float
    child: Child | None = None
    ready_s: float | None = None
    ready_at: float | None = None
    finished_at: float | None = None
    address: str | None = None
    exit_code: int | None = None


class ManagedProcess:
    """One process under supervision. For the event loop's thread only."""

    def __init__(
        self, launch: Launch, *, spawner: Spawner, clock: Clock, observer: Observer
    ) -> None:
        self.launch = launch
        self.output = OutputRing()
        self._spawner = spawner
        self._clock = clock
        self._observer = observer
        self._state = ProcessState.CREATED
        self._created_at = clock.now_s()
        self._run: _Run | None = None
        self._restarts = 0
        self._stop_asked = asyncio.Event()
        self._killed = False
        self._ready_or_ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> ProcessState:
        return self._state

    @property
    def problem(self) -> str:
        """Why it is not ready, for a person."""
        return self.launch.readiness.problem

    def view(self) -> ProcessView:
        run, launch = self._run, self.launch
        return ProcessView(
            id=launch.id,
            service=launch.service,
            replica_id=launch.replica_id,
            state=self._state,
            labels=dict(launch.labels),
            restart=launch.restart,
            restarts=self._restarts,
            created_at=self._created_at,
            pid=run.child.pid if run and run.child and run.exit_code is None else None,
            exit_code=run.exit_code if run else None,
            address=run.address if run and run.exit_code is None else None,
            started_at=run.started_at if run else None,
            ready_at=run.ready_at if run else None,
            finished_at=run.finished_at if run else None,
        )

    def start(self) -> None:
        """Begins to run; returns at once. Call once."""
        self._task = asyncio.create_task(self._supervise(), name=self.launch.replica_id)

    async def first_outcome(self) -> bool:
        """Waits for the first run to become ready (True) or to end before it was (False)."""
        await self._ready_or_ended.wait()
        return self._run is not None and self._run.ready_s is not None

    async def stop(self, grace_s: float | None = None) -> None:
        """Returns when the process has ended and will not be started again.

        SIGTERM first, SIGKILL for its whole group after ``grace_s`` (None: the service's own).
        May be called again, also while another call waits: the shortest grace wins.
        """
        if self._task is None:
            self._state = ProcessState.EXITED
            return
        first_call = not self._stop_asked.is_set()
        self._stop_asked.set()
        child = self._child()
        if child is not None and first_call and grace_s != 0:
            child.terminate()
        await self._ended_within(self.launch.grace_s if grace_s is None else grace_s)
        self.kill()
        await asyncio.wait({self._task})

    def kill(self) -> None:
        """Ends the process at once and for good."""
        self._stop_asked.set()
        child = self._child()
        if child is not None and self._run is not None and self._run.exit_code is None:
            self._killed = True
            child.kill()

    @property
    def was_killed(self) -> bool:
        """It did not end on SIGTERM in time."""
        return self._killed

    def _child(self) -> Child | None:
        return self._run.child if self._run else None

    async def _ended_within(self, grace_s: float) -> None:
        assert self._task is not None
        if grace_s > 0:
            await self._first_of(asyncio.wait({self._task}), self._clock.sleep(grace_s))

    async def _supervise(self) -> None:
        backoff = Backoff()
        while not self._stop_asked.is_set():
            run = await self._run_once()
            now_s = self._clock.monotonic_s()
            ready_s = 0.0 if run.ready_s is None else now_s - run.ready_s
            decision = decide_restart(
                self.launch.restart,
                backoff,
                ready_s=ready_s,
                stop_requested=self._stop_asked.is_set(),
            )
            backoff = decision.backoff
            self._finish_run(run, now_s, decision.delay_s)
            if decision.delay_s is None:
                break
            await self._first_of(self._stop_asked.wait(), self._clock.sleep(decision.delay_s))
            self._restarts += not self._stop_asked.is_set()
        self._state = ProcessState.EXITED

    async def _run_once(self) -> _Run:
        run = self._run = _Run(self._clock.monotonic_s(), self._clock.now_s())
        self._state = ProcessState.STARTING
        self.launch.readiness.reset()
        try:
            run.child = self._spawner.spawn(self.launch.command, self._on_output)
        except OSError as exc:
            self._on_output(f"cannot start a process: {exc.strerror}\n".encode())
            run.exit_code = NOT_STARTED
            return run
        readiness = asyncio.create_task(self._await_readiness(run))
        code = await run.child.exited
        readiness.cancel()
        await asyncio.wait({readiness})
        run.exit_code = code
        return run

    async def _await_readiness(self, run: _Run) -> None:
        run.address = await self.launch.readiness.wait() or None
        run.ready_s, run.ready_at = self._clock.monotonic_s(), self._clock.now_s()
        self._state = ProcessState.RUNNING
        self._observer.on_ready(self, run.ready_s - run.started_s)
        self._ready_or_ended.set()

    def _finish_run(self, run: _Run, now_s: float, delay_s: float | None) -> None:
        run.finished_at = self._clock.now_s()
        self._state = ProcessState.EXITED if delay_s is None else ProcessState.RESTARTING
        assert run.exit_code is not None
        exited = Exited(
            code=run.exit_code,
            ran_s=now_s - run.started_s,
            was_ready=run.ready_s is not None,
            asked_for=self._stop_asked.is_set(),
            restart_in_s=delay_s,
        )
        self._observer.on_exit(self, exited)
        self._ready_or_ended.set()

    def _on_output(self, data: bytes) -> None:
        self.output.write(data)
        self.launch.output_file.write(data)

    @staticmethod
    async def _first_of(*waits: Awaitable[object]) -> None:
        tasks = {asyncio.ensure_future(wait) for wait in waits}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)

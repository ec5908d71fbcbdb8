"""The optimisations of a replica: one at a time, each in a task of its own."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import ConflictError, NotFoundError, as_fleet_error
from fleetserve.replica.jobs import JobSource
from fleetserve.replica.models import ModelHandle
from fleetserve.replica.pool import ModelPool
from fleetserve.replica.slot import ComputeSlot
from fleetserve.tasks import Task
from fleetserve.tunings import Measurement, Tuning
from inference_svc.batcher import ServedModel
from inference_svc.engine.base import ModelEngine, Prepared, Tunable
from inference_svc.optimization.chains import Bench, Chain, read_chains
from inference_svc.optimization.held_samples import sample_texts
from inference_svc.optimization.measuring import Limits, Measuring
from inference_svc.optimization.runs import Run, RunState, Wish
from inference_svc.optimization.store.base import TuningStore
from inference_svc.optimization.technique.base import Technique
from inference_svc.served import Served

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Why there is nothing that could tell whether a faster model is still the same one.
_WRITES = "it writes texts, where one other token changes all that follow"
_UNTUNABLE: Mapping[str, str] = {
    Task.SUMMARIZATION: _WRITES,
    Task.TRANSLATION: _WRITES,
    Task.TEXT2TEXT_GENERATION: _WRITES,
    Task.OBJECT_DETECTION: "boxes near the threshold come and go, so that there is no tolerance"
    " by which two answers are the same",
    Task.TENSOR: "it is a program as it was exported, whose modules can't be exchanged",
}


class Optimizer:
    """Event loop only.

    Args:
        bench: Made once the device is known.
        plain: An engine for a model as float32 has it, loaded; blocking.
        start_tokens: What a batch begins with, by kind of device.
    """

    def __init__(
        self,
        pool: ModelPool[Served],
        slot: ComputeSlot,
        clock: Clock,
        store: TuningStore,
        *,
        bench: Callable[[], Bench],
        techniques: Mapping[str, Technique],
        limits: Limits,
        plain: Callable[[ModelHandle[Served]], ModelEngine],
        start_tokens: Mapping[str, int],
    ) -> None:
        self._pool = pool
        self._slot = slot
        self._clock = clock
        self._store = store
        self._bench = bench
        self._techniques = techniques
        self._limits = limits
        self._plain = plain
        self._start_tokens = start_tokens
        self._runs: dict[str, Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="optimizer")

    async def start(self, name: str, revision: str, wish: Wish) -> Run:
        """Begins an optimisation, or joins the one with the same wish that is going on.

        Raises: as the pool's put(); InvalidFieldError: a candidate that is not known;
        ConflictError: one with another wish is going on.
        """
        running = self._runs.get(name)
        if running is not None and not running.state.finished and running.revision == revision:
            if running.wish != wish:
                raise ConflictError(
                    f"{name} is being optimised with other candidates. DELETE "
                    f"/server/optimize/{name} stops that; GET shows how far it is.",
                    code="optimization_running",
                )
            return running
        handle = await self._pool.put(name, revision)
        bench = self._bench()
        chains = read_chains(wish.candidates, self._techniques, bench.hardware.kind)
        run = self._runs[name] = Run(name, revision, wish)
        task = asyncio.create_task(self._run(run, handle, bench, chains), name=f"optimize-{name}")
        self._tasks[name] = task
        return run

    async def find(self, name: str, wait_s: float = 0.0) -> Run:
        """The latest optimisation of a model, as soon as it is finished or ``wait_s`` later.

        Raises: NotFoundError: there was none in this replica.
        """
        run = self._runs.get(name)
        if run is None:
            raise NotFoundError(f"{name} was not optimised here.", code="optimization_not_found")
        if not run.state.finished and wait_s > 0:
            await asyncio.wait([self._tasks[name]], timeout=wait_s)
        return run

    async def cancel(self, name: str) -> None:
        """Ends it if it goes on; nothing is kept."""
        task = self._tasks.get(name)
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
            # A task that had not begun ends without a word.
            self._runs[name].cancelled()

    async def close(self) -> None:
        for name in list(self._tasks):
            await self.cancel(name)
        self._thread.shutdown(wait=False, cancel_futures=True)
        await self._store.close()

    async def _run(
        self, run: Run, handle: ModelHandle[Served], bench: Bench, chains: Sequence[Chain]
    ) -> None:
        try:
            async with self._turn:
                await self._optimize(run, handle, bench, chains)
            run.state = RunState.DONE
            log.info("model.optimized", name=run.name, applied=run.tuning and run.tuning.applied)
        except asyncio.CancelledError:
            run.cancelled()
        except Exception as exc:
            error = as_fleet_error(exc)
            run.state, run.error, run.code = RunState.FAILED, error.detail, error.code
            log.exception("optimization.failed", name=run.name)

    async def _optimize(
        self, run: Run, handle: ModelHandle[Served], bench: Bench, chains: Sequence[Chain]
    ) -> None:
        run.state = RunState.MEASURING
        run.skipped = _why_not(handle)
        if run.skipped:
            return
        before = handle.bytes
        with handle as served:
            assert isinstance(served, ServedModel), "_why_not() has seen to it"
            run.tuning = await self._measure(run, handle, served, bench, chains)
        run.state, run.step = RunState.SWITCHING, "the model is loaded as decided"
        await self._store.put(run.name, run.tuning)
        switched = await self._pool.put(run.name, run.revision)
        run.memory_freed_bytes = before - switched.bytes

    async def _measure(
        self,
        run: Run,
        handle: ModelHandle[Served],
        served: ServedModel,
        bench: Bench,
        chains: Sequence[Chain],
    ) -> Tuning:
        jobs = JobSource(f"optimize {run.name}", self._slot, self._clock)
        engine = served.engine
        plain = engine
        try:
            if handle.tuning:
                plain = await self._in_thread(lambda: self._plain(handle))
            samples = await self._in_thread(lambda: _samples(plain, served))
            measuring = Measuring(
                plain,
                handle.spec.task,
                f"{run.name}@{run.revision}",
                samples,
                bench=bench,
                limits=self._limits,
                tolerance=run.wish.tolerance,
                jobs=jobs,
                thread=self._thread,
                clock=self._clock,
                tell=lambda step, rows: _tell(run, step, rows),
                start_tokens=self._start_tokens.get(bench.hardware.kind, 256),
            )
            return await measuring.decide(chains)
        finally:
            jobs.close()
            if plain is not engine:
                plain.unload()

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)


def _why_not(handle: ModelHandle[Served]) -> str:
    """Why there is nothing to optimise; empty: there is."""
    served = handle.model
    if not isinstance(served, ServedModel):
        return f"a {handle.spec.task} model writes text, and is served as it is"
    if not handle.tuning and not isinstance(served.engine, Tunable):
        why = _UNTUNABLE.get(handle.spec.task, "its engine has no module that could be exchanged")
        return f"{handle.spec.task} is not tunable: {why}"
    return ""


def _samples(engine: ModelEngine, served: ServedModel) -> Sequence[Prepared]:
    assert isinstance(engine, Tunable)
    return engine.samples(sample_texts(served.recent))


def _tell(run: Run, step: str, rows: Sequence[Measurement]) -> None:
    run.step, run.measurements = step, list(rows)

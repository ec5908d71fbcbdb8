"""From a loaded model and its samples to a decision: everything is tried in short turns."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import msgspec
import structlog

from fleetserve.clock import Clock
from fleetserve.replica.jobs import JobSource
from fleetserve.tunings import Measurement, Tuning
from inference_svc.engine.base import ModelEngine, Prepared, Tunable
from inference_svc.optimization.capture import capture_calls
from inference_svc.optimization.chains import Bench, Chain
from inference_svc.optimization.technique.base import Improved, ModuleCall
from inference_svc.optimization.threads import with_threads
from inference_svc.optimization.tolerance import Tolerance, judge
from inference_svc.optimization.trial import (
    Batch,
    Trial,
    compare,
    cut,
    run_through,
    stopwatch,
    two_cuts,
)

log = structlog.get_logger(__name__)

FLOAT32 = "float32"
_GAIN = 1.05  # Less is noise.
_LEAST_TOKENS = 64
_TOLD_CHARS = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """What the replica allows: threads of one forward pass, tokens and inputs of one batch."""

    threads: int
    tokens: int
    size: int


@dataclass(frozen=True, slots=True)
class _Contender:
    """Something that is fast enough to be measured on, and how fast it was."""

    engine: ModelEngine
    candidate: str = ""
    speedup: float = 1.0
    token_budget: int = 0
    threads: int = 0


class Measuring:
    """One model's measurement; event loop only.

    Args:
        jobs: A source of the compute slot, which runs one batch per turn.
        thread: Where techniques work, beside what is served.
        tell: Called with each step, in words, and with the rows so far.
    """

    def __init__(
        self,
        engine: ModelEngine,
        task: str,
        subject: str,
        samples: Sequence[Prepared],
        *,
        bench: Bench,
        limits: Limits,
        tolerance: Tolerance,
        jobs: JobSource,
        thread: Executor,
        clock: Clock,
        tell: Callable[[str, Sequence[Measurement]], None],
        start_tokens: int,
    ) -> None:
        assert isinstance(engine, Tunable)
        self._engine: ModelEngine = engine
        self._tunable: Tunable = engine
        self._task = task
        self._subject = subject
        self._samples = samples
        self._bench = bench
        self._limits = limits
        self._tolerance = tolerance
        self._jobs = jobs
        self._thread = thread
        self._clock = clock
        self._tell = tell
        self._start_tokens = start_tokens
        self._batches = cut(samples, start_tokens, limits.size)
        self._rows: list[Measurement] = []

    async def decide(self, chains: Sequence[Chain]) -> Tuning:
        """The fastest of what stays within tolerance, with every row of the table."""
        self._say("float32 gives the results to compare with")
        watch = stopwatch(self._engine.info.device, self._limits.threads)
        alone: Trial = await self._jobs.run_steps(
            partial(run_through, self._engine, self._batches, watch)
        )
        reference = alone.results
        self._rows.append(Measurement(FLOAT32, within_tolerance=True))
        self._note_float32(alone.base_s)
        calls = capture_calls(self._tunable, self._samples)
        best = _Contender(self._engine)
        for chain in chains:
            self._say(f"{chain.name} is prepared")
            found = await self._try(chain, calls, reference)
            if found is not None and found.speedup > best.speedup * _GAIN:
                best = found
        best = await self._try_budgets(best)
        best = await self._try_threads(best)
        return self._tuning(best)

    def _say(self, step: str) -> None:
        self._tell(step, self._rows)

    async def _try(
        self, chain: Chain, calls: Sequence[ModuleCall], reference: Sequence[object]
    ) -> _Contender | None:
        """Measures one candidate; None: it is not to be had or not exact enough."""
        try:
            improved = await self._prepare(chain, calls)
            dtype = improved.dtype or self._engine.info.dtype
            other = self._tunable.with_module(improved.module, dtype)
            self._say(f"{chain.name} is measured")
            trial = await self._compare(self._engine, other, self._batches)
            verdict = judge(self._task, reference, trial.results, self._tolerance)
            if verdict.within:
                again = await self._compare(self._engine, other, self._batches)
                trial = trial.best_of(again)
        except Exception as exc:
            log.info("candidate.failed", model=self._subject, candidate=chain.name, exc_info=exc)
            reason = str(exc)[:_TOLD_CHARS] or type(exc).__name__
            self._rows.append(Measurement(chain.name, unavailable=reason))
            return None
        speedup = trial.base_s / trial.other_s
        self._note_float32(trial.base_s)
        self._rows.append(
            Measurement(
                chain.name,
                ms=self._per_input_ms(trial.other_s),
                speedup=round(speedup, 3),
                max_error=round(verdict.max_error, 6),
                within_tolerance=verdict.within,
                measures=verdict.measures,
            )
        )
        return _Contender(other, chain.name, speedup) if verdict.within else None

    async def _compare(
        self, base: ModelEngine, other: ModelEngine, batches: Sequence[Batch]
    ) -> Trial:
        watch = stopwatch(base.info.device, self._limits.threads)
        trial: Trial = await self._jobs.run_steps(partial(compare, base, other, batches, watch))
        return trial

    async def _prepare(self, chain: Chain, calls: Sequence[ModuleCall]) -> Improved:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread,
            lambda: self._bench.apply(
                chain, self._tunable.module, calls, subject=self._subject, build=True
            ),
        )

    async def _try_budgets(self, best: _Contender) -> _Contender:
        """How many padded tokens a batch had best begin with: up as long as it pays, or down."""
        if max(one.length for one in self._samples) == 1:
            return best
        for factor in (2.0, 0.5):
            found, tokens = best, int(self._start_tokens * factor)
            while _LEAST_TOKENS <= tokens <= self._limits.tokens:
                speedup = await self._measure_budget(best, tokens)
                if speedup <= found.speedup * _GAIN:
                    break
                found = replace(best, speedup=speedup, token_budget=tokens)
                tokens = int(tokens * factor)
            if found is not best:
                return found
        return best

    async def _measure_budget(self, best: _Contender, tokens: int) -> float:
        """Its speedup over float32, in batches of so many tokens."""
        self._say(f"batches of {tokens} tokens are measured")
        batches = cut(self._samples, tokens, self._limits.size)
        watch = stopwatch(self._engine.info.device, self._limits.threads)
        trial: Trial = await self._jobs.run_steps(
            partial(two_cuts, best.engine, self._batches, batches, watch)
        )
        speedup = best.speedup * trial.base_s / trial.other_s
        self._add_setting(f"token_budget={tokens}", best, speedup, trial.other_s)
        return speedup

    async def _try_threads(self, best: _Contender) -> _Contender:
        """Fewer threads than the replica's share; they pay for meeting after each product."""
        share = self._limits.threads
        if self._bench.hardware.kind != "cpu" or share == 1:
            return best
        batches = cut(self._samples, best.token_budget or self._start_tokens, self._limits.size)
        found = best
        for threads in sorted({1, share // 2} - {share}):
            self._say(f"{threads} threads are measured")
            other = with_threads(best.engine, threads)
            trial = await self._compare(best.engine, other, batches)
            speedup = best.speedup * trial.base_s / trial.other_s
            self._add_setting(f"threads={threads}", best, speedup, trial.other_s)
            if speedup > found.speedup * _GAIN:
                found = replace(best, speedup=speedup, threads=threads)
        return found

    def _add_setting(self, name: str, on: _Contender, speedup: float, seconds: float) -> None:
        label = f"{on.candidate} {name}".strip()
        ms = self._per_input_ms(seconds)
        self._rows.append(
            Measurement(label, ms=ms, speedup=round(speedup, 3), within_tolerance=True)
        )

    def _note_float32(self, seconds: float) -> None:
        """Of its measurements the best one stands in the table."""
        ms = self._per_input_ms(seconds)
        known = self._rows[0].ms
        row = Measurement(FLOAT32, ms if known is None else min(ms, known), 1.0, 0.0, True)
        self._rows[0] = row

    def _per_input_ms(self, seconds: float) -> float:
        return round(seconds * 1000 / len(self._samples), 4)

    def _tuning(self, best: _Contender) -> Tuning:
        rows = [_marked(row, best) for row in self._rows]
        self._rows = rows
        self._say("the decision is kept")
        return Tuning(
            revision=self._subject.rpartition("@")[2],
            torch=self._bench.torch_version,
            hardware=self._bench.hardware.key,
            candidate=best.candidate,
            token_budget=best.token_budget,
            threads=best.threads,
            speedup=round(best.speedup, 3),
            samples=len(self._samples),
            measured_at=self._clock.now_s(),
            measurements=tuple(rows),
        )


def _marked(row: Measurement, best: _Contender) -> Measurement:
    """With ``chosen`` set where the row is part of the decision."""
    prefix = f"{best.candidate} ".lstrip()
    chosen = {best.candidate or FLOAT32}
    if best.token_budget:
        chosen.add(f"{prefix}token_budget={best.token_budget}")
    if best.threads:
        chosen.add(f"{prefix}threads={best.threads}")
    return msgspec.structs.replace(row, chosen=row.candidate in chosen)

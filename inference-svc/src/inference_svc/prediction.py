"""A prediction: from the inputs of a request to its results and where the time went."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from fleetserve.clock import Clock
from fleetserve.errors import FleetError, InvalidFieldError
from fleetserve.replica.models import ModelHandle, ModelSpec
from fleetserve.replica.pool import ModelPool
from fleetserve.usage import Usage
from inference_svc.batcher import ServedModel
from inference_svc.calls import BatchRun, Call
from inference_svc.engine.base import EngineInfo, InputKind, ModelEngine, Prepared
from inference_svc.inputs import read_inputs
from inference_svc.served import Served

# Tokenising a short text takes 50 µs, handing it to a thread as much; a long one would hold the
# event loop. A small image can unfold to a large one.
INLINE_BYTES = 16_384


class Ask(msgspec.Struct, frozen=True, eq=False):
    """What is to be predicted.

    Attributes:
        size_bytes: Of the whole request, to tell light work from heavy.
        received_s, deadline_s: Monotonic.
        partial: One input of a list may fail alone; else it fails the request.
    """

    model: str
    inputs: Any
    parameters: Mapping[str, object]
    priority: int
    batching: bool
    size_bytes: int
    received_s: float
    deadline_s: float
    partial: bool = True
    stream: bool = False


class Prediction(msgspec.Struct, frozen=True, eq=False):
    """Results in order (JSON values or numpy arrays) and how they came about.

    Attributes:
        result: One result, or the list of them if ``batch``; a failed input of a list is
            ``{"error": …}`` in its place.
        waited_ms: From receipt until the work was handed over; batch_ms: from then until its
            first batch began; compute_ms: of all its batches.
        length: Of all inputs together, as the engine counts it: tokens of texts.
        warnings: What callers should know about single inputs, such as that one was cut.
        usage: The model's, for whoever encodes the result to note it.
    """

    spec: ModelSpec
    info: EngineInfo
    result: object
    batch: bool
    count: int
    cold_start: bool
    batch_size: int
    padded_fraction: float
    waited_ms: float
    batch_ms: float
    compute_ms: float
    length: int = 0
    warnings: tuple[str, ...] = ()
    usage: Usage = msgspec.field(default_factory=Usage)


class InUse(msgspec.Struct, frozen=True, eq=False):
    """A model that somebody holds; ``cold``: it was loaded for that."""

    spec: ModelSpec
    served: ServedModel
    cold: bool


class Predictor:
    """Event loop only; heavy preparation goes to ``heavy``."""

    def __init__(self, pool: ModelPool[Served], clock: Clock, heavy: Executor) -> None:
        self._pool = pool
        self._now_s = clock.monotonic_s
        self._wall_s = clock.now_s
        self._heavy = heavy

    async def predict(self, ask: Ask) -> Prediction:
        """Loads the model if it has to, batches, runs.

        Raises: what the pool raises for the model; InvalidFieldError: inputs or parameters;
        for a single input whatever it failed with.
        """
        handle, cold = await self._open(ask.model)
        with handle as served:
            assert isinstance(served, ServedModel), "models that write have a route of their own"
            return await self.run(ask, InUse(handle.spec, served, cold))

    @asynccontextmanager
    async def use(self, model: str) -> AsyncIterator[InUse]:
        """Holds a model for ``run``, loaded first if it has to be.

        Raises: what the pool raises for the model; InvalidFieldError: it writes text, which has
        routes of its own.
        """
        handle, cold = await self._open(model)
        with handle as served:
            if not isinstance(served, ServedModel):
                raise InvalidFieldError(
                    "model_name", f"{model} is a model for {handle.spec.task}; it writes text"
                )
            yield InUse(handle.spec, served, cold)

    async def _open(self, model: str) -> tuple[ModelHandle[Served], bool]:
        handle = self._pool.get_ready(model)
        if handle is not None:
            return handle, False
        return await self._pool.get(model), True

    async def run(self, ask: Ask, used: InUse) -> Prediction:
        """What ``predict`` does with a model that is in use already. Raises: as it."""
        usage = used.served.batcher.usage
        try:
            prediction = await self._run(ask, used)
        except BaseException:
            usage.fail.add(self._now_s() - ask.received_s)
            raise
        finally:
            usage.last_s = self._wall_s()
        usage.success.add(self._now_s() - ask.received_s)
        usage.prepare.add(prediction.waited_ms / 1000)
        usage.queue.add(prediction.batch_ms / 1000)
        usage.compute.add(prediction.compute_ms / 1000)
        return prediction

    async def _run(self, ask: Ask, used: InUse) -> Prediction:
        engine = used.served.engine
        inputs = read_inputs(ask.inputs, engine.info)
        options = engine.read_parameters(ask.parameters)
        call = Call(
            len(inputs.values),
            priority=ask.priority,
            deadline_s=ask.deadline_s,
            alone=not ask.batching,
        )
        if ask.size_bytes <= INLINE_BYTES and engine.info.kind is not InputKind.IMAGE:
            prepared = _prepare(engine, inputs.values, options)
        else:
            loop = asyncio.get_running_loop()
            prepared = await loop.run_in_executor(
                self._heavy, _prepare, engine, inputs.values, options
            )
        ready = []
        for index, one in enumerate(prepared):
            if isinstance(one, Prepared):
                ready.append((index, one))
            else:
                call.settle(index, one)
        if ready:
            if engine.info.kind is InputKind.TEXT:
                used.served.recent.note(inputs.values)
            used.served.batcher.submit(call, ready)
            await call.done
        return self._describe(ask, used, call, ready, inputs.batch)

    def _describe(
        self,
        ask: Ask,
        used: InUse,
        call: Call,
        ready: list[tuple[int, Prepared]],
        batch: bool,
    ) -> Prediction:
        runs = call.runs
        submitted_s = call.submitted_s or self._now_s()
        begun_s = runs[0].started_s if runs else submitted_s
        batch_size, padded_fraction, compute_s = _summed(runs)
        return Prediction(
            spec=used.spec,
            info=used.served.engine.info,
            result=_results(call.outcomes, batch, partial=ask.partial),
            batch=batch,
            count=len(call.outcomes),
            cold_start=used.cold,
            batch_size=batch_size,
            padded_fraction=padded_fraction,
            waited_ms=(submitted_s - ask.received_s) * 1000,
            batch_ms=(begun_s - submitted_s) * 1000,
            compute_ms=compute_s * 1000,
            length=sum([one.length for _, one in ready]),
            warnings=_warnings(ready, batch),
            usage=used.served.batcher.usage,
        )


def _prepare(engine: ModelEngine, values: list[Any], options: Any) -> list[Prepared | FleetError]:
    """Each input prepared, or why it can't be."""
    prepared: list[Prepared | FleetError] = []
    for value in values:
        try:
            prepared.append(engine.prepare(value, options))
        except FleetError as exc:
            prepared.append(exc)
    return prepared


def _results(outcomes: list[object], batch: bool, *, partial: bool) -> object:
    """Raises: FleetError: a single input failed, or any where none may."""
    if not partial or not batch:
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return outcomes if batch else outcomes[0]
    return [
        error_entry(outcome, index) if isinstance(outcome, BaseException) else outcome
        for index, outcome in enumerate(outcomes)
    ]


def _warnings(ready: list[tuple[int, Prepared]], batch: bool) -> tuple[str, ...]:
    return tuple(
        f"inputs[{index}] {one.warning}" if batch else f"inputs {one.warning}"
        for index, one in ready
        if one.warning
    )


def error_entry(exc: BaseException, index: int) -> dict[str, object]:
    """What stands in the place of an input that failed, in a list of results."""
    if isinstance(exc, InvalidFieldError):
        field = exc.field.replace("inputs", f"inputs[{index}]", 1)
        return {
            "error": str(exc.detail).replace(exc.field, field, 1),
            "code": exc.code,
            "field": field,
        }
    if isinstance(exc, FleetError):
        return {"error": exc.detail, "code": exc.code}
    return {"error": "This input failed.", "code": "internal_error"}


def _summed(runs: list[BatchRun]) -> tuple[int, float, float]:
    """Size of the largest batch, share of padding, and seconds, of all that a request was in."""
    if len(runs) == 1:
        run = runs[0]
        return run.size, run.padded_fraction, run.compute_s
    largest = max((run.size for run in runs), default=0)
    return largest, _padded(runs), sum(run.compute_s for run in runs)


def _padded(runs: list[BatchRun]) -> float:
    """Of all that was computed, how much was padding."""
    sizes = sum(run.size for run in runs)
    return sum(run.padded_fraction * run.size for run in runs) / sizes if sizes else 0.0

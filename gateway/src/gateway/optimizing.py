"""Has replicas measure what makes their models faster, and every replica of them follow."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson
import structlog

from fleetserve.announcements import InstanceState
from fleetserve.clock import Clock
from fleetserve.errors import (
    ConflictError,
    FleetError,
    InvalidFieldError,
    UnavailableError,
)
from fleetserve.model_records import ModelState
from fleetserve.tasks import AUDIO_SERVICE
from gateway.known_models import BUILT_IN, KnownModels, Target
from gateway.replica_table import Replica, ReplicaTable
from gateway.service_calls import ServiceCalls

log = structlog.get_logger(__name__)

REGISTRY = "model-registry-svc"
FINISHED = frozenset({"done", "failed", "cancelled"})
# A replica that has to load the model first may take its time.
_START_S = 120.0
_CALL_S = 10.0
_POLL_S = 20.0


@dataclass(slots=True)
class ModelReport:
    """How far one model is.

    Attributes:
        runs: What each measuring replica said last, by its id; one per kind of device.
        replicas: Who holds the model and follows the decision.
        skipped: Why it was not tried.
    """

    name: str
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    replicas: list[str] = field(default_factory=list)
    skipped: str = ""
    error: str = ""

    @property
    def state(self) -> str:
        """The one that is furthest from its end."""
        if self.error:
            return "failed"
        states: list[str] = [run["state"] for run in self.runs.values()]
        if not states:
            return "skipped" if self.skipped else "none"
        return next((state for state in states if state not in FINISHED), states[0])


class FleetOptimizer:
    """Event loop only; keeps nothing, so that any gateway can be asked next."""

    def __init__(
        self, table: ReplicaTable, models: KnownModels, calls: ServiceCalls, clock: Clock
    ) -> None:
        self._table = table
        self._models = models
        self._calls = calls
        self._clock = clock

    async def optimize(
        self, name: str | None, wish: Mapping[str, Any], wait_s: float
    ) -> list[ModelReport]:
        """Begins, and follows for at most ``wait_s``; without a name for all that is loaded.

        Raises: ModelNotFoundError; InvalidFieldError: the model's task or a candidate;
        ConflictError: it is being optimised otherwise; UnavailableError: no replica can.
        """
        if name is not None:
            return [await self._one(self._models.find(name), wish, wait_s)]
        loaded = sorted({n for r in self._table.all() for n in r.instances})
        targets = [target for n in loaded if (target := self._models.get(n)) is not None]
        return list(
            await asyncio.gather(*(self._one_of_many(target, wish, wait_s) for target in targets))
        )

    async def status(self, name: str) -> tuple[ModelReport, list[dict[str, Any]]]:
        """The latest run there is, and what is kept. Raises: ModelNotFoundError."""
        target = self._models.find(name)
        report = ModelReport(target.record.name)
        for replica in self._table.ready(target.service):
            told = await self._look(replica, target, 0.0)
            if told is not None:
                report.runs[replica.id] = told
        report.replicas = [r.id for r in self._holders(target)]
        return report, await self._kept(target)

    async def undo(self, name: str) -> tuple[ModelReport, int]:
        """Float32 again on every replica; how many tunings were forgotten.

        Raises: ModelNotFoundError; UnavailableError: the registry is away, nothing was done.
        """
        target = self._models.find(name)
        report = ModelReport(target.record.name)
        path = f"/internal/optimize/{_quoted(target)}"
        for replica in self._table.ready(target.service):
            await self._quietly(replica, "DELETE", path)
        removed = 0
        if not _is_built_in(target):
            removed = (await self._registry("DELETE", target)).get("removed", 0)
        report.replicas = await self._follow_everywhere(target)
        return report, removed

    async def _one_of_many(
        self, target: Target, wish: Mapping[str, Any], wait_s: float
    ) -> ModelReport:
        try:
            return await self._one(target, wish, wait_s)
        except InvalidFieldError as exc:
            return ModelReport(target.record.name, skipped=exc.detail)
        except FleetError as exc:
            return ModelReport(target.record.name, error=exc.detail)

    async def _one(self, target: Target, wish: Mapping[str, Any], wait_s: float) -> ModelReport:
        _refuse_what_stays(target)
        report = ModelReport(target.record.name)
        measuring = self._measurers(target)
        for replica in measuring:
            report.runs[replica.id] = await self._start(replica, target, wish)
        deadline_s = self._clock.monotonic_s() + wait_s
        await asyncio.gather(*(self._wait(report, r, target, deadline_s) for r in measuring))
        if report.state == "done":
            report.replicas = await self._follow_everywhere(target)
            report.skipped = next((r["skipped"] for r in report.runs.values() if r["skipped"]), "")
        elif report.state in FINISHED:
            failed = next(r for r in report.runs.values() if r["state"] in FINISHED)
            raise UnavailableError(
                f"{target.record.name} was not optimised: {failed['error']}",
                code=failed["code"] or None,
            )
        return report

    def _measurers(self, target: Target) -> list[Replica]:
        """One replica per kind of device, the least loaded.

        Raises: UnavailableError: no replica is ready.
        """
        ready = self._table.ready(target.service)
        if not ready:
            raise UnavailableError(f"No replica of {target.service} is ready.")
        holders = self._holders(target) or ready[:1]
        kinds: dict[str, Replica] = {}
        for replica in sorted(holders, key=lambda r: r.load):
            kinds.setdefault(replica.announced.device.partition(":")[0], replica)
        return list(kinds.values())

    def _holders(self, target: Target) -> list[Replica]:
        name = target.record.name
        return [
            r
            for r in self._table.ready(target.service)
            if r.instances.get(name) is InstanceState.READY
        ]

    async def _start(
        self, replica: Replica, target: Target, wish: Mapping[str, Any]
    ) -> dict[str, Any]:
        path = f"/internal/optimize/{_instance(target)}"
        status, raw = await self._calls.send(replica, "POST", path, _START_S, wish)
        told: dict[str, Any] = orjson.loads(raw)
        if status in (200, 202):
            return told
        raise _as_told(status, told)

    async def _wait(
        self, report: ModelReport, replica: Replica, target: Target, deadline_s: float
    ) -> None:
        """Asks until it is finished or the time is over; what was said last stays."""
        while report.runs[replica.id]["state"] not in FINISHED:
            left_s = deadline_s - self._clock.monotonic_s()
            if left_s <= 0:
                return
            told = await self._look(replica, target, min(left_s, _POLL_S))
            if told is None:
                raise UnavailableError(
                    f"{replica.id}, which measured {target.record.name}, is gone. Post it again."
                )
            report.runs[replica.id] = told

    async def _look(self, replica: Replica, target: Target, wait_s: float) -> dict[str, Any] | None:
        """What a replica says of its run; None: it has none, or does not answer."""
        path = f"/internal/optimize/{_quoted(target)}?wait_s={wait_s:.2f}"
        try:
            status, raw = await self._calls.get(replica, path, wait_s + _CALL_S)
        except UnavailableError:
            return None
        found: dict[str, Any] | None = orjson.loads(raw) if status in (200, 202) else None
        return found

    async def _follow_everywhere(self, target: Target) -> list[str]:
        """Every holder loads the model as is decided now, beside the one that serves."""
        holders = self._holders(target)
        if _is_built_in(target):
            return [r.id for r in holders]
        path = f"/internal/models/{_instance(target)}?wait=true"
        # One that does not answer now follows by itself within seconds.
        await asyncio.gather(*(self._quietly(r, "PUT", path, _START_S) for r in holders))
        return [r.id for r in holders]

    async def _kept(self, target: Target) -> list[dict[str, Any]]:
        if _is_built_in(target):
            return []
        try:
            kept: list[dict[str, Any]] = (await self._registry("GET", target))["tunings"]
        except UnavailableError:
            return []
        return kept

    async def _registry(self, method: str, target: Target) -> dict[str, Any]:
        ready = self._table.ready(REGISTRY)
        if not ready:
            raise UnavailableError(f"{REGISTRY}, which keeps tunings, is not ready.")
        path = f"/internal/tunings/{_quoted(target)}"
        status, raw = await self._calls.send(ready[0], method, path, _CALL_S)
        told: dict[str, Any] = orjson.loads(raw)
        if status != 200:
            raise _as_told(status, told)
        return told

    async def _quietly(
        self, replica: Replica, method: str, path: str, timeout_s: float = _CALL_S
    ) -> None:
        try:
            await self._calls.send(replica, method, path, timeout_s)
        except UnavailableError as exc:
            log.info("optimization.unheard", on=replica.id, reason=exc.detail)


def measurements_of(reports: Sequence[ModelReport]) -> list[dict[str, Any]]:
    """The rows of all models, each with its model and device."""
    return [
        {"model": report.name, "hardware": run["hardware"], **_full(row)}
        for report in reports
        for run in report.runs.values()
        for row in run["measurements"]
    ]


def _full(row: Mapping[str, Any]) -> dict[str, Any]:
    """With what is left out where it is empty."""
    absent = {"ms": None, "speedup": None, "max_error": None, "within_tolerance": None}
    return {**absent, "chosen": False, "measures": {}, "unavailable": "", **row}


def _refuse_what_stays(target: Target) -> None:
    record = target.record
    if _is_built_in(target):
        raise InvalidFieldError("model_name", f"{record.name} is built in and stays as it is")
    if target.service == AUDIO_SERVICE:
        raise InvalidFieldError(
            "model_name", f"{record.name} is a model for {record.task}; speech stays in float32"
        )
    if record.state is not ModelState.READY:
        raise ConflictError(
            f"{record.name} is {record.state.value}; optimise it once it is ready.",
            code="model_not_ready",
        )


def _as_told(status: int, told: Mapping[str, Any]) -> FleetError:
    """What a process of the fleet refused with, for whoever asked us."""
    detail, code = str(told.get("detail", "it refused")), told.get("code")
    if status == 422:
        name = str(told.get("field", "candidates"))
        return InvalidFieldError(name, detail.removeprefix(f"{name}: "))
    if status == 409:
        return ConflictError(detail, code=code)
    return UnavailableError(detail, code=code)


def _is_built_in(target: Target) -> bool:
    return target.record.source == BUILT_IN.source


def _quoted(target: Target) -> str:
    return quote(target.record.name, safe="")


def _instance(target: Target) -> str:
    return quote(f"{target.record.name}@{target.record.revision}", safe="@")

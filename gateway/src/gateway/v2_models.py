"""The models of KServe V2: which can be asked now, and loading and unloading by hand."""

from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from fleetserve.announcements import InstanceState
from fleetserve.errors import (
    ConflictError,
    FleetError,
    InvalidFieldError,
    NotFoundError,
    UnavailableError,
)
from fleetserve.model_records import ModelRecord, ModelState
from fleetserve.tasks import INFERENCE_SERVICE
from gateway.autoscaler_report import ask_autoscaler
from gateway.known_models import KnownModels
from gateway.replica_table import ReplicaTable
from gateway.service_calls import ServiceCalls

AUTOSCALER = "autoscaler-svc"
# As long as the autoscaler itself waits for what it was asked, and a little.
WAIT_S = 310.0


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A model of the repository; ``reason`` says why it is not loaded."""

    record: ModelRecord
    loaded: bool
    reason: str


class V2Models:
    """For the event loop's thread only."""

    def __init__(self, table: ReplicaTable, models: KnownModels, calls: ServiceCalls) -> None:
        self._table = table
        self._models = models
        self._calls = calls

    async def can_serve(self) -> bool:
        """Whether requests are answered now, if need be by replicas that they wake."""
        if self._table.ready(INFERENCE_SERVICE):
            return True
        report = await ask_autoscaler(self._table, self._calls)
        return INFERENCE_SERVICE in report.asleep

    async def is_ready(self, name: str, version: str) -> bool:
        """Whether a request for the model would be served; its first one loads it.

        Raises: ModelNotFoundError, NotFoundError, InvalidFieldError: as ``find``.
        """
        record = self.find(name, version)
        if record.state is not ModelState.READY or not await self.can_serve():
            return False
        states = self._states(record)
        return not states or any(state is not InstanceState.FAILED for state in states)

    def find(self, name: str, version: str = "") -> ModelRecord:
        """The model's record.

        Raises: ModelNotFoundError; NotFoundError: it has no such version; InvalidFieldError: it
            is not for inference.
        """
        target = self._models.find(name)
        record = target.record
        if target.service != INFERENCE_SERVICE:
            raise InvalidFieldError(
                "model", f"{record.name} is a model for {record.task}, which V2 does not serve"
            )
        if version and version != record.revision:
            raise NotFoundError(
                f"{record.name} has no version {version}; there is {record.revision}.",
                code="revision_not_found",
            )
        return record

    def index(self) -> list[IndexEntry]:
        """Every model that V2 serves, by name."""
        names = sorted(record.name for record in self._models.records())
        targets = [target for name in names if (target := self._models.get(name)) is not None]
        return [self._entry(t.record) for t in targets if t.service == INFERENCE_SERVICE]

    async def load(self, name: str) -> None:
        """Returns when a replica has the model. Raises: as ``find``, and as the autoscaler."""
        record = self.find(name)
        if not self._entry(record).loaded:
            await self._scale("load_model", record)

    async def unload(self, name: str) -> None:
        """Returns when no replica has it any more. Raises: as ``load``."""
        await self._scale("unload_model", self.find(name))

    def _entry(self, record: ModelRecord) -> IndexEntry:
        states = self._states(record)
        loaded = InstanceState.READY in states
        if loaded:
            reason = ""
        elif record.state is not ModelState.READY:
            reason = f"{record.state}: {record.message}".rstrip(": ")
        elif InstanceState.LOADING in states:
            reason = "loading"
        else:
            reason = "unloaded; the first request loads it"
        return IndexEntry(record, loaded, reason)

    def _states(self, record: ModelRecord) -> list[InstanceState]:
        ready = self._table.ready(INFERENCE_SERVICE)
        return [state for r in ready if (state := r.instances.get(record.name)) is not None]

    async def _scale(self, action: str, record: ModelRecord) -> None:
        """Asks the autoscaler, who alone decides which replica holds what."""
        ready = self._table.ready(AUTOSCALER)
        if not ready:
            raise UnavailableError(f"{AUTOSCALER}, which places models, is not ready")
        query = urlencode(
            {"action": action, "models": record.name, "wait": "true", "reason": "asked for by V2"}
        )
        status, content = await self._calls.send(
            ready[0], "POST", f"/autoscaler/scale?{query}", WAIT_S
        )
        if status >= 400:
            raise _error_of(status, content)


def _error_of(status: int, content: bytes) -> FleetError:
    told = orjson.loads(content)
    detail, code = str(told.get("detail", "")), told.get("code")
    if status == 404:
        return NotFoundError(detail, code=code)
    if status == 409:
        return ConflictError(detail, code=code)
    return UnavailableError(f"{AUTOSCALER} answered {status}: {detail}", code=code)

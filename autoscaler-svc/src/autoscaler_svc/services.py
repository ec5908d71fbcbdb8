"""What the routes work with, built once in app.py."""

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler_svc.chronicle import Chronicle
from autoscaler_svc.fleet_state import FleetState
from autoscaler_svc.intents.base import Intents
from autoscaler_svc.journal.base import Entry, EntryKind
from autoscaler_svc.manual import Manual
from autoscaler_svc.scaler import Scaler
from autoscaler_svc.series import Series
from fleetserve.config import AutoscalerConfig
from fleetserve.metrics.requests import RequestMetrics


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that is known now.

    Attributes:
        me: The replica id of this process.
        state: None before the fleet was first seen.
        problem: Why nothing can be decided now; empty while something can.
        counted: Decisions since this process started.
        cold_starts: Replicas and models that became ready since then.
    """

    me: str
    state: FleetState | None
    problem: str
    counted: Mapping[EntryKind, int]
    cold_starts: int
    last: Entry | None


@dataclass(frozen=True, slots=True)
class AutoscalerServices:
    """``base`` is the file's configuration and ``sources`` where each of its values stood."""

    me: str
    scaler: Scaler
    manual: Manual
    intents: Intents
    chronicle: Chronicle
    series: Series
    metrics: RequestMetrics
    base: AutoscalerConfig
    sources: Mapping[str, str]

    def overview(self) -> Overview:
        scaler, chronicle = self.scaler, self.chronicle
        return Overview(
            self.me,
            scaler.state,
            scaler.problem,
            chronicle.counted,
            scaler.cold_starts.total,
            chronicle.last,
        )

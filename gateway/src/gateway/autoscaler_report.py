"""What the autoscaler says of itself, for the fleet's health."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from fleetserve.errors import UnavailableError
from gateway.replica_table import ReplicaTable
from gateway.service_calls import ServiceCalls

SERVICE = "autoscaler-svc"
PATH = "/autoscaler/health"
TIMEOUT_S = 0.6


@dataclass(frozen=True, slots=True)
class AutoscalerReport:
    """``asleep`` are services that are at zero on purpose: the next request starts them."""

    healthy: bool
    state: str
    components: dict[str, Any] = field(default_factory=dict)
    asleep: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, Any]:
        return {"healthy": self.healthy, "state": self.state, "components": self.components}


class _Told(msgspec.Struct):
    healthy: bool
    state: str
    components: dict[str, Any]
    asleep: frozenset[str] = frozenset()


_decode = msgspec.json.Decoder(_Told).decode


async def ask_autoscaler(table: ReplicaTable, calls: ServiceCalls) -> AutoscalerReport:
    """Its own report; one that says so where it is not there or can't be understood."""
    ready = table.ready(SERVICE)
    if not ready:
        return AutoscalerReport(healthy=False, state="not running")
    try:
        _, content = await calls.get(ready[0], PATH, TIMEOUT_S)
        told = _decode(content)
    except UnavailableError as exc:
        return AutoscalerReport(False, "not answering", {"detail": exc.detail})
    except msgspec.MsgspecError as exc:
        return AutoscalerReport(False, "not understood", {"detail": str(exc)})
    return AutoscalerReport(told.healthy, told.state, told.components, told.asleep)

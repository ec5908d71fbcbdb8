"""The health of the whole fleet, as one answer within a second."""

import asyncio
from dataclasses import dataclass
from typing import Any

from fleetserve.announcements import ReplicaState
from fleetserve.errors import UnavailableError
from fleetserve.health import Check, CheckResult, run_checks
from fleetserve.runtime import ServiceRuntime
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE
from gateway.autoscaler_report import AutoscalerReport, ask_autoscaler
from gateway.directory.base import Directory
from gateway.replica_table import Replica, ReplicaTable
from gateway.service_calls import ServiceCalls

PROBE_TIMEOUT_S = 0.6
SERVING = (INFERENCE_SERVICE, AUDIO_SERVICE)
ASLEEP = "at zero, as was asked for; the next request starts it"


@dataclass(frozen=True, slots=True)
class FleetState:
    """``can_serve`` is what decides between 200 and 503."""

    can_serve: bool
    status: str
    checks: dict[str, CheckResult]
    autoscaler: AutoscalerReport


class FleetHealth:
    """Asks every process of every expected service whether it is ready, all at once.

    Args:
        expected: Services that belong to a whole fleet, announced or not.
    """

    def __init__(
        self,
        table: ReplicaTable,
        calls: ServiceCalls,
        directory: Directory,
        runtime: ServiceRuntime,
        expected: tuple[str, ...],
    ) -> None:
        self._table = table
        self._calls = calls
        self._directory = directory
        self._runtime = runtime
        self._expected = expected

    async def state(self) -> FleetState:
        names = sorted({*self._expected, *self._table.services()} - {"gateway"})
        checks: dict[str, Check] = {name: self._service_check(name) for name in names}
        checks["redis"] = self._redis_check()
        results, report = await asyncio.gather(
            run_checks(checks, self._runtime.clock), ask_autoscaler(self._table, self._calls)
        )
        asleep = {name for name in report.asleep if not self._table.ready(name)}
        results |= {name: CheckResult(True, 0.0, ASLEEP) for name in asleep & set(SERVING)}
        can_serve = any(self._table.ready(s) or s in asleep for s in SERVING)
        whole = all(result.healthy for result in results.values())
        status = "down" if not can_serve else "ok" if whole else "degraded"
        return FleetState(can_serve, status, results, report)

    def _redis_check(self) -> Check:
        async def check() -> str:
            if self._directory.away_reason:
                raise UnavailableError(
                    f"Redis can't be heard ({self._directory.away_reason}); predictions go on,"
                    " downloads and metrics wait"
                )
            await self._runtime.redis.ping()
            return "answers"

        return check

    def _service_check(self, service: str) -> Check:
        async def check() -> str:
            replicas = self._table.all(service)
            if not replicas:
                raise UnavailableError("not running: nothing has announced itself")
            answers = await asyncio.gather(*(self._ask(r) for r in replicas))
            ready = sum(answer == "" for answer in answers)
            if not ready:
                raise UnavailableError("; ".join(dict.fromkeys(answers)))
            worst = "; ".join(answer for answer in dict.fromkeys(answers) if answer)
            return f"{ready} of {len(answers)} ready" + (f" ({worst})" if worst else "")

        return check

    async def _ask(self, replica: Replica) -> str:
        """Empty when it is ready, else why not."""
        if not self._table.is_fresh(replica):
            return f"{replica.id} has not been heard for a while"
        if replica.announced.state is ReplicaState.DRAINING:
            return f"{replica.id} is draining"
        if not replica.address:
            # A worker, which serves nothing that could be asked.
            return ""
        try:
            status, content = await self._calls.get(replica, "/health/ready", PROBE_TIMEOUT_S)
        except UnavailableError as exc:
            return exc.detail
        if status == 200:
            return ""
        return f"{replica.id} is not ready: {content[:300].decode(errors='replace')}"


def checks_as_json(checks: dict[str, CheckResult]) -> dict[str, Any]:
    return {
        name: {"healthy": c.healthy, "latency_ms": c.latency_ms, "detail": c.detail}
        for name, c in checks.items()
    }

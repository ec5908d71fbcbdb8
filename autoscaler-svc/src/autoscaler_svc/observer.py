"""Gathers what a decision is made from: each source as often as it changes, and no oftener."""

from dataclasses import dataclass

import structlog

from autoscaler_svc.effective_config import merged
from autoscaler_svc.fleet.base import Sight
from autoscaler_svc.intents.base import Floor
from autoscaler_svc.orchestrator.base import Unit
from autoscaler_svc.ports import Ports
from fleetserve.clock import Clock
from fleetserve.config import AutoscalerConfig
from fleetserve.errors import FleetError, InvalidFieldError, UnavailableError
from fleetserve.model_policies import ModelPolicy
from fleetserve.model_records import ModelRecord

log = structlog.get_logger(__name__)

LEASE_TTL_S = 6.0
LEASE_EVERY_S = 2.0
INTENTS_EVERY_S = 2.0
RECORDS_EVERY_S = 5.0
# The engine is asked when something is on the move, and else only to see what nobody announced.
UNITS_EVERY_S = 10.0
# After Redis was away, everybody has this long to be heard again before anybody is missed.
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Observation:
    """All that is known at one moment.

    Attributes:
        units_since_s: When the engine was asked for the units.
        engine_away: Why it can't be asked, if it can't; the units are then those known last.
        leads: This autoscaler may act now.
        settled: Who is not announced is missing.
    """

    sight: Sight
    units: tuple[Unit, ...]
    units_since_s: float
    engine_away: str
    records: dict[str, ModelRecord]
    floors: dict[str, Floor]
    policies: dict[str, ModelPolicy]
    config: AutoscalerConfig
    leader: str
    leads: bool
    settled: bool

    @property
    def pinned(self) -> frozenset[str]:
        return frozenset(name for name, policy in self.policies.items() if policy.pinned)


class Observer:
    """Args: me: The replica id that this process announces; base: The file's configuration."""

    def __init__(
        self,
        ports: Ports,
        clock: Clock,
        *,
        me: str,
        base: AutoscalerConfig,
    ) -> None:
        self._fleet = ports.fleet
        self._orchestrator = ports.orchestrator
        self._intents = ports.intents
        self._lease = ports.lease
        self._clock = clock
        self._me = me
        self._base = base
        self._due: dict[str, float] = {}
        self._heard_self_s: float | None = None
        self._units: tuple[Unit, ...] = ()
        self._units_since_s = -1.0
        self._engine_away = "it has not been asked yet"
        self._records: dict[str, ModelRecord] = {}
        self._floors: dict[str, Floor] = {}
        self._policies: dict[str, ModelPolicy] = {}
        self._config = base
        self._asked_for: set[str] = set()
        self._leader = ""
        self._leads_until_s = -1.0

    def ask_engine_soon(self) -> None:
        """The engine's units are not what they were."""
        self._due.pop("units", None)

    def ask_intents_soon(self) -> None:
        """Somebody asked for something."""
        self._due.pop("intents", None)

    def ask_records_soon(self) -> None:
        """There may be a model that is not known yet."""
        self._due.pop("records", None)

    async def look(self) -> Observation:
        """Everything as it is now.

        Raises: UnavailableError: the fleet can't be heard; nothing may be decided.
        """
        try:
            sight = await self._fleet.look()
            await self._renew_lease()
            await self._read_intents()
            await self._read_records(sight)
        except UnavailableError:
            self._heard_self_s = None
            raise
        await self._ask_engine()
        now_s = self._clock.monotonic_s()
        return Observation(
            sight=sight,
            units=self._units,
            units_since_s=self._units_since_s,
            engine_away=self._engine_away,
            records=self._records,
            floors=self._floors,
            policies=self._policies,
            config=self._config,
            leader=self._leader,
            leads=now_s < self._leads_until_s,
            settled=self._hears_self(sight, now_s),
        )

    async def release(self) -> None:
        """Lets another one lead."""
        self._leads_until_s = -1.0
        await self._lease.release()

    def leads_now(self) -> bool:
        """Still, after whatever took time since the last look."""
        return self._clock.monotonic_s() < self._leads_until_s

    def _hears_self(self, sight: Sight, now_s: float) -> bool:
        """One's own voice missing means that Redis has lost everybody's."""
        if not any(a.replica_id == self._me for a in sight.announcements):
            self._heard_self_s = None
            return False
        if self._heard_self_s is None:
            self._heard_self_s = now_s
        return now_s - self._heard_self_s >= SETTLE_S

    async def _renew_lease(self) -> None:
        if not self._is_due("lease"):
            return
        asked_s = self._clock.monotonic_s()
        try:
            self._leader = await self._lease.hold()
        except UnavailableError:
            self._leader = ""
            raise
        self._done("lease", LEASE_EVERY_S)
        self._leads_until_s = asked_s + LEASE_TTL_S - 1.0 if self._leader == self._me else -1.0

    async def _read_intents(self) -> None:
        if not self._is_due("intents"):
            return
        self._floors = await self._intents.floors()
        self._policies = await self._fleet.policies()
        try:
            self._config = merged(self._base, await self._intents.overrides())
        except InvalidFieldError as exc:
            # Set by another version, or contradicted by a changed file.
            log.warning("config.override_ignored", reason=exc.detail)
            self._config = self._base
        self._done("intents", INTENTS_EVERY_S)

    async def _read_records(self, sight: Sight) -> None:
        wanted = {name for demand in sight.demands for name in demand.models}
        if not self._is_due("records") and wanted <= self._records.keys() | self._asked_for:
            return
        self._records = await self._fleet.models()
        self._asked_for = wanted
        self._done("records", RECORDS_EVERY_S)

    async def _ask_engine(self) -> None:
        if not self._is_due("units"):
            return
        since_s = self._clock.monotonic_s()
        self._done("units", UNITS_EVERY_S)
        try:
            self._units = tuple(await self._orchestrator.list())
        except FleetError as exc:
            if self._engine_away != exc.detail:
                log.warning("engine.away", reason=exc.detail)
            self._engine_away = exc.detail
            self.ask_engine_soon()
            return
        if self._engine_away:
            log.info("engine.answers", units=len(self._units))
        self._units_since_s, self._engine_away = since_s, ""

    def _is_due(self, what: str) -> bool:
        return self._clock.monotonic_s() >= self._due.get(what, -1.0)

    def _done(self, what: str, every_s: float) -> None:
        self._due[what] = self._clock.monotonic_s() + every_s

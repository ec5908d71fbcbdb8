"""The loop: look, decide, act, write down; once a second."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from autoscaler_svc.census import Census, Member
from autoscaler_svc.chronicle import Chronicle, Note
from autoscaler_svc.cold_starts import ColdStarts
from autoscaler_svc.desk import ServiceDesk, Surroundings
from autoscaler_svc.fleet_state import FleetState, ServiceState
from autoscaler_svc.journal.base import EntryKind
from autoscaler_svc.model_ledger import hosts_of
from autoscaler_svc.observer import Observation, Observer
from autoscaler_svc.orchestrator.base import ReplicaSpec
from autoscaler_svc.placement import Step
from autoscaler_svc.placer import Placer
from autoscaler_svc.ports import Ports
from autoscaler_svc.reconciler import Reconciler
from autoscaler_svc.replica_spec import spec_for
from autoscaler_svc.room_watch import RoomWatch
from fleetserve.clock import Clock
from fleetserve.config import AutoscalerConfig, FleetConfig
from fleetserve.errors import FleetError, UnavailableError
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE

log = structlog.get_logger(__name__)

SERVICES = (INFERENCE_SERVICE, AUDIO_SERVICE)
UNSEEN = "the fleet has not been looked at yet"
# However short the interval is set, the loop leaves time for others.
SHORTEST_INTERVAL_S = 0.1


class Scaler:
    """One for each process; only that of the leader acts, the others keep their state current.

    Args:
        config: The file's.
        on_tick: Told the state after each look at the fleet.
        is_stopping: This process is about to end, and begins nothing new.
    """

    def __init__(
        self,
        ports: Ports,
        observer: Observer,
        reconciler: Reconciler,
        placer: Placer,
        chronicle: Chronicle,
        clock: Clock,
        config: FleetConfig,
        *,
        on_tick: Callable[[FleetState], None] = lambda _: None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._observer = observer
        self._intents = ports.intents
        self._reconciler = reconciler
        self._placer = placer
        self._chronicle = chronicle
        self._clock = clock
        self._config = config
        self._on_tick = on_tick
        self._is_stopping = is_stopping
        self._census = Census(SERVICES)
        self._desks = {name: ServiceDesk(name, config.autoscaler) for name in SERVICES}
        self._effective: AutoscalerConfig = config.autoscaler
        self._members: Mapping[str, tuple[Member, ...]] = {}
        self._watch = RoomWatch(ports, clock)
        self._wake = asyncio.Event()
        self._led = False
        self.cold_starts = ColdStarts()
        self.state: FleetState | None = None
        self.problem = UNSEEN

    @property
    def stopping(self) -> bool:
        """This process is about to end."""
        return self._is_stopping()

    def not_ready(self) -> str | None:
        """Why this process can't be asked anything yet; None once it can."""
        return UNSEEN if self.problem == UNSEEN else None

    async def run(self) -> None:
        """Until cancelled. A fault inside is logged and does not end the loop."""
        while True:
            try:
                await self.tick()
            except Exception:
                log.exception("tick.failed")
                self.problem = "the last look at the fleet failed inside; the log says why"
            await self._pause()

    def nudge(self) -> None:
        """Somebody asked for something: look at once."""
        self._observer.ask_intents_soon()
        self._observer.ask_records_soon()
        self._wake.set()

    async def tick(self) -> None:
        """One round."""
        try:
            seen = await self._observer.look()
        except UnavailableError as exc:
            if self.problem != exc.detail:
                log.warning("fleet.not_heard", reason=exc.detail)
            self.problem = exc.detail
            return
        self._configure(seen.config)
        self._reconciler.listed(seen.units_since_s)
        await self._take_stock(seen)
        rounds = [self._assess(seen, desk) for desk in self._desks.values()]
        self._publish(seen, [state for state, _ in rounds])
        if self.problem:
            log.info("fleet.heard", leader=seen.leader, units=len(seen.units))
            self.problem = ""
        if seen.leads and seen.settled and not self.stopping:
            await self._lead(seen, rounds)
        await self._chronicle.flush()

    def most_by_hand(self, state: ServiceState) -> tuple[int, str]:
        """The most replicas of a service that can be asked for, and what limits them."""
        scaler = self._desks[state.service].scaler
        return scaler.most_by_hand(
            self._watch.room, state.live, self._watch.replica_mb(state.service)
        )

    async def leave(self) -> None:
        """Drains and removes every replica that was made, and lets another one lead.

        For the orderly end of a fleet in containers, where what is left would keep its networks
        and would be there at the next start.
        """
        if not self._observer.leads_now():
            return
        await self._reconciler.end_managed()
        try:
            await self._intents.clear_floors()
            await self._observer.release()
        except FleetError as exc:
            log.info("lease.not_released", reason=exc.detail)

    def _configure(self, config: AutoscalerConfig) -> None:
        if config != self._effective:
            self._effective = config
            for desk in self._desks.values():
                desk.configure(config)

    async def _take_stock(self, seen: Observation) -> None:
        now_s, announced = self._clock.monotonic_s(), seen.sight.announcements
        ending = self._reconciler.ending
        self._members = self._census.take(seen.units, announced, ending, now_s)
        everyone = [m for members in self._members.values() for m in members]
        self.cold_starts.update(everyone, now_s, self._clock.now_s())
        await self._watch.look(everyone, announced)

    def _assess(self, seen: Observation, desk: ServiceDesk) -> tuple[ServiceState, list[Step]]:
        config, now_s = self._config, self._clock.monotonic_s()
        members = self._members[desk.service]
        for floor in desk.take_orders(seen.floors, hosts_of(members), now_s):
            self._placer.forgive(floor.target)
        kind = config.audio if desk.service == AUDIO_SERVICE else config.inference
        around = Surroundings(
            now_s=now_s,
            room=self._watch.room,
            replica_mb=self._watch.replica_mb(desk.service),
            starting=self._reconciler.starting(desk.service),
            at_start=kind.replicas,
            rooms_add_up=config.inference.memory_mib > 0 or self._watch.room.gpus > 1,
            trouble=self._reconciler.troubles.get(desk.service, ""),
            blocked=self._placer.blocked(),
        )
        return desk.assess(seen, members, around)

    def _publish(self, seen: Observation, states: list[ServiceState]) -> None:
        residents = (desk.ledger.residents.names() for desk in self._desks.values())
        self.state = FleetState(
            at_s=self._clock.now_s(),
            services={state.service: state for state in states},
            records=seen.records,
            floors=seen.floors,
            config=seen.config,
            leader=seen.leader,
            leads=seen.leads,
            engine_away=seen.engine_away,
            residents=frozenset().union(*residents),
            pinned=seen.pinned,
        )
        self._on_tick(self.state)

    async def _lead(self, seen: Observation, rounds: list[tuple[ServiceState, list[Step]]]) -> None:
        if not self._led:
            self._led = True
            self._adopt(seen)
        for state, steps in rounds:
            desk = self._desks[state.service]
            note = desk.note_of(state.assessment)
            if note is not None:
                self._chronicle.tell(note)
            if state.assessment.woken is not None:
                woken = state.assessment.woken
                await self._intents.drop_floor(woken.target, woken.scaling_id)
                self._observer.ask_intents_soon()
            if not state.settled:
                # Something is on the move, or has to be: the next round needs to know.
                self._observer.ask_engine_soon()
            if not self._observer.leads_now():
                return
            if not seen.engine_away:
                timeout_s = seen.config.start_timeout_s
                spec = self._spec_for(state.service)
                await self._reconciler.reconcile(
                    spec, state.desired, state.members, timeout_s, is_news=note is not None
                )
            replicas = {m.id: m.told for m in state.members if m.told is not None}
            self._placer.carry_out(state.service, steps, replicas)

    def _spec_for(self, service: str) -> ReplicaSpec:
        """What one more replica of a service is given."""
        everyone = [m for members in self._members.values() for m in members]
        share = self._config.inference.torch_threads == 0
        return spec_for(service, everyone, self._watch.room, share_cores=share)

    def _adopt(self, seen: Observation) -> None:
        """What an autoscaler before this one made is this one's from now on."""
        for service in SERVICES:
            found = [u for u in seen.units if u.service == service and u.managed]
            if found:
                names = ", ".join(u.replica_id or u.id[:12] for u in found)
                count, reason = len(found), f"found running: {names}"
                self._chronicle.tell(
                    Note(EntryKind.ADOPT, service, service, count, count, "adopted", reason)
                )

    async def _pause(self) -> None:
        interval_s = max(SHORTEST_INTERVAL_S, self._effective.interval_s)
        sleep = asyncio.ensure_future(self._clock.sleep(interval_s))
        woken = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleep, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            woken.cancel()
        self._wake.clear()

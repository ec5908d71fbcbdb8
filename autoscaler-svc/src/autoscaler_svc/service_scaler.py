"""Decides how many replicas one service should have, second by second."""

import dataclasses
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler_svc.bounds import Bounds, Room, bounds_by_load, most_by_hand
from autoscaler_svc.census import Member, MemberState
from autoscaler_svc.effective_config import limits_of, rules_of
from autoscaler_svc.intents.base import Floor
from autoscaler_svc.load_history import LoadHistory
from autoscaler_svc.policy import Cause, Decision, Snapshot, Want, decide
from fleetserve.config import AutoscalerConfig

# What a replica is thought to take where none has told.
DEFAULT_REPLICA_MB = 600.0


@dataclass(frozen=True, slots=True)
class Floors:
    """What is asked for beyond the configuration's minimum.

    Attributes:
        own: Somebody's word on the service's replicas; None: nobody said anything.
        at_start: Replicas that the fleet began with.
        models: The most instances that were asked for of one model.
        packing: Replicas that the loaded models need to fit.
    """

    own: Floor | None
    at_start: int
    models: int = 0
    packing: int = 0

    def highest(self, *, counts_start: bool) -> tuple[int, str]:
        base = (self.own.instances, "manual") if self.own is not None else (0, "min_replicas")
        if self.own is None and counts_start:
            base = (self.at_start, "replicas")
        return max(base, (self.models, "manual"), (self.packing, "models"))


@dataclass(frozen=True, slots=True)
class Situation:
    """One service at one moment.

    Attributes:
        now_s: Monotonic.
        load: Mean requests in flight or waiting since the moment before.
        held: Requests that wait now and that no replica can serve.
        replica_mb: What one more replica takes.
        starting: Replicas that were asked for and are not among the members yet.
    """

    now_s: float
    members: Sequence[Member]
    load: float
    held: int
    floors: Floors
    room: Room
    replica_mb: float = DEFAULT_REPLICA_MB
    starting: int = 0


@dataclass(frozen=True, slots=True)
class Assessment:
    """A decision with what it was made from; ``woken`` is a floor of none that has ended."""

    situation: Situation
    snapshot: Snapshot
    decision: Decision
    woken: Floor | None = None

    @property
    def ready(self) -> int:
        return sum(m.state is MemberState.READY for m in self.situation.members)

    def inputs(self) -> tuple[tuple[str, float | str | None], ...]:
        """For the journal."""
        snapshot, bounds = self.snapshot, self.snapshot.bounds
        return (
            ("current", snapshot.current),
            ("ready", self.ready),
            ("wanted", self.decision.wanted),
            ("load", round(self.situation.load, 3)),
            ("stable_load", round(snapshot.stable_load, 3)),
            ("panic_load", round(snapshot.panic_load, 3)),
            ("held", snapshot.held),
            ("idle_s", round(snapshot.idle_s, 1)),
            ("lower", bounds.lower),
            ("lower_reason", bounds.lower_reason),
            ("upper", bounds.upper),
            ("upper_reason", bounds.upper_reason),
            ("cores", self.situation.room.cores),
            ("gpus", self.situation.room.gpus),
            ("free_mb", round(self.situation.room.free_mb)),
            ("replica_mb", round(self.situation.replica_mb)),
        )


class ServiceScaler:
    """Keeps the load and the wants of one service between its decisions."""

    def __init__(self, service: str, config: AutoscalerConfig) -> None:
        self.service = service
        self._config = config
        self._history = LoadHistory(config.interval_s, _kept_s(config))
        self._wants: deque[Want] = deque()

    def configure(self, config: AutoscalerConfig) -> None:
        """From now on these settings hold."""
        self._config = config
        self._history.resize(config.interval_s, _kept_s(config))

    def forget(self, now_s: float) -> None:
        """Somebody decided by hand: what was wanted before delays nothing."""
        self._history.forget(now_s)
        self._wants.clear()

    def assess(self, situation: Situation) -> Assessment:
        """What should be there now."""
        self._history.add(situation.now_s, max(situation.load, float(situation.held)))
        current = sum(m.is_live for m in situation.members) + situation.starting
        own, woken = situation.floors.own, None
        if own is not None and own.instances == 0:
            if current > 0 or not situation.held:
                snapshot = self._snapshot(situation, current, _NONE)
                return Assessment(situation, snapshot, _asleep(own))
            floors = dataclasses.replace(situation.floors, own=None)
            woken, situation = own, dataclasses.replace(situation, floors=floors)
        bounds = self._bounds(situation, current)
        snapshot = self._snapshot(situation, current, bounds)
        decision = decide(snapshot, rules_of(self._config))
        self._remember(decision, situation.now_s)
        return Assessment(situation, snapshot, decision, woken)

    def most_by_hand(self, room: Room, current: int, replica_mb: float) -> tuple[int, str]:
        """The most replicas that can be asked for, and what limits them."""
        limits = limits_of(self._config, may_be_zero=False)
        return most_by_hand(limits, room, current=current, replica_mb=replica_mb)

    def _bounds(self, situation: Situation, current: int) -> Bounds:
        config, floors = self._config, situation.floors
        idle = self._history.idle_s(situation.now_s) >= config.idle_to_zero_s
        quiet = not situation.held and (idle or current == 0)
        may_be_zero = config.scale_to_zero and quiet
        floor, reason = floors.highest(counts_start=not may_be_zero)
        if floors.own is None or not floors.own.force:
            # Bounds may have been lowered since somebody asked.
            most, _ = self.most_by_hand(situation.room, current, situation.replica_mb)
            floor = min(floor, most)
        return bounds_by_load(
            limits_of(config, may_be_zero=may_be_zero),
            situation.room,
            floor=floor,
            floor_reason=reason,
            current=current,
            replica_mb=situation.replica_mb,
        )

    def _snapshot(self, situation: Situation, current: int, bounds: Bounds) -> Snapshot:
        config, history = self._config, self._history
        least_s = config.panic_window_s
        return Snapshot(
            now_s=situation.now_s,
            current=current,
            stable_load=history.mean(config.stable_window_s, at_least_s=least_s),
            panic_load=history.mean(config.panic_window_s, at_least_s=least_s),
            covered_s=history.covered_s(),
            held=situation.held,
            idle_s=history.idle_s(situation.now_s),
            bounds=bounds,
            wants=tuple(self._wants),
        )

    def _remember(self, decision: Decision, now_s: float) -> None:
        self._wants.append(Want(now_s, decision.wanted))
        oldest_s = now_s - self._config.scale_down_delay_s
        while self._wants and self._wants[0].at_s <= oldest_s:
            self._wants.popleft()


_NONE = Bounds(0, "manual", 0, "manual")


def _kept_s(config: AutoscalerConfig) -> float:
    return max(config.stable_window_s, config.panic_window_s)


def _asleep(floor: Floor) -> Decision:
    reason = "none was asked for, until a request comes"
    return Decision(0, 0, Cause.ASLEEP, f"{reason} ({floor.reason})" if floor.reason else reason)

"""What to do so that as many replicas are there as are wanted: pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler_svc.census import Member, MemberState
from autoscaler_svc.orchestrator.base import Unit


@dataclass(frozen=True, slots=True)
class Start:
    """One more replica of the service."""


@dataclass(frozen=True, slots=True)
class End:
    """Drain this one and stop it."""

    unit: Unit


@dataclass(frozen=True, slots=True)
class Replace:
    """This one does not become ready: stop it at once; what is then missing is started."""

    member: Member


@dataclass(frozen=True, slots=True)
class Renew:
    """Drain this one, whose template has changed; what is then missing is started."""

    unit: Unit


@dataclass(frozen=True, slots=True)
class Remove:
    """This one has ended already; clear it away."""

    unit: Unit


Action = Start | End | Replace | Renew | Remove


@dataclass(frozen=True, slots=True)
class Patience:
    """What is not acted upon yet.

    Attributes:
        start_timeout_s: A replica may take so long to become ready.
        starting: Replicas whose start has been asked for and not answered.
        excused: Replicas that went without our doing and may come back by themselves.
    """

    start_timeout_s: float
    starting: int = 0
    excused: int = 0


def plan(desired: int, members: Sequence[Member], patience: Patience) -> list[Action]:
    """The actions for one service; none where it is as it should be.

    Replicas are ended in this order: those not ready before the ready, managed before the
    fleet's own, those without a model that nobody else has, the least busy, the youngest.
    """
    stuck = [m for m in members if _is_stuck(m, patience.start_timeout_s)]
    actions: list[Action] = [Replace(member) for member in stuck]
    if not patience.starting:
        # One that has just been made and does not run yet looks the same.
        actions += [Remove(m.unit) for m in members if m.unit is not None and _is_over(m)]
    live = [m for m in members if m.is_live and m not in stuck]
    ending = sorted(live, key=lambda m: _missed(m, live))
    units = [m.unit for m in ending if m.unit is not None]
    # A start that is on its way ends nobody, nor does a stranger: one may fail, and the other be
    # the last word of somebody who is gone. What serves now serves.
    actions += [End(unit) for unit in units[: max(0, len(units) - desired)]]
    missing = desired - len(live) - len(stuck) - patience.starting - patience.excused
    actions += [Start()] * max(0, missing)
    return actions or _renewal(desired, members)


def _renewal(desired: int, members: Sequence[Member]) -> list[Action]:
    """One at a time, and only while all others serve."""
    if any(m.state is not MemberState.READY for m in members) or len(members) != desired:
        return []
    outdated = (m.unit for m in members if m.unit is not None and m.unit.outdated)
    renewals: list[Action] = [Renew(unit) for unit in outdated]
    return renewals[:1]


def _is_over(member: Member) -> bool:
    return member.state is MemberState.STOPPED and member.managed


def _is_stuck(member: Member, timeout_s: float) -> bool:
    return (
        member.state is MemberState.STARTING
        and member.unit is not None
        and member.not_ready_s > timeout_s
    )


def _missed(member: Member, live: Sequence[Member]) -> tuple[bool, bool, int, int, float]:
    """How much it would be missed; compared from left to right."""
    told, unit = member.told, member.unit
    models = told.models if told is not None else ()
    only_here = sum(
        not any(other is not member and other.holds(model.name) for other in live)
        for model in models
        if member.holds(model.name)
    )
    return (
        member.state is MemberState.READY,
        not member.managed,
        only_here,
        told.in_flight if told is not None else 0,
        -unit.created_at if unit is not None else 0.0,
    )

"""How many replicas of a service there should be: pure, from a snapshot to a decision.

In small steps: load per replica, the panic window, the delay before less, zero, the bounds.

Source: Knative's autoscaler (stable and panic windows, scale-down delay); the tolerance is that
of Kubernetes' HorizontalPodAutoscaler.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from autoscaler_svc.bounds import Bounds

# Within this of the target nothing changes, so that load at a threshold does not flap.
TOLERANCE = 0.1
# The panic window decides when it wants so many times what is there.
PANIC_RATIO = 2.0
# ceil() of a quotient that should be whole must not see the last bit.
_EPSILON = 1e-9


class Cause(StrEnum):
    """Why a decision is as it is."""

    STEADY = "steady"
    LOAD_UP = "load_up"
    PANIC = "panic"
    LOAD_DOWN = "load_down"
    DELAYED = "delayed"
    LEARNING = "learning"
    WAKE = "wake"
    TO_ZERO = "to_zero"
    ASLEEP = "asleep"
    LOWER_BOUND = "lower_bound"
    UPPER_BOUND = "upper_bound"
    SWITCHED_OFF = "switched_off"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says.

    Attributes:
        by_load: Off: only the bounds count.
        idle_to_zero_s: Nothing for so long stops the last replica; None: it never goes.
    """

    target_in_flight: float = 8.0
    panic_window_s: float = 6.0
    stable_window_s: float = 30.0
    scale_down_delay_s: float = 30.0
    by_load: bool = True
    idle_to_zero_s: float | None = None


@dataclass(frozen=True, slots=True)
class Want:
    """What an earlier decision would have had, before any delay and bound."""

    at_s: float
    replicas: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a decision is made from.

    Attributes:
        current: Replicas that serve or are about to.
        stable_load: Mean requests in flight or waiting over the stable window.
        panic_load: The same over the panic window.
        covered_s: For how long load has been known without a gap.
        held: Requests that wait now and that no replica can serve.
        idle_s: Time since there was any load.
        wants: Earlier wants, within the delay at least; order does not matter.
    """

    now_s: float
    current: int
    stable_load: float
    panic_load: float
    covered_s: float
    held: int
    idle_s: float
    bounds: Bounds
    wants: tuple[Want, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """``wanted`` goes into the next snapshot's wants; ``limited_by`` names the bound that cut."""

    desired: int
    wanted: int
    cause: Cause
    reason: str
    limited_by: str | None = None


def decide(snapshot: Snapshot, rules: Rules) -> Decision:
    """The number of replicas wanted now, and why.

    Never more than there are without load; at least what the bounds' lower says, at most their
    upper; for the same snapshot with more load never less.
    """
    if not rules.by_load:
        lower = snapshot.bounds.lower
        return Decision(lower, lower, Cause.SWITCHED_OFF, "scaling by load is off")
    wanted, cause, reason = _by_load(snapshot, rules)
    wanted, cause, reason = _zero(snapshot, rules, wanted, cause, reason)
    # The idle time is a delay of its own.
    held_up = _delayed(snapshot, rules, wanted) if cause is not Cause.TO_ZERO else None
    if held_up is not None:
        desired, late_cause, late_reason = held_up
        return _bounded(snapshot, desired, late_cause, late_reason, wanted)
    return _bounded(snapshot, wanted, cause, reason)


def _by_load(s: Snapshot, rules: Rules) -> tuple[int, Cause, str]:
    target = rules.target_in_flight
    wanted = _clamped(s.stable_load, target, s.current)
    panic = _at_least(s.panic_load, target)
    if panic > wanted and panic >= PANIC_RATIO * max(1, s.current):
        return panic, Cause.PANIC, _load_text("over the panic window", s.panic_load, target)
    text = _load_text("over the stable window", s.stable_load, target)
    if wanted > s.current:
        return wanted, Cause.LOAD_UP, text
    return wanted, Cause.LOAD_DOWN if wanted < s.current else Cause.STEADY, text


def _at_least(load: float, target: float) -> int:
    """The fewest replicas with which the load is within the tolerance of the target."""
    return ceil(load / (target * (1 + TOLERANCE)) - _EPSILON)


def _clamped(load: float, target: float, current: int) -> int:
    """``current`` where it is near enough; it leaves that range by no more than it must."""
    low = _at_least(load, target)
    high = ceil(load / (target * (1 - TOLERANCE)) - _EPSILON)
    return max(low, min(current, high))


def _load_text(window: str, load: float, target: float) -> str:
    return f"{load:.1f} requests {window}, {target:g} are aimed at in each replica"


def _zero(
    s: Snapshot, rules: Rules, wanted: int, cause: Cause, reason: str
) -> tuple[int, Cause, str]:
    """The steps between none and one."""
    busy = s.held > 0 or s.panic_load > 0
    if s.current == 0:
        if busy and wanted <= 1:
            return 1, Cause.WAKE, f"{max(s.held, 1)} requests wait and no replica is there"
        return (wanted, cause, reason) if busy else (0, Cause.ASLEEP, "nothing is asked for")
    if wanted > 0:
        return wanted, cause, reason
    if rules.idle_to_zero_s is not None and not busy and s.idle_s >= rules.idle_to_zero_s:
        return 0, Cause.TO_ZERO, f"nothing was asked for {s.idle_s:.0f} s"
    return 1, Cause.LOAD_DOWN if s.current > 1 else Cause.STEADY, reason


def _delayed(s: Snapshot, rules: Rules, wanted: int) -> tuple[int, Cause, str] | None:
    """What to keep for now where less is wanted; None where nothing has to be waited for."""
    if wanted >= s.current:
        return None
    if s.covered_s < rules.stable_window_s:
        return s.current, Cause.LEARNING, f"the load is known for {s.covered_s:.0f} s only"
    since_s = s.now_s - rules.scale_down_delay_s
    recent = max((want.replicas for want in s.wants if want.at_s > since_s), default=wanted)
    kept = min(recent, s.current)
    if kept <= wanted:
        return None
    return kept, Cause.DELAYED, f"{kept} were wanted within {rules.scale_down_delay_s:g} s"


def _bounded(
    s: Snapshot, desired: int, cause: Cause, reason: str, wanted: int | None = None
) -> Decision:
    wanted = desired if wanted is None else wanted
    bounds = s.bounds
    if desired < bounds.lower:
        reason = f"{bounds.lower_reason} asks for {bounds.lower}; {reason}"
        return Decision(bounds.lower, wanted, Cause.LOWER_BOUND, reason)
    upper = max(bounds.upper, bounds.lower)
    if desired > upper:
        text = f"{upper} at most ({bounds.upper_reason}); {reason}"
        return Decision(upper, wanted, Cause.UPPER_BOUND, text, bounds.upper_reason)
    return Decision(desired, wanted, cause, reason)

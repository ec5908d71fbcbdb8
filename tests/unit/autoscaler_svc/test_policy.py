import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler_svc.bounds import Bounds
from autoscaler_svc.policy import Cause, Decision, Rules, Snapshot, Want, decide

RULES = Rules()
CALM = Snapshot(
    now_s=1000.0,
    current=1,
    stable_load=0.0,
    panic_load=0.0,
    covered_s=600.0,
    held=0,
    idle_s=0.0,
    bounds=Bounds(1, "min_replicas", 8, "max_replicas"),
)

loads = st.floats(0, 500, allow_nan=False)
counts = st.integers(0, 20)


@st.composite
def bounds(draw: st.DrawFn) -> Bounds:
    return Bounds(draw(st.integers(0, 12)), "min_replicas", draw(st.integers(0, 12)), "cores")


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    wants = draw(st.lists(st.tuples(st.floats(900, 1000), counts), max_size=5))
    return Snapshot(
        now_s=1000.0,
        current=draw(counts),
        stable_load=draw(loads),
        panic_load=draw(loads),
        covered_s=draw(st.floats(0, 100)),
        held=draw(st.integers(0, 300)),
        idle_s=draw(st.floats(0, 2000)),
        bounds=draw(bounds()),
        wants=tuple(Want(at_s, replicas) for at_s, replicas in wants),
    )


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    return Rules(
        target_in_flight=draw(st.floats(0.1, 64)),
        panic_window_s=draw(st.floats(1, 10)),
        stable_window_s=draw(st.floats(10, 60)),
        scale_down_delay_s=draw(st.floats(0, 60)),
        idle_to_zero_s=draw(st.one_of(st.none(), st.floats(1, 1000))),
    )


def decided(rules: Rules = RULES, **changes: object) -> Decision:
    return decide(dataclasses.replace(CALM, **changes), rules)  # type: ignore[arg-type]


@given(snapshots(), rules())
def test_bounds_are_kept(snapshot: Snapshot, rules: Rules) -> None:
    limits = snapshot.bounds
    assert limits.lower <= decide(snapshot, rules).desired <= max(limits.lower, limits.upper)


@given(snapshots(), rules(), loads, loads)
def test_more_load_never_means_fewer(
    snapshot: Snapshot, rules: Rules, stable: float, panic: float
) -> None:
    more = dataclasses.replace(
        snapshot,
        stable_load=snapshot.stable_load + stable,
        panic_load=snapshot.panic_load + panic,
    )
    assert decide(more, rules).desired >= decide(snapshot, rules).desired


@given(snapshots(), rules())
def test_no_traffic_never_scales_up(snapshot: Snapshot, rules: Rules) -> None:
    quiet = dataclasses.replace(snapshot, stable_load=0.0, panic_load=0.0, held=0)
    assert decide(quiet, rules).desired <= max(quiet.current, quiet.bounds.lower)


@given(st.floats(0, 100), rules(), st.integers(1, 10), st.integers(0, 10))
def test_constant_load_does_not_flap(
    load: float, rules: Rules, start: int, held_before: int
) -> None:
    limits, current = Bounds(1, "min_replicas", 12, "max_replicas"), start
    wants: tuple[Want, ...] = (Want(0.0, held_before),)
    seen = []
    for second in range(1, 240):
        snapshot = Snapshot(
            now_s=float(second),
            current=current,
            stable_load=load,
            panic_load=load,
            covered_s=600.0,
            held=0,
            idle_s=0.0 if load else float(second),
            bounds=limits,
            wants=wants,
        )
        decision = decide(snapshot, dataclasses.replace(rules, idle_to_zero_s=None))
        wants = (*wants, Want(float(second), decision.wanted))[-90:]
        current = decision.desired
        seen.append(current)
    assert len(set(seen[130:])) == 1


@given(rules(), st.integers(1, 10), st.floats(1, 500))
def test_zero_is_reached_when_nothing_comes(rules: Rules, start: int, idle_s: float) -> None:
    zero = dataclasses.replace(rules, idle_to_zero_s=idle_s)
    limits, current, wants = Bounds(0, "min_replicas", 12, "max_replicas"), start, [Want(0.0, 3)]
    for second in range(1, 700):
        snapshot = Snapshot(
            now_s=float(second),
            current=current,
            stable_load=0.0,
            panic_load=0.0,
            covered_s=600.0,
            held=0,
            idle_s=float(second),
            bounds=limits,
            wants=tuple(wants[-90:]),
        )
        decision = decide(snapshot, zero)
        wants.append(Want(float(second), decision.wanted))
        current = decision.desired
    assert current == 0


@pytest.mark.parametrize(
    ("load", "current", "desired"),
    [
        (0.0, 1, 1),
        (8.0, 1, 1),
        (8.7, 1, 1),  # within the tolerance
        (9.0, 1, 2),
        (32.0, 4, 4),
        (30.0, 4, 4),
        (28.0, 4, 4),
        (20.0, 4, 3),
        (1.0, 4, 1),
    ],
)
def test_load_over_target_decides_with_some_tolerance(
    load: float, current: int, desired: int
) -> None:
    assert decided(stable_load=load, panic_load=load, current=current).desired == desired


def test_burst_is_met_before_the_stable_window_has_seen_it() -> None:
    decision = decided(stable_load=4.0, panic_load=30.0)
    assert (decision.desired, decision.cause) == (4, Cause.PANIC)


def test_small_burst_waits_for_the_stable_window() -> None:
    decision = decided(stable_load=30.0, panic_load=44.0, current=4)
    assert (decision.desired, decision.cause) == (4, Cause.STEADY)


def test_less_is_wanted_for_a_while_before_a_replica_goes() -> None:
    recent = decided(current=3, wants=(Want(980.0, 3),))
    assert (recent.desired, recent.wanted, recent.cause) == (3, 1, Cause.DELAYED)
    old = decided(current=3, wants=(Want(969.0, 3), Want(990.0, 1)))
    assert (old.desired, old.cause) == (1, Cause.LOAD_DOWN)


def test_delay_falls_in_steps() -> None:
    assert decided(current=4, wants=(Want(980.0, 2),)).desired == 2


def test_nothing_is_taken_away_while_the_load_is_still_being_learnt() -> None:
    decision = decided(current=3, covered_s=10.0)
    assert (decision.desired, decision.cause) == (3, Cause.LEARNING)
    assert decided(current=3, covered_s=10.0, stable_load=100.0, panic_load=100.0).desired == 8


def test_bound_that_cuts_is_named() -> None:
    decision = decided(
        stable_load=80.0, panic_load=80.0, bounds=Bounds(1, "min_replicas", 2, "cores")
    )
    assert (decision.desired, decision.limited_by) == (2, "cores")
    assert "2 at most (cores)" in decision.reason


def test_floor_raises_without_any_load() -> None:
    decision = decided(bounds=Bounds(3, "manual", 2, "cores"))
    assert (decision.desired, decision.cause) == (3, Cause.LOWER_BOUND)
    assert "manual asks for 3" in decision.reason


class TestZero:
    AT_ZERO = Bounds(0, "min_replicas", 8, "max_replicas")
    RULES = Rules(idle_to_zero_s=600.0)

    def test_last_replica_stays_while_zero_is_off(self) -> None:
        assert decided(idle_s=1e6, bounds=self.AT_ZERO).desired == 1

    def test_last_replica_goes_after_the_idle_time(self) -> None:
        assert decided(self.RULES, idle_s=599.0, bounds=self.AT_ZERO).desired == 1
        decision = decided(self.RULES, idle_s=600.0, bounds=self.AT_ZERO)
        assert (decision.desired, decision.cause) == (0, Cause.TO_ZERO)

    def test_load_a_moment_ago_keeps_it(self) -> None:
        decision = decided(self.RULES, idle_s=600.0, panic_load=0.1, bounds=self.AT_ZERO)
        assert decision.desired == 1

    @pytest.mark.parametrize("changes", [{"held": 1}, {"panic_load": 0.2}])
    def test_request_at_zero_wakes_one(self, changes: dict[str, object]) -> None:
        decision = decided(self.RULES, current=0, bounds=self.AT_ZERO, **changes)
        assert (decision.desired, decision.cause) == (1, Cause.WAKE)

    def test_many_requests_at_zero_wake_several(self) -> None:
        decision = decided(self.RULES, current=0, panic_load=40.0, held=40, bounds=self.AT_ZERO)
        assert decision.desired == 5

    def test_zero_stays_zero_without_a_request(self) -> None:
        decision = decided(self.RULES, current=0, bounds=self.AT_ZERO)
        assert (decision.desired, decision.cause) == (0, Cause.ASLEEP)


def test_switched_off_only_the_floor_counts() -> None:
    off = Rules(by_load=False)
    decision = decided(off, current=3, stable_load=99.0, panic_load=99.0)
    assert (decision.desired, decision.cause) == (1, Cause.SWITCHED_OFF)

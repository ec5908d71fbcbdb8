from hypothesis import given
from hypothesis import strategies as st

from autoscaler_svc.census import Member, MemberState
from autoscaler_svc.plan import End, Patience, Remove, Renew, Replace, Start, plan
from tests.unit.autoscaler_svc.fleet_parts import instance, member, told

PATIENCE = Patience(start_timeout_s=60.0)
READY, STARTING = MemberState.READY, MemberState.STARTING
LEAVING, STOPPED = MemberState.LEAVING, MemberState.STOPPED


def ended(desired: int, *members: Member) -> list[str]:
    actions = plan(desired, members, PATIENCE)
    return [a.unit.replica_id for a in actions if isinstance(a, End)]


def test_what_is_as_it_should_be_is_left_alone() -> None:
    assert plan(2, [member("a"), member("b", STARTING)], PATIENCE) == []


def test_missing_ones_are_started() -> None:
    assert plan(3, [member("a")], PATIENCE) == [Start(), Start()]


def test_those_on_their_way_are_not_started_twice() -> None:
    assert plan(3, [member("a")], Patience(60.0, starting=1)) == [Start()]


def test_those_that_may_come_back_are_waited_for() -> None:
    assert plan(2, [member("a")], Patience(60.0, excused=1)) == []


def test_leaving_and_stopped_ones_do_not_count() -> None:
    members = [member("a"), member("b", LEAVING), member("c", STOPPED, managed=False)]
    assert plan(2, members, PATIENCE) == [Start()]


def test_stranger_counts_and_is_not_ended() -> None:
    stranger = Member("inference-svc", READY, None, told("s"))
    assert plan(1, [stranger], PATIENCE) == []
    assert plan(2, [stranger, member("a")], PATIENCE) == []


def test_stranger_ends_nobody() -> None:
    stranger = Member("inference-svc", READY, None, told("s"))
    assert plan(1, [stranger, member("a", managed=False)], PATIENCE) == []
    assert ended(1, stranger, member("a"), member("b", STARTING)) == ["b"]


def test_those_not_ready_go_first() -> None:
    assert ended(1, member("a"), member("b", STARTING)) == ["b"]


def test_managed_ones_go_before_the_fleets_own() -> None:
    assert ended(1, member("a", managed=False), member("b")) == ["b"]


def test_one_with_a_model_of_its_own_stays() -> None:
    both, only = instance("both"), instance("only")
    assert ended(1, member("a", READY, both, only), member("b", READY, both)) == ["b"]


def test_the_least_busy_goes_and_among_equals_the_youngest() -> None:
    assert ended(1, member("a", in_flight=1), member("b", in_flight=5)) == ["a"]
    assert ended(1, member("a", created_at=1.0), member("b", created_at=2.0)) == ["b"]


def test_start_on_its_way_ends_nobody_that_serves() -> None:
    assert plan(1, [member("a")], Patience(60.0, starting=2)) == []


def test_stuck_one_is_replaced_and_made_up_for_afterwards() -> None:
    stuck = member("b", STARTING, not_ready_s=61.0)
    assert plan(2, [member("a"), stuck], PATIENCE) == [Replace(stuck)]


def test_one_within_its_time_is_not_stuck() -> None:
    assert plan(1, [member("a", STARTING, not_ready_s=59.0)], PATIENCE) == []


def test_managed_one_that_has_ended_is_cleared_away() -> None:
    over = member("b", STOPPED)
    assert over.unit is not None
    assert plan(1, [member("a"), over], PATIENCE) == [Remove(over.unit)]
    assert plan(1, [member("a"), member("b", STOPPED, managed=False)], PATIENCE) == []


def test_one_that_is_just_being_made_is_not_cleared_away() -> None:
    made = member("b", STOPPED)
    assert plan(2, [member("a"), made], Patience(60.0, starting=1)) == []


def test_outdated_ones_are_renewed_one_at_a_time_while_all_serve() -> None:
    old, older = member("b", outdated=True), member("c", outdated=True)
    assert old.unit is not None
    assert plan(3, [member("a"), old, older], PATIENCE) == [Renew(old.unit)]
    assert plan(3, [member("a", STARTING), old, older], PATIENCE) == []


@given(
    st.integers(0, 8),
    st.lists(st.sampled_from(list(MemberState)), max_size=10),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_plan_never_overshoots(
    desired: int, states: list[MemberState], starting: int, excused: int
) -> None:
    members = [member(f"r{i}", state) for i, state in enumerate(states)]
    live = sum(m.is_live for m in members)
    actions = plan(desired, members, Patience(60.0, starting, excused))
    starts = sum(isinstance(a, Start) for a in actions)
    ends = sum(isinstance(a, End) for a in actions)
    assert not (starts and ends)
    assert live + starting + starts <= max(desired, live + starting)
    assert live - ends >= min(desired, live)

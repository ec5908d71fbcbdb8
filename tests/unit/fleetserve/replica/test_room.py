from hypothesis import given
from hypothesis import strategies as st

from fleetserve.replica.room import Tenant, plan_room


def test_nothing_leaves_where_there_is_room() -> None:
    plan = plan_room([Tenant("a", 10, 0.0, movable=True)], free=100, wanted=50, pinned=0)
    assert plan.fits
    assert plan.unload == ()


def test_the_least_recently_used_leaves_first_and_no_more_than_needed() -> None:
    tenants = [
        Tenant("new", 50, 9.0, movable=True),
        Tenant("old", 50, 1.0, movable=True),
        Tenant("older but busy", 50, 0.0, movable=False),
    ]
    plan = plan_room(tenants, free=10, wanted=60, pinned=0)
    assert plan.unload == ("old",)


def test_what_is_in_use_could_make_room_later() -> None:
    plan = plan_room([Tenant("busy", 90, 1.0, movable=False)], free=10, wanted=50, pinned=0)
    assert not plan.fits
    assert plan.could_fit


def test_what_is_pinned_never_makes_room() -> None:
    plan = plan_room([Tenant("pinned", 90, 1.0, movable=False)], free=10, wanted=50, pinned=90)
    assert not plan.could_fit


tenants = st.lists(
    st.builds(
        Tenant,
        st.uuids().map(str),
        st.integers(0, 100),
        st.floats(0, 100),
        st.booleans(),
    ),
    max_size=8,
)


@given(tenants, st.integers(-50, 200), st.integers(0, 300))
def test_a_plan_that_fits_frees_enough_and_only_what_may_move(
    tenants: list[Tenant], free: int, wanted: int
) -> None:
    plan = plan_room(tenants, free, wanted, pinned=0)
    leaving = [t for t in tenants if t.name in plan.unload]
    assert all(t.movable for t in leaving)
    if plan.fits:
        assert plan.could_fit
        assert free + sum(t.bytes for t in leaving) >= wanted
    else:
        assert not leaving
        assert free + sum(t.bytes for t in tenants if t.movable) < wanted

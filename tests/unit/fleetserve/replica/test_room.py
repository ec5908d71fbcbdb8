import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetserve.errors import DoesNotFitError, ShedError
from fleetserve.replica.room import Tenant, who_leaves

MIB = 1 << 20


def test_nothing_leaves_where_there_is_room() -> None:
    assert who_leaves("m", 50, [Tenant("a", 10, 0.0)], free=100) == ()


def test_the_least_recently_used_leaves_first_and_no_more_than_needed() -> None:
    tenants = [
        Tenant("new", 50, 9.0),
        Tenant("old", 50, 1.0),
        Tenant("older but busy", 50, 0.0, busy=True),
        Tenant("older but pinned", 50, 0.0, stays=True),
    ]
    assert who_leaves("m", 60, tenants, free=10) == ("old",)


def test_what_is_in_use_could_make_room_later() -> None:
    with pytest.raises(ShedError, match="in use"):
        who_leaves("m", 50, [Tenant("busy", 90, 1.0, busy=True)], free=10)


def test_what_is_pinned_never_makes_room_and_what_would_fit_is_said() -> None:
    pinned = Tenant("pinned", 90 * MIB, 1.0, stays=True)
    with pytest.raises(DoesNotFitError) as refused:
        who_leaves("m", 50 * MIB, [pinned, Tenant("other", 7 * MIB, 2.0)], free=10 * MIB)
    assert "needs about 50 MiB" in refused.value.detail
    assert "(pinned)" in refused.value.detail
    assert "up to 17 MiB would fit" in refused.value.detail


tenants = st.lists(
    st.builds(
        Tenant,
        st.uuids().map(str),
        st.integers(0, 100),
        st.floats(0, 100),
        busy=st.booleans(),
        stays=st.booleans(),
    ),
    max_size=8,
)


@given(tenants, st.integers(-50, 200), st.integers(0, 300))
def test_who_leaves_frees_enough_and_only_idle_ones_that_may(
    tenants: list[Tenant], free: int, wanted: int
) -> None:
    may_leave = [t for t in tenants if not t.busy and not t.stays]
    try:
        leaving = who_leaves("m", wanted, tenants, free)
    except ShedError:
        assert free + sum(t.bytes for t in may_leave) < wanted
        assert free + sum(t.bytes for t in tenants if not t.stays) >= wanted
    except DoesNotFitError:
        assert free + sum(t.bytes for t in tenants if not t.stays) < wanted
    else:
        assert set(leaving) <= {t.name for t in may_leave}
        assert free + sum(t.bytes for t in tenants if t.name in leaving) >= wanted

from hypothesis import given
from hypothesis import strategies as st

from fleetserve.replica.fairness import FairShare


def test_the_least_served_goes_first() -> None:
    fair: FairShare[str] = FairShare()
    fair.enter("a")
    fair.enter("b")
    fair.charge("a", 2.0)
    assert fair.order() == ["b", "a"]
    fair.charge("b", 3.0)
    assert fair.order() == ["a", "b"]


def test_equals_go_in_order_of_entry() -> None:
    fair: FairShare[str] = FairShare()
    for name in "cab":
        fair.enter(name)
    assert fair.order() == ["c", "a", "b"]


def test_one_that_was_idle_does_not_catch_up() -> None:
    fair: FairShare[str] = FairShare()
    fair.enter("busy")
    fair.enter("idle")
    for _ in range(100):
        fair.charge("busy", 1.0)
    served = []
    for _ in range(10):
        first = fair.order()[0]
        served.append(first)
        fair.charge(first, 1.0)
    assert served.count("busy") >= 4


def test_one_that_left_is_forgotten() -> None:
    fair: FairShare[str] = FairShare()
    fair.enter("a")
    fair.leave("a")
    fair.charge("a", 1.0)
    assert fair.order() == []


@given(st.lists(st.floats(0.001, 1.0), min_size=2, max_size=5), st.integers(50, 200))
def test_always_busy_sources_get_equal_time_within_a_unit(costs: list[float], rounds: int) -> None:
    fair: FairShare[str] = FairShare()
    served = {str(n): 0.0 for n in range(len(costs))}
    for name in served:
        fair.enter(name)
    for _ in range(rounds):
        first = fair.order()[0]
        cost = costs[int(first)]
        served[first] += cost
        fair.charge(first, cost)
    # Start-time fair queueing's bound: no two are apart by more than their two largest units.
    assert max(served.values()) - min(served.values()) <= 2 * max(costs) + 1e-6

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler_svc.placement import (
    EVICT_IDLE_S,
    Host,
    Instance,
    Load,
    Need,
    NoRoom,
    Step,
    Terms,
    Unload,
    plan_placement,
    replicas_needed,
)

TERMS = Terms(target_in_flight=8.0)


def has(
    *names: str, idle_s: float = 0.0, ready: bool = True, size: int = 100
) -> dict[str, Instance]:
    return {name: Instance("rev", ready, size, idle_s) for name in names}


def host(name: str, instances: dict[str, Instance] | None = None, room: int = -1) -> Host:
    return Host(name, room, instances or {})


def need(name: str = "m", size: int = 100, **more: object) -> Need:
    return dataclasses.replace(Need(name, "rev", size), **more)  # type: ignore[arg-type]


def planned(needs: list[Need], hosts: list[Host], terms: Terms = TERMS) -> list[Step]:
    return plan_placement(needs, hosts, terms)


def places(steps: list[Step]) -> list[tuple[str, str, str]]:
    """(load or unload, model, replica) of each step."""
    return [
        (type(s).__name__.lower(), s.model, s.host) for s in steps if isinstance(s, Load | Unload)
    ]


def test_wanted_model_is_loaded_where_the_fewest_are() -> None:
    hosts = [host("a", has("n")), host("b")]
    assert places(planned([need(wanted=1), need("n")], hosts)) == [("load", "m", "b")]


def test_as_many_instances_as_are_wanted_and_replicas_there_are() -> None:
    hosts = [host("a", has("m")), host("b"), host("c")]
    assert len(planned([need(wanted=3)], hosts)) == 2
    assert len(planned([need(wanted=9)], hosts)) == 2


def test_one_being_loaded_counts() -> None:
    assert planned([need(wanted=1)], [host("a", has("m", ready=False)), host("b")]) == []


def test_model_that_requests_wait_for_comes_first() -> None:
    steps = planned([need("a", wanted=1), need("z", held=2)], [host("h")])
    assert places(steps)[0] == ("load", "z", "h")


def test_model_goes_back_to_where_it_was() -> None:
    terms = dataclasses.replace(TERMS, preferred={"m": {"b"}})
    hosts = [host("a"), host("b", has("n"))]
    assert places(planned([need(wanted=1)], hosts, terms)) == [("load", "m", "b")]


def test_replica_without_room_is_passed_over() -> None:
    hosts = [host("a", room=99), host("b", has("n"), room=100)]
    assert places(planned([need(wanted=1)], hosts)) == [("load", "m", "b")]


def test_least_recently_used_leaves_for_one_that_is_wanted() -> None:
    instances = has("old", idle_s=500) | has("young", idle_s=20)
    steps = planned([need(wanted=1), need("old"), need("young")], [host("a", instances, room=0)])
    assert places(steps) == [("unload", "old", "a"), ("load", "m", "a")]


def test_as_many_leave_as_the_room_needs() -> None:
    instances = has("x", idle_s=500) | has("y", idle_s=400) | has("z", idle_s=300)
    needs = [need(size=200, wanted=1), need("x"), need("y"), need("z")]
    steps = planned(needs, [host("a", instances, room=0)])
    assert places(steps) == [("unload", "x", "a"), ("unload", "y", "a"), ("load", "m", "a")]


@pytest.mark.parametrize(
    "kept",
    [
        (need("n", fixed=True), has("n", idle_s=500)),
        (need("n", held=1), has("n", idle_s=500)),
        (need("n"), has("n", idle_s=EVICT_IDLE_S - 1)),
        (need("n"), has("n", idle_s=500, ready=False)),
    ],
)
def test_model_in_use_asked_for_or_loading_is_not_evicted(
    kept: tuple[Need, dict[str, Instance]],
) -> None:
    steps = planned([need(wanted=1), kept[0]], [host("a", kept[1], room=0)])
    assert steps == [NoRoom("m")]


def test_room_is_given_once() -> None:
    needs = [need("m", size=60, wanted=1), need("n", size=60, wanted=1)]
    steps = planned(needs, [host("a", room=100)])
    assert places(steps) == [("load", "m", "a")]
    assert NoRoom("n") in steps
    both = planned(needs, [host("a", room=100), host("b", has("x", "y"), room=70)])
    assert places(both) == [("load", "m", "a"), ("load", "n", "b")]


def test_models_are_spread_within_one_plan() -> None:
    needs = [need("m", wanted=1), need("n", wanted=1)]
    assert places(planned(needs, [host("a"), host("b")])) == [
        ("load", "m", "a"),
        ("load", "n", "b"),
    ]


def test_what_leaves_makes_room_for_one_alone() -> None:
    needs = [need("m", wanted=1), need("n", wanted=1), need("old")]
    steps = planned(needs, [host("a", has("old", idle_s=500), room=0)])
    assert places(steps) == [("unload", "old", "a"), ("load", "m", "a")]
    assert NoRoom("n") in steps


def test_what_is_left_of_an_evicted_models_room_is_used() -> None:
    needs = [need("m", size=60, wanted=1), need("n", size=40, wanted=1), need("old")]
    steps = planned(needs, [host("a", has("old", idle_s=500), room=0)])
    assert places(steps) == [("unload", "old", "a"), ("load", "m", "a"), ("load", "n", "a")]


def test_room_that_is_not_known_stays_so() -> None:
    needs = [need("m", size=60, wanted=1), need("n", size=60, wanted=1)]
    assert len(places(planned(needs, [host("a")]))) == 2


def test_model_that_leaves_anyway_leaves_its_room() -> None:
    needs = [need("a", most=0), need("m", wanted=1)]
    steps = planned(needs, [host("h", has("a", idle_s=500), room=0)])
    assert places(steps) == [("unload", "a", "h"), ("load", "m", "h")]


def test_blocked_pair_is_left_alone() -> None:
    terms = dataclasses.replace(TERMS, blocked={("m", "a")})
    assert planned([need(wanted=1)], [host("a")], terms) == []
    assert places(planned([need(wanted=1)], [host("a"), host("b")], terms)) == [("load", "m", "b")]


def test_cut_takes_the_least_recently_used_instances() -> None:
    hosts = [host("a", has("m", idle_s=9)), host("b", has("m", idle_s=1)), host("c", has("m"))]
    assert places(planned([need(most=1)], hosts)) == [("unload", "m", "b"), ("unload", "m", "a")]
    assert len(planned([need(most=0)], hosts)) == 3


def test_model_unused_for_long_leaves_where_that_is_set() -> None:
    hosts = [host("a", has("m", idle_s=61) | has("n", idle_s=59))]
    needs = [need(leaves_after_s=60.0), need("n", leaves_after_s=60.0)]
    assert planned(needs, hosts) == [Unload("m", "rev", "a", "unused for 61 s", 60.0)]
    assert planned([need(fixed=True, leaves_after_s=60.0)], hosts) == []
    assert planned([need()], hosts) == []


@pytest.mark.parametrize(
    ("in_use", "used", "leaves"), [(False, True, True), (True, True, False), (False, False, False)]
)
def test_model_that_leaves_at_once_does_so_after_a_use(
    in_use: bool, used: bool, leaves: bool
) -> None:
    hosts = [host("a", {"m": Instance("rev", True, 100, 0.0, in_use=in_use, used=used)})]
    assert bool(planned([need(leaves_after_s=0.0)], hosts)) is leaves


def test_busy_replica_is_relieved_by_an_idle_one() -> None:
    steps = planned([need(load=20.0)], [host("a", has("m")), host("b")])
    assert places(steps) == [("load", "m", "b")]


@pytest.mark.parametrize(
    ("load", "instances"),
    [
        (8.5, has("m")),  # near enough to the target
        (20.0, has("m", ready=False)),  # the last step is still at work
    ],
)
def test_replica_is_not_relieved_without_need(load: float, instances: dict[str, Instance]) -> None:
    assert planned([need(load=load)], [host("a", instances), host("b")]) == []


def test_busy_replica_relieves_nobody() -> None:
    hosts = [host("a", has("m")), host("b", has("n"))]
    assert planned([need(load=20.0), need("n", load=6.0)], hosts) == []


def test_one_replica_alone_cannot_be_relieved() -> None:
    assert planned([need(load=100.0)], [host("a", has("m"))]) == []


@given(st.lists(st.integers(1, 100), max_size=20), st.integers(1, 100))
def test_packing_needs_at_least_what_the_sum_needs(sizes: list[int], capacity: int) -> None:
    sizes = [size for size in sizes if size <= capacity]
    bins = replicas_needed(sizes, capacity)
    assert bins * capacity >= sum(sizes)
    assert bins <= len(sizes)


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(1, 50), st.integers(0, 2)), min_size=1, max_size=5
    ),
    st.lists(st.integers(-1, 100), min_size=1, max_size=4),
)
def test_steps_are_consistent(wishes: list[tuple[int, int, int]], rooms: list[int]) -> None:
    needs = [
        need(f"m{i}", size=size, wanted=wanted, held=held)
        for i, (wanted, size, held) in enumerate(wishes)
    ]
    hosts = [host(f"h{i}", room=room) for i, room in enumerate(rooms)]
    steps = planned(needs, hosts)
    loads = [(s.model, s.host) for s in steps if isinstance(s, Load)]
    assert len(loads) == len(set(loads))
    sizes = {n.name: n.size_bytes for n in needs}
    for replica in hosts:
        taken = sum(sizes[model] for model, where in loads if where == replica.id)
        assert replica.room_bytes < 0 or taken <= replica.room_bytes

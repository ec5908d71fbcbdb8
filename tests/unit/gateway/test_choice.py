from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetserve.announcements import InstanceState
from gateway.choice import choose
from gateway.replica_table import Replica
from tests.unit.gateway.fleet import announced

MODEL = "m"
NOW_S = 100.0


def replica(
    replica_id: str,
    *,
    load: int = 0,
    instance: InstanceState | None = InstanceState.READY,
    suspect: bool = False,
    room_bytes: int = -1,
) -> Replica:
    instances = {} if instance is None else {MODEL: instance}
    return Replica(
        announced(replica_id, room_bytes=room_bytes),
        NOW_S,
        own=load,
        suspect_until_s=NOW_S + 1 if suspect else 0.0,
        instances=instances,
    )


@st.composite
def fleets(draw: st.DrawFn) -> list[Replica]:
    count = draw(st.integers(0, 8))
    return [
        replica(
            f"i{number}",
            load=draw(st.integers(0, 5)),
            instance=draw(st.sampled_from([None, *InstanceState])),
            suspect=draw(st.booleans()),
            room_bytes=draw(st.sampled_from([-1, 0, 100, 1000])),
        )
        for number in range(count)
    ]


@given(fleet=fleets(), data=st.data())
def test_one_that_was_tried_is_never_taken_and_none_only_when_all_were(
    fleet: list[Replica], data: st.DataObject
) -> None:
    ids = [r.id for r in fleet]
    tried = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
    taken = choose(fleet, MODEL, tried=tried, now_s=NOW_S, size_bytes=500)
    if taken is None:
        assert set(ids) == tried
    else:
        assert taken.id not in tried
        assert taken in fleet


@given(fleet=fleets(), model=st.sampled_from([MODEL, "", "other"]), gateways=st.integers(1, 4))
def test_suspect_is_taken_only_when_nobody_else_is_left(
    fleet: list[Replica], model: str, gateways: int
) -> None:
    taken = choose(fleet, model, now_s=NOW_S, gateways=gateways)
    if taken is not None and taken.suspect_until_s > NOW_S:
        assert all(r.suspect_until_s > NOW_S for r in fleet)


@given(fleet=fleets())
def test_least_loaded_of_those_that_hold_the_model_is_taken(fleet: list[Replica]) -> None:
    fleet = [r for r in fleet if r.suspect_until_s <= NOW_S]
    holders = [r for r in fleet if r.instances.get(MODEL) is InstanceState.READY]
    taken = choose(fleet, MODEL, now_s=NOW_S)
    if holders:
        assert taken in holders
        assert taken.load == min(r.load for r in holders)


@given(fleet=fleets())
def test_least_loaded_is_taken_where_any_replica_will_do(fleet: list[Replica]) -> None:
    fleet = [r for r in fleet if r.suspect_until_s <= NOW_S]
    taken = choose(fleet, "", now_s=NOW_S)
    if taken is not None:
        assert taken.load == min(r.load for r in fleet)


@given(fleet=fleets())
def test_of_several_gateways_none_takes_the_most_loaded_of_three_or_more(
    fleet: list[Replica],
) -> None:
    fleet = [r for r in fleet if r.suspect_until_s <= NOW_S]
    loads = sorted(r.load for r in fleet)
    taken = choose(fleet, "", now_s=NOW_S, gateways=2)
    if taken is not None and len(fleet) > 2:
        assert taken.load <= loads[-2]


@given(fleet=fleets())
def test_everybody_sends_a_model_that_nobody_holds_to_the_same_replica(
    fleet: list[Replica],
) -> None:
    fleet = [r for r in fleet if r.instances.get(MODEL) is not InstanceState.READY]
    first = choose(fleet, MODEL, now_s=NOW_S)
    again = choose(list(reversed(fleet)), MODEL, now_s=NOW_S, gateways=3)
    assert first is again


def test_one_that_is_loading_the_model_comes_before_one_with_room() -> None:
    fleet = [replica(f"i{n}", instance=None) for n in range(8)]
    fleet.append(replica("loading", instance=InstanceState.LOADING, load=5))
    assert choose(fleet, MODEL, now_s=NOW_S) is fleet[-1]


def test_one_with_room_comes_before_one_without() -> None:
    fleet = [replica(f"i{n}", instance=None, room_bytes=10) for n in range(8)]
    fleet.append(replica("roomy", instance=None, room_bytes=1000))
    assert choose(fleet, MODEL, now_s=NOW_S, size_bytes=500) is fleet[-1]


def test_one_without_room_is_asked_when_nobody_has_any() -> None:
    fleet = [replica("i1", instance=None, room_bytes=10)]
    assert choose(fleet, MODEL, now_s=NOW_S, size_bytes=500) is fleet[0]


@pytest.mark.parametrize("gateways", [1, 2])
def test_equally_loaded_replicas_share_the_requests(gateways: int) -> None:
    fleet = [replica(f"i{n}") for n in range(4)]
    taken = Counter(
        r.id for _ in range(400) if (r := choose(fleet, MODEL, now_s=NOW_S, gateways=gateways))
    )
    assert set(taken) == {"i0", "i1", "i2", "i3"}
    assert min(taken.values()) > 50


def test_models_are_spread_over_replicas() -> None:
    fleet = [replica(f"i{n}", instance=None) for n in range(4)]
    taken = {r.id for n in range(50) if (r := choose(fleet, f"model-{n}", now_s=NOW_S))}
    assert taken == {"i0", "i1", "i2", "i3"}


def test_a_models_place_stays_when_another_replica_goes() -> None:
    fleet = [replica(f"i{n}", instance=None) for n in range(4)]
    before = choose(fleet, MODEL, now_s=NOW_S)
    other = next(r for r in fleet if r is not before)
    fleet.remove(other)
    assert choose(fleet, MODEL, now_s=NOW_S) is before

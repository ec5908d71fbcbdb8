from autoscaler_svc.census import Census, MemberState, match
from autoscaler_svc.orchestrator.base import UnitState
from fleetserve.announcements import InstanceState, ReplicaState
from tests.unit.autoscaler_svc.fleet_parts import AUDIO, INFERENCE, instance, told, unit

SERVICES = (INFERENCE, AUDIO)


def test_unit_is_known_by_the_id_it_was_given() -> None:
    pairs, foreign = match([unit("a"), unit("b")], [told("b"), told("a")])
    assert [t.replica_id for _, t in pairs if t is not None] == ["a", "b"]
    assert foreign == []


def test_container_without_an_id_is_known_by_its_host() -> None:
    own = unit("x", replica_id="", host="be04b81facb8", managed=False)
    other = told("inference-svc-1", address="http://6cebbb06df8d:8000")
    mine = told("inference-svc-696a09d3", address="http://be04b81facb8:8000")
    pairs, foreign = match([own], [other, mine])
    assert pairs == [(own, mine)]
    assert foreign == [other]


def test_who_listened_at_an_address_before_is_gone() -> None:
    own = unit("x", replica_id="", host="be04", managed=False)
    before = told("old", address="http://be04:8000", started_at=1.0)
    now = told("new", address="http://be04:8000", started_at=2.0)
    assert match([own], [before, now]) == ([(own, now)], [])


def test_what_cannot_be_told_apart_is_taken_in_turn() -> None:
    own = unit("x", replica_id="", host="be04", managed=False)
    named = told("a", address="http://some-name:8000")
    assert match([own], [named]) == ([(own, named)], [])


def test_other_service_never_matches() -> None:
    own = unit("x", replica_id="", host="be04", managed=False)
    assert match([own], [told("x", service=AUDIO)])[0] == [(own, None)]


def test_stopped_unit_has_no_announcement() -> None:
    own = unit("a", state=UnitState.STOPPED)
    assert match([own], [told("a")]) == ([(own, None)], [told("a")])


def test_states_come_from_the_engine_and_from_the_word() -> None:
    units = [
        unit("ready"),
        unit("starting"),
        unit("silent"),
        unit("draining"),
        unit("stopped", state=UnitState.STOPPED),
        unit("ending"),
        unit("back", state=UnitState.RESTARTING),
    ]
    words = [
        told("ready"),
        told("starting", state=ReplicaState.STARTING),
        told("draining", state=ReplicaState.DRAINING),
        told("ending"),
        told("stranger"),
    ]
    found = Census(SERVICES).take(units, words, {"u-ending"}, 0.0)[INFERENCE]
    assert {m.id: m.state for m in found} == {
        "ready": MemberState.READY,
        "starting": MemberState.STARTING,
        "silent": MemberState.STARTING,
        "draining": MemberState.LEAVING,
        "stopped": MemberState.STOPPED,
        "ending": MemberState.LEAVING,
        "back": MemberState.STARTING,
        "stranger": MemberState.READY,
    }
    assert [m.id for m in found if m.unit is None] == ["stranger"]


def test_each_service_has_its_own() -> None:
    units = [unit("a"), unit("b", service=AUDIO)]
    found = Census(SERVICES).take(units, [told("g", service="gateway")], (), 0.0)
    assert {s: [m.id for m in members] for s, members in found.items()} == {
        INFERENCE: ["a"],
        AUDIO: ["b"],
    }


def test_time_without_being_ready_is_counted_until_it_is() -> None:
    census = Census(SERVICES)
    census.take([unit("a")], [], (), 10.0)
    assert census.take([unit("a")], [], (), 25.0)[INFERENCE][0].not_ready_s == 15.0
    assert census.take([unit("a")], [told("a")], (), 26.0)[INFERENCE][0].not_ready_s == 0.0
    assert census.take([unit("a")], [], (), 30.0)[INFERENCE][0].not_ready_s == 0.0


def test_last_word_of_a_silent_one_is_kept() -> None:
    census = Census(SERVICES)
    census.take([unit("a")], [told("a")], (), 10.0)
    (silent,) = census.take([unit("a")], [], (), 20.0)[INFERENCE]
    assert silent.told is None
    assert silent.before == told("a")


def test_replica_holds_a_model_when_it_is_ready_there() -> None:
    words = told("a", instance("m"), instance("n", InstanceState.LOADING))
    (found,) = Census(SERVICES).take([unit("a")], [words], (), 0.0)[INFERENCE]
    assert found.holds("m")
    assert not found.holds("n")

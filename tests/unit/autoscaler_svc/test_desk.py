import pytest

from autoscaler_svc.bounds import Room
from autoscaler_svc.census import Member
from autoscaler_svc.desk import ServiceDesk, Surroundings
from autoscaler_svc.fleet.base import Sight
from autoscaler_svc.fleet_state import ServiceState
from autoscaler_svc.intents.base import SERVICE_PREFIX, Floor
from autoscaler_svc.journal.base import EntryKind
from autoscaler_svc.model_ledger import hosts_of
from autoscaler_svc.observer import Observation
from autoscaler_svc.placement import Load, Step
from fleetserve.config import AutoscalerConfig
from fleetserve.demand import Demand
from fleetserve.model_policies import ModelPolicy
from tests.unit.autoscaler_svc.fleet_parts import (
    INFERENCE,
    demand,
    instance,
    member,
    record,
    told,
)

TARGET = f"{SERVICE_PREFIX}{INFERENCE}"
RECORDS = {"m": record("m")}


def floor(instances: int, scaling_id: str, target: str = TARGET) -> Floor:
    return Floor(target, INFERENCE, instances, 0.0, scaling_id, "a test")


class Bench:
    def __init__(self) -> None:
        self.desk = ServiceDesk(INFERENCE, AutoscalerConfig())
        self.now_s = 1000.0
        self.floors: dict[str, Floor] = {}
        self.policies: dict[str, ModelPolicy] = {}
        self.members: tuple[Member, ...] = (member("r1", managed=False),)

    def put(self, *floors: Floor) -> list[Floor]:
        self.floors = {f.target: f for f in floors}
        return self.desk.take_orders(self.floors, hosts_of(self.members), self.now_s)

    def assess(self, *demands: Demand, at_start: int = 1) -> tuple[ServiceState, list[Step]]:
        self.now_s += 1.0
        words = tuple(m.told for m in self.members if m.told is not None)
        seen = Observation(
            sight=Sight(words, demands),
            units=(),
            units_since_s=0.0,
            engine_away="",
            records=RECORDS,
            floors=self.floors,
            policies=self.policies,
            config=AutoscalerConfig(),
            leader="a1",
            leads=True,
            settled=True,
        )
        around = Surroundings(
            now_s=self.now_s,
            room=Room(4, -1, 0),
            replica_mb=500.0,
            starting=0,
            at_start=at_start,
            rooms_add_up=True,
            trouble="",
            blocked=set(),
        )
        return self.desk.assess(seen, self.members, around)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_floors_of_a_start_are_no_orders(bench: Bench) -> None:
    assert bench.put(floor(2, "s1")) == []
    assert bench.put(floor(2, "s1")) == []
    assert [f.scaling_id for f in bench.put(floor(2, "s2"))] == ["s2"]


def test_floors_of_the_other_service_are_not_its_own(bench: Bench) -> None:
    bench.put()
    other = Floor("service:audio-svc", "audio-svc", 2, 0.0, "s1")
    assert bench.put(other) == []


def test_order_by_hand_is_noted_as_such(bench: Bench) -> None:
    bench.put()
    bench.desk.note_of(bench.assess()[0].assessment)
    bench.put(floor(3, "s1"))
    note = bench.desk.note_of(bench.assess()[0].assessment)
    assert note is not None
    assert (note.kind, note.origin, note.scaling_id) == (EntryKind.SCALE_UP, "manual", "s1")
    assert note.reason == "3 of inference-svc were asked for: a test"


def test_same_number_again_is_no_news(bench: Bench) -> None:
    bench.put()
    assert bench.desk.note_of(bench.assess()[0].assessment) is None
    assert bench.desk.note_of(bench.assess()[0].assessment) is None


def test_number_that_load_wants_is_noted_with_its_inputs(bench: Bench) -> None:
    bench.put()
    note = None
    for _ in range(8):
        note = note or bench.desk.note_of(bench.assess(demand(("example", 30.0, 0)))[0].assessment)
    assert note is not None
    assert (note.origin, note.previous) == ("load", 1)
    assert dict(note.inputs)["load"] == 30.0


def test_what_replicas_announce_counts_where_no_gateway_tells(bench: Bench) -> None:
    bench.members = (member("r1", in_flight=5),)
    assert bench.assess()[0].assessment.situation.load == 5.0


def test_replicas_that_the_fleet_began_with_are_the_floor(bench: Bench) -> None:
    assert bench.assess(at_start=3)[0].desired == 3
    bench.members = (member("r1", managed=False), member("r2", managed=False))
    assert bench.assess(at_start=1)[0].desired == 2


def test_fewer_instances_of_a_model_are_a_cut(bench: Bench) -> None:
    bench.members = tuple(
        Member(m.service, m.state, m.unit, told(m.id, instance("m")))
        for m in (member("r1"), member("r2"))
    )
    bench.put()
    bench.put(floor(1, "s1", "m"))
    _, steps = bench.assess()
    assert len(steps) == 1


def test_pinned_model_keeps_a_replica_and_is_loaded_there(bench: Bench) -> None:
    bench.policies = {"m": ModelPolicy("m", pinned=True)}
    state, steps = bench.assess(at_start=0)
    assert state.assessment.situation.floors.models == 1
    assert steps == [Load("m", "rev", "r1", "so many are wanted")]


def test_at_zero_nothing_is_resident(bench: Bench) -> None:
    ready = member("r1")
    bench.members = (Member(ready.service, ready.state, ready.unit, told("r1", instance("m"))),)
    bench.put()
    bench.assess()
    assert bench.desk.ledger.residents.names() == {"m"}
    bench.put(floor(0, "s1"))
    bench.assess()
    assert bench.desk.ledger.residents.names() == set()

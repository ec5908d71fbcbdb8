from autoscaler_svc.census import MemberState
from autoscaler_svc.intents.base import Floor
from autoscaler_svc.model_ledger import (
    KEEPS_REPLICA_S,
    Asked,
    ModelLedger,
    asked_by_model,
    hosts_of,
    service_of,
)
from autoscaler_svc.placement import Host, Instance, Need
from fleetserve.announcements import InstanceState
from fleetserve.model_policies import ModelPolicy
from fleetserve.model_records import ModelRecord, ModelState
from tests.unit.autoscaler_svc.fleet_parts import (
    AUDIO,
    INFERENCE,
    demand,
    instance,
    member,
    record,
    told,
)

RECORDS = {
    "m": record("m"),
    "voice": record("voice", task="text-to-speech"),
    "coming": record("coming", ModelState.DOWNLOADING),
}


def floor(target: str, instances: int, service: str = INFERENCE) -> Floor:
    return Floor(target, service, instances, 0.0, "s1")


def named(needs: list[Need]) -> dict[str, Need]:
    return {need.name: need for need in needs}


def needs_of(
    ledger: ModelLedger,
    *,
    asked: dict[str, Asked] | None = None,
    floors: dict[str, Floor] | None = None,
    records: dict[str, ModelRecord] | None = None,
    hosts: list[Host] | None = None,
    policies: dict[str, ModelPolicy] | None = None,
    idle_s: float | None = None,
) -> dict[str, Need]:
    return named(
        ledger.needs(
            asked or {}, floors or {}, records or RECORDS, hosts or [], policies or {}, idle_s
        )
    )


def test_service_follows_from_the_task_and_for_built_in_ones_it_is_known() -> None:
    assert service_of("example", RECORDS) == INFERENCE
    assert service_of("voice", RECORDS) == AUDIO
    assert service_of("nobody", RECORDS) is None


def test_demand_of_all_gateways_is_added_up() -> None:
    demands = [demand(("m", 2.0, 1)), demand(("m", 3.5, 0), gateway="g2")]
    assert asked_by_model(demands, INFERENCE, RECORDS) == {"m": Asked(5.5, 1)}


def test_waiting_for_a_download_is_no_load() -> None:
    demands = [demand(("coming", 5.0, 5), ("unknown", 1.0, 1), ("example", 1.0, 0))]
    assert asked_by_model(demands, INFERENCE, RECORDS) == {"example": Asked(1.0, 0)}


def test_demand_of_the_other_service_is_not_this_ones() -> None:
    demands = [demand(("voice", 5.0, 5), service=AUDIO)]
    assert asked_by_model(demands, INFERENCE, RECORDS) == {}
    assert asked_by_model(demands, AUDIO, RECORDS) == {"voice": Asked(5.0, 5)}


def test_needs_are_of_the_models_that_can_be_served_here() -> None:
    assert set(needs_of(ModelLedger(INFERENCE))) == {"example", "m"}
    assert set(needs_of(ModelLedger(AUDIO))) == {"voice"}


def test_floor_and_residence_say_how_many_are_wanted() -> None:
    ledger = ModelLedger(INFERENCE)
    assert needs_of(ledger)["m"].wanted == 0
    ledger.update([told("a", instance("m"))], RECORDS)
    assert needs_of(ledger)["m"].wanted == 1
    found = needs_of(ledger, floors={"m": floor("m", 3)})["m"]
    assert (found.wanted, found.fixed) == (3, True)


def test_pinned_model_is_wanted_and_fixed() -> None:
    found = needs_of(
        ModelLedger(INFERENCE), policies={"m": ModelPolicy("m", pinned=True)}, idle_s=60.0
    )["m"]
    assert (found.wanted, found.fixed, found.leaves_after_s) == (1, True, None)


def test_own_keep_alive_holds_before_the_fleets() -> None:
    ledger = ModelLedger(INFERENCE)
    assert needs_of(ledger, idle_s=60.0)["m"].leaves_after_s == 60.0
    own = {"m": ModelPolicy("m", keep_alive_s=5.0)}
    assert needs_of(ledger, policies=own, idle_s=60.0)["m"].leaves_after_s == 5.0


def test_load_and_waiting_requests_are_passed_on() -> None:
    found = needs_of(ModelLedger(INFERENCE), asked={"m": Asked(2.5, 4)})["m"]
    assert (found.load, found.held, found.size_bytes) == (2.5, 4, 100)


def test_cut_holds_until_it_is_reached() -> None:
    ledger = ModelLedger(INFERENCE)
    ledger.cut("m", 1)
    two = [Host("a", -1, {"m": Instance("rev", True, 1, 0)}) for _ in range(2)]
    assert needs_of(ledger, hosts=two)["m"].most == 1
    assert needs_of(ledger, hosts=two[:1])["m"].most is None
    assert needs_of(ledger, hosts=two)["m"].most is None


def test_cut_to_none_ends_residence() -> None:
    ledger = ModelLedger(INFERENCE)
    ledger.update([told("a", instance("m"))], RECORDS)
    ledger.cut("m", 0)
    ledger.update([told("a", instance("m"))], RECORDS)
    assert needs_of(ledger)["m"].wanted == 0
    ledger.update([], RECORDS)
    assert needs_of(ledger)["m"].wanted == 0


def test_models_in_use_say_how_many_replicas_they_need() -> None:
    ledger = ModelLedger(INFERENCE)
    hosts = [Host("a", 0, {"m": Instance("rev", True, 100, 5.0)})]
    needs = [Need("m", "rev", 90), Need("n", "rev", 80, held=1), Need("example", "", 0)]
    assert ledger.replicas_packed(needs, hosts) == 2


def test_model_unused_for_long_keeps_no_replica() -> None:
    ledger = ModelLedger(INFERENCE)
    hosts = [Host("a", 0, {"m": Instance("rev", True, 100, KEEPS_REPLICA_S)})]
    assert ledger.replicas_packed([Need("m", "rev", 90)], hosts) == 0


def test_unknown_room_packs_nothing() -> None:
    hosts = [Host("a", -1, {"m": Instance("rev", True, 100, 0)})]
    assert ModelLedger(INFERENCE).replicas_packed([Need("m", "rev", 90)], hosts) == 0


def test_hosts_are_the_ready_replicas_with_what_is_or_will_be_there() -> None:
    models = (
        instance("m", size=7, idle_s=3.0),
        instance("n", InstanceState.LOADING),
        instance("bad", InstanceState.FAILED),
    )
    members = [
        member("a", MemberState.READY, *models, room_bytes=50),
        member("b", MemberState.STARTING),
    ]
    (found,) = hosts_of(members)
    assert (found.id, found.room_bytes) == ("a", 50)
    assert found.instances == {
        "m": Instance("rev", True, 7, 3.0),
        "n": Instance("rev", False, 0, 0.0),
    }

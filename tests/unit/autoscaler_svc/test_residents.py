from autoscaler_svc.residents import Residents
from fleetserve.announcements import InstanceState, ReplicaState
from tests.unit.autoscaler_svc.fleet_parts import instance, told

KNOWN = ("m", "n")


def test_model_is_resident_once_it_was_ready() -> None:
    residents = Residents()
    residents.update([told("a", instance("m", InstanceState.LOADING))], KNOWN)
    assert residents.names() == set()
    residents.update([told("a", instance("m"))], KNOWN)
    assert residents.names() == {"m"}
    assert residents.last_holders("m") == {"a"}


def test_unloaded_by_its_own_process_it_is_resident_no_more() -> None:
    residents = Residents()
    residents.update([told("a", instance("m"))], KNOWN)
    residents.update([told("a")], KNOWN)
    assert residents.names() == set()


def test_lost_with_its_process_it_stays_resident() -> None:
    residents = Residents()
    residents.update([told("a", instance("m"))], KNOWN)
    residents.update([], KNOWN)
    assert residents.names() == {"m"}
    residents.update([told("a", boot_id="b2")], KNOWN)
    assert residents.names() == {"m"}


def test_lost_in_one_place_of_two_nothing_is_lost() -> None:
    residents = Residents()
    residents.update([told("a", instance("m")), told("b", instance("m"))], KNOWN)
    residents.update([told("b", instance("m"))], KNOWN)
    assert residents.last_holders("m") == {"b"}
    residents.update([told("b")], KNOWN)
    assert residents.names() == set()


def test_replica_that_drains_has_not_unloaded_it_on_purpose() -> None:
    residents = Residents()
    residents.update([told("a", instance("m"))], KNOWN)
    residents.update([told("a", state=ReplicaState.DRAINING)], KNOWN)
    assert residents.names() == {"m"}


def test_deleted_model_is_forgotten() -> None:
    residents = Residents()
    residents.update([told("a", instance("m"), instance("n"))], KNOWN)
    residents.update([told("a", instance("m"), instance("n"))], ["n"])
    assert residents.names() == {"n"}


def test_what_nobody_registered_is_not_followed() -> None:
    residents = Residents()
    residents.update([told("a", instance("example"))], KNOWN)
    assert residents.names() == set()


def test_model_can_be_forgotten_by_hand() -> None:
    residents = Residents()
    residents.update([told("a", instance("m"), instance("n"))], KNOWN)
    residents.forget("m")
    assert residents.names() == {"n"}
    residents.forget_all()
    assert residents.names() == set()

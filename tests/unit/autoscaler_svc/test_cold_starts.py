from autoscaler_svc.census import MemberState
from autoscaler_svc.cold_starts import ColdStart, ColdStarts
from fleetserve.announcements import InstanceState
from tests.unit.autoscaler_svc.fleet_parts import INFERENCE, instance, member

STARTING, READY = MemberState.STARTING, MemberState.READY


def test_replica_that_becomes_ready_was_a_cold_start() -> None:
    starts = ColdStarts()
    starts.update([member("a", STARTING)], 10.0, 1000.0)
    starts.update([member("a", STARTING)], 12.0, 1002.0)
    starts.update([member("a", READY)], 14.5, 1004.5)
    assert list(starts.seen) == [ColdStart(1004.5, INFERENCE, "a", "", 4.5)]
    assert starts.total == 1


def test_model_that_becomes_ready_was_one_too() -> None:
    starts = ColdStarts()
    starts.update([member("a", READY, instance("m", InstanceState.LOADING))], 10.0, 1000.0)
    starts.update([member("a", READY, instance("m"))], 13.0, 1003.0)
    assert list(starts.seen) == [ColdStart(1003.0, INFERENCE, "a", "m", 3.0)]


def test_what_was_ready_at_first_sight_was_none() -> None:
    starts = ColdStarts()
    starts.update([member("a", READY, instance("m"))], 10.0, 1000.0)
    starts.update([member("a", READY, instance("m"))], 11.0, 1001.0)
    assert starts.total == 0


def test_one_that_never_became_ready_is_forgotten() -> None:
    starts = ColdStarts()
    starts.update([member("a", STARTING)], 10.0, 1000.0)
    starts.update([], 11.0, 1001.0)
    starts.update([member("a", READY)], 12.0, 1002.0)
    assert starts.total == 0

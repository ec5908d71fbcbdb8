from autoscaler_svc.absences import EXCUSED_S, Absences
from autoscaler_svc.census import MemberState
from tests.unit.autoscaler_svc.fleet_parts import INFERENCE, member

START_S = 1000.0
LATER_S = START_S + 100.0


def test_fleet_that_has_not_started_its_own_yet_is_given_time() -> None:
    absences = Absences(START_S)
    assert absences.excused(INFERENCE, [], START_S + 1) == 1
    assert absences.excused(INFERENCE, [], START_S + EXCUSED_S) == 0


def test_one_that_vanished_may_come_back_for_a_while() -> None:
    absences = Absences(START_S)
    assert absences.excused(INFERENCE, [member("a"), member("b")], LATER_S) == 0
    assert absences.excused(INFERENCE, [member("a")], LATER_S + 1) == 1
    assert absences.excused(INFERENCE, [member("a")], LATER_S + EXCUSED_S) == 1
    assert absences.excused(INFERENCE, [member("a")], LATER_S + 1 + EXCUSED_S) == 0


def test_one_that_drains_by_itself_may_come_back_too() -> None:
    absences = Absences(START_S)
    absences.excused(INFERENCE, [member("a")], LATER_S)
    leaving = member("a", MemberState.LEAVING)
    assert absences.excused(INFERENCE, [leaving], LATER_S + 1) == 1


def test_one_that_was_ended_on_purpose_is_not_waited_for() -> None:
    absences = Absences(START_S)
    absences.excused(INFERENCE, [member("a"), member("b")], LATER_S)
    absences.dismiss(INFERENCE, "u-b")
    leaving = member("b", MemberState.LEAVING)
    assert absences.excused(INFERENCE, [member("a"), leaving], LATER_S + 1) == 0
    assert absences.excused(INFERENCE, [member("a")], LATER_S + 2) == 0


def test_crash_that_the_engine_mends_itself_is_no_absence() -> None:
    absences = Absences(START_S)
    absences.excused(INFERENCE, [member("a")], LATER_S)
    again = member("a", MemberState.STARTING)
    assert absences.excused(INFERENCE, [again], LATER_S + 1) == 0


def test_service_at_zero_is_not_waited_for() -> None:
    absences = Absences(START_S)
    absences.excused(INFERENCE, [member("a")], START_S + 1)
    absences.dismiss(INFERENCE, "u-a")
    absences.excused(INFERENCE, [], START_S + 2)
    assert absences.excused(INFERENCE, [], START_S + 3) == 0

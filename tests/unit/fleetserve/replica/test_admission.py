import pytest

from fleetserve.errors import ShedError
from fleetserve.replica.admission import Admission


def test_requests_over_the_bound_are_shed_with_retry_after() -> None:
    admission = Admission(max_requests=2, max_bytes=100)
    admission.enter()
    admission.enter()
    with pytest.raises(ShedError) as shed:
        admission.enter()
    assert shed.value.headers["x-fleet-shed"] == "1"
    assert int(shed.value.headers["Retry-After"]) >= 1
    assert admission.requests == 2
    assert admission.shed == 1


def test_a_request_that_left_makes_room() -> None:
    admission = Admission(max_requests=1, max_bytes=100)
    admission.enter()
    admission.leave(0)
    admission.enter()
    assert admission.requests == 1


def test_bytes_over_the_bound_are_shed() -> None:
    admission = Admission(max_requests=10, max_bytes=100)
    admission.enter()
    admission.hold(80)
    admission.enter()
    with pytest.raises(ShedError):
        admission.hold(30)
    admission.leave(0)
    admission.leave(80)
    assert (admission.requests, admission.bytes) == (0, 0)


def test_an_empty_replica_takes_a_body_of_any_size() -> None:
    admission = Admission(max_requests=10, max_bytes=100)
    admission.enter()
    admission.hold(5000)
    assert admission.bytes == 5000

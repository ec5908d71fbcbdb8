import numpy as np
import orjson
import pytest

from fleetserve.replica.exchange import ReplicaRequest, Timing, json_bytes


def request_at(deadline_given: bool) -> ReplicaRequest:
    return ReplicaRequest(
        path="/predict",
        query=b"",
        headers={},
        body=b"",
        content_type="",
        request_id="r1",
        model=None,
        priority=None,
        attempt=0,
        received_s=100.0,
        deadline_s=110.0,
        deadline_given=deadline_given,
    )


def test_the_bodys_timeout_counts_from_receipt() -> None:
    request = request_at(deadline_given=False)
    request.limit_time(3.0)
    assert request.deadline_s == 103.0


def test_the_gateways_deadline_wins_over_the_bodys_timeout() -> None:
    request = request_at(deadline_given=True)
    request.limit_time(3.0)
    assert request.deadline_s == 110.0


@pytest.mark.parametrize(
    ("timing", "header"),
    [
        (Timing(1.0, 2.0, 3.25, 0.5), b"queue;dur=1.00, batch;dur=2.00, compute;dur=3.25, "),
        (Timing(compute_ms=7.0), b"compute;dur=7.00"),
        (Timing(), b""),
    ],
)
def test_server_timing_tells_what_is_known(timing: Timing, header: bytes) -> None:
    assert timing.header().startswith(header)


def test_arrays_are_written_as_json_numbers() -> None:
    written = json_bytes({"v": np.array([[0.5, 1.25]], dtype=np.float32)})
    assert orjson.loads(written) == {"v": [[0.5, 1.25]]}

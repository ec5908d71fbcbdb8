import msgspec
import pytest

from fleetserve.errors import InvalidFieldError
from fleetserve.jobs.ledger.base import Job
from gateway.jobs.work import (
    Outcome,
    Progress,
    Work,
    failure,
    new_job_id,
    read_outcome,
    read_progress,
    read_work,
)


def test_key_names_one_job_of_one_principal() -> None:
    assert new_job_id("user:ada", "k") == new_job_id("user:ada", "k")
    assert new_job_id("user:ada", "k") != new_job_id("user:bob", "k")
    assert new_job_id("user:ada", "k") != new_job_id("user:ada", "l")
    assert new_job_id("user:ada", None) != new_job_id("user:ada", None)


def test_what_the_record_holds_is_read_back() -> None:
    work = Work("f", "/predict", "m", "d", 3, headers=[("accept", "audio/wav")], lines=2)
    job = Job("a", "batch", "a", msgspec.json.encode(work))
    assert read_work(job) == work
    assert read_progress(job) == Progress(0)
    assert read_outcome(job) is None
    done = Job(
        "a",
        "batch",
        "a",
        b"",
        progress=msgspec.json.encode(Progress(2)),
        result=msgspec.json.encode(Outcome(200, "result.1", size=9)),
    )
    assert read_progress(done) == Progress(2)
    assert read_outcome(done) == Outcome(200, "result.1", size=9)


def test_failure_has_the_error_as_the_route_would_answer_it() -> None:
    outcome = msgspec.json.decode(failure(InvalidFieldError("a", "wrong"), "job-1"), type=Outcome)
    assert outcome.status == 422
    assert outcome.error["code"] == "invalid_field"
    assert outcome.error["request_id"] == "job-1"


@pytest.mark.parametrize("key", ["k", "a longer key"])
def test_id_tells_nothing_of_the_key(key: str) -> None:
    assert key not in new_job_id("user:ada", key)

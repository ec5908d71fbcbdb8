import msgspec
import pytest

from fleetserve.errors import NotFoundError
from fleetserve.jobs.ledger.base import Job, JobState
from gateway.jobs.view import event_id, view_of
from gateway.jobs.work import Outcome, Progress, Work, failure


def job(
    state: JobState = JobState.RUNNING, *, lines: int = 0, done: int = 0, result: bytes = b""
) -> Job:
    work = Work("folder", "/predict", "example", "digest", 3, lines=lines)
    return Job(
        "job-1",
        "request",
        "job-1",
        msgspec.json.encode(work),
        principal="user:ada",
        state=state,
        progress=msgspec.json.encode(Progress(done)) if done else b"",
        result=result,
        fence=2,
        created_at=100.0,
        started_at=0.0 if state is JobState.QUEUED else 101.5,
        updated_at=104.0,
    )


def test_waiting_job_has_no_times_but_its_birth() -> None:
    view = view_of(job(JobState.QUEUED))
    assert (view["status"], view["progress"]) == ("queued", 0.0)
    assert view["created_at"] == "1970-01-01T00:01:40+00:00"
    assert view["started_at"] is view["finished_at"] is view["result_url"] is view["error"] is None
    assert view["timings"] == {"queued_s": None, "run_s": None}


def test_finished_job_tells_how_long_it_took_and_where_the_result_is() -> None:
    done = msgspec.json.encode(Outcome(200, "result.2", "audio/wav", 44))
    view = view_of(job(JobState.SUCCEEDED, result=done))
    assert view["timings"] == {"queued_s": 1.5, "run_s": 2.5}
    assert (view["progress"], view["lines"]) == (1.0, None)
    assert view["result_url"] == "/jobs/job-1/result"
    assert (view["result_bytes"], view["content_type"]) == (44, "audio/wav")
    assert "folder" not in str(view)


def test_batch_counts_its_lines() -> None:
    running = view_of(job(lines=8, done=2))
    assert (running["progress"], running["lines"]) == (0.25, {"total": 8, "done": 2, "failed": 0})
    done = msgspec.json.encode(Outcome(200, "result.2", failed_lines=3))
    ended = view_of(job(JobState.SUCCEEDED, lines=8, done=2, result=done))
    assert (ended["progress"], ended["lines"]) == (1.0, {"total": 8, "done": 8, "failed": 3})


def test_job_that_was_cancelled_while_it_waited_has_not_run() -> None:
    cancelled = msgspec.structs.replace(job(JobState.CANCELLED), started_at=0.0)
    assert view_of(cancelled)["timings"] == {"queued_s": 4.0, "run_s": None}


def test_failed_job_has_its_error_and_one_that_does_not_say_why_an_opaque_one() -> None:
    told = view_of(job(JobState.FAILED, result=failure(NotFoundError("gone"), "job-1")))
    assert (told["error"]["code"], told["error"]["detail"]) == ("not_found", "gone")
    assert told["result_url"] is None
    assert view_of(job(JobState.FAILED))["error"]["code"] == "internal_error"


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        (job(lines=8, done=2), True),
        (msgspec.structs.replace(job(lines=8, done=2), updated_at=105.0), True),
        (job(lines=8, done=3), False),
        (job(JobState.CANCELLED, lines=8, done=2), False),
    ],
)
def test_event_id_changes_with_what_is_seen(other: Job, alike: bool) -> None:
    assert (event_id(other) == event_id(job(lines=8, done=2))) is alike

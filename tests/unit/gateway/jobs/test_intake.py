import orjson
import pytest

from fleetserve.errors import ConflictError, InvalidFieldError
from fleetserve.jobs.ledger.base import (
    Bounds,
    Job,
    JobState,
    LedgerUnavailableError,
    TooManyJobsError,
)
from fleetserve.jobs.queue.memory import MemoryQueue
from gateway.jobs.intake import JobIntake
from gateway.jobs.order import JobOrder
from gateway.jobs.webhook.signature import WebhookSecrets
from gateway.jobs.webhook.target import Targets
from gateway.jobs.work import BATCH_KIND, REQUEST_KIND, Work, read_work
from tests.unit.gateway.jobs.conftest import Office, find_public, predict_work

KEYED = JobOrder("user:ada", idempotency_key="k")
BODY = b'{"model_name":"example","inputs":[1]}'


def test_job_is_stored_recorded_listed_and_a_worker_woken(office: Office) -> None:
    accepted = office.take(BODY, JobOrder("user:ada", priority=3))
    job = accepted.job
    assert (job.state, job.kind, job.principal, job.priority) == (
        JobState.QUEUED,
        REQUEST_KIND,
        "user:ada",
        3,
    )
    assert office.files.body(read_work(job).folder).read_bytes() == BODY
    assert read_work(job).size == len(BODY)
    assert [entry.job_id for entry in office.index.page("user:ada", 9, None)] == [job.id]
    assert len(office.woken) == 1
    assert accepted.webhook_secret == ""


def test_repeat_with_the_same_key_is_the_same_job(office: Office) -> None:
    first, again = office.take(BODY, KEYED).job, office.take(BODY, KEYED).job
    assert again.id == first.id
    assert len(office.files.folders()) == 1
    assert office.take(BODY, JobOrder("user:bob", idempotency_key="k")).job.id != first.id


def test_repeat_after_the_end_is_the_finished_job(office: Office) -> None:
    office.take(BODY, KEYED)
    office.settle()
    assert office.take(BODY, KEYED).job.state is JobState.SUCCEEDED


@pytest.mark.parametrize(
    ("body", "work"),
    [
        (b'{"model_name":"example","inputs":[2]}', predict_work()),
        (BODY, predict_work(query="a=1")),
        (BODY, Work("", "/synthesize", "example", "", 0)),
    ],
)
def test_key_that_was_used_for_something_else_is_a_conflict(
    office: Office, body: bytes, work: Work
) -> None:
    office.take(BODY, KEYED)
    with pytest.raises(ConflictError, match="Idempotency-Key"):
        office.take(body, KEYED, work)
    assert len(office.files.folders()) == 1


def test_credential_in_the_body_is_not_stored(office: Office) -> None:
    job = office.take(
        b'{"token":"sk_secret","model_name":"example","inputs":[1]}',
        JobOrder("user:ada", has_token=True),
    ).job
    stored = office.files.body(read_work(job).folder).read_bytes()
    assert orjson.loads(stored) == {"model_name": "example", "inputs": [1]}
    assert read_work(job).size == len(stored)


def test_credential_in_a_form_is_refused(office: Office) -> None:
    work = Work("", "/transcribe", "w", "", 0, headers=[("content-type", "multipart/form-data")])
    with pytest.raises(InvalidFieldError, match="token"):
        office.take(b"--x", JobOrder("user:ada", has_token=True), work)


def test_webhook_is_kept_beside_the_job_with_its_principals_secret(office: Office) -> None:
    first = office.take(order=JobOrder("user:ada", webhook_url="https://a.example/x"))
    second = office.take(order=JobOrder("user:ada", webhook_url="https://a.example/x"))
    other = office.take(order=JobOrder("user:bob", webhook_url="https://a.example/x"))
    assert first.webhook_secret == second.webhook_secret != other.webhook_secret
    stored = orjson.loads(office.files.webhook(read_work(first.job).folder).read_bytes())
    assert stored == {"url": "https://a.example/x", "secret": first.webhook_secret}
    assert read_work(first.job).webhook
    assert b"whsec" not in first.job.request


def test_private_address_is_refused_before_anything_is_stored(office: Office) -> None:
    with pytest.raises(InvalidFieldError, match="private"):
        office.take(order=JobOrder("user:ada", webhook_url="http://inside.example/"))
    assert office.files.folders() == []


def test_beyond_the_bounds_nothing_is_left_behind(office: Office) -> None:
    for _ in range(3):
        office.take()
    with pytest.raises(TooManyJobsError):
        office.take()
    assert len(office.files.folders()) == 3


def test_while_redis_is_away_nothing_is_left_behind(office: Office) -> None:
    class Away(MemoryQueue):
        def enqueue(self, job: Job, bounds: Bounds | None = None) -> Job:
            raise LedgerUnavailableError("away")

    intake = JobIntake(
        Away(office.ledger),
        office.index,
        office.files,
        office.storage,
        Targets(allow_private=False, resolve=find_public),
        WebhookSecrets(office.files.body("x").with_name("key")),
        Bounds(5, 5),
    )
    office.intake = intake
    with pytest.raises(LedgerUnavailableError):
        office.take()
    assert office.files.folders() == []


def test_batch_is_a_job_of_its_own_kind(office: Office) -> None:
    job = office.take_lines(b"[1]\n[2]\n", 2).job
    assert (job.kind, read_work(job).lines) == (BATCH_KIND, 2)

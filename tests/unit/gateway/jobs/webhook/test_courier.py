from collections.abc import Mapping

import orjson
import pytest

from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.jobs.ledger.base import Job, JobState
from gateway.jobs.order import JobOrder
from gateway.jobs.webhook.courier import Courier, call_courier
from gateway.jobs.webhook.post import PostFailedError
from gateway.jobs.webhook.signature import signature
from gateway.jobs.webhook.target import Target, Targets
from gateway.jobs.work import read_work
from tests.unit.gateway.jobs.conftest import PUBLIC, START_S, Office, find_public

URL = "https://a.example/hook"


class Receiver:
    """Answers in turn: a status, or None for no answer."""

    def __init__(self, *answers: int | None) -> None:
        self.answers = list(answers)
        self.got: list[tuple[Target, Mapping[str, str], bytes]] = []

    def __call__(self, target: Target, headers: Mapping[str, str], body: bytes) -> int:
        self.got.append((target, headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise PostFailedError("refused")
        return answer


def ended(office: Office, url: str = URL, state: JobState = JobState.SUCCEEDED) -> tuple[Job, str]:
    """A finished job whose webhook is to be called, and the secret."""
    accepted = office.take(order=JobOrder("user:ada", webhook_url=url))
    job = office.settle(state)
    call_courier(office.webhooks, job)
    return job, accepted.webhook_secret


def deliver(office: Office, receiver: Receiver, *, progress: bytes = b"") -> LeasedJob:
    claimed = office.webhook_ledger.claim("w")
    assert claimed is not None
    leased = LeasedJob(*claimed, office.clock)
    if progress:
        office.webhook_ledger.report(leased.lease, progress)
        leased = LeasedJob(office.webhook_ledger.read(leased.job.id), leased.lease, office.clock)
    courier = Courier(
        office.ledger,
        office.files,
        Targets(allow_private=False, resolve=find_public),
        office.clock,
        send=receiver,
        pauses_s=(0.0, 0.0),
    )
    assert courier.run(leased) == b"{}"
    return leased


def test_end_is_told_with_a_signature_that_the_callers_secret_checks(office: Office) -> None:
    job, secret = ended(office)
    receiver = Receiver(204)
    deliver(office, receiver)
    (target, headers, body) = receiver.got[0]
    assert (target.host, target.path, target.addresses) == ("a.example", "/hook", (PUBLIC,))
    assert headers["webhook-id"] == job.id
    assert headers["webhook-timestamp"] == str(int(START_S))
    assert headers["webhook-signature"] == signature(secret, job.id, int(START_S), body)
    told = orjson.loads(body)
    assert told["type"] == "job.succeeded"
    assert told["timestamp"] == told["data"]["finished_at"]
    assert (told["data"]["job_id"], told["data"]["status"]) == (job.id, "succeeded")


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_other_ends_are_told_too(office: Office, state: JobState) -> None:
    ended(office, state=state)
    receiver = Receiver(200)
    deliver(office, receiver)
    assert orjson.loads(receiver.got[0][2])["type"] == f"job.{state.value}"


@pytest.mark.parametrize("first", [None, 500, 302, 404])
def test_it_is_tried_again_until_it_is_taken(office: Office, first: int | None) -> None:
    job, _ = ended(office)
    receiver = Receiver(first, 200)
    deliver(office, receiver)
    assert len(receiver.got) == 2
    assert not office.files.webhook(read_work(job).folder).exists()


@pytest.mark.parametrize(("answer", "tries"), [(500, 3), (410, 1)])
def test_receiver_that_is_gone_is_given_up(office: Office, answer: int, tries: int) -> None:
    job, _ = ended(office)
    receiver = Receiver(answer)
    deliver(office, receiver)
    assert len(receiver.got) == tries
    assert not office.files.webhook(read_work(job).folder).exists()


def test_next_worker_goes_on_with_the_tries_that_are_left(office: Office) -> None:
    ended(office)
    receiver = Receiver(500)
    leased = deliver(office, receiver, progress=b"1")
    assert len(receiver.got) == 2
    assert leased.reporter() == b"2"


def test_name_that_leads_inside_by_now_is_not_connected_to(office: Office) -> None:
    job, _ = ended(office)
    path = office.files.webhook(read_work(job).folder)
    path.write_bytes(path.read_bytes().replace(b"a.example", b"inside.example"))
    receiver = Receiver(200)
    deliver(office, receiver)
    assert receiver.got == []


def test_what_was_told_already_is_not_told_again(office: Office) -> None:
    job, _ = ended(office)
    office.files.webhook(read_work(job).folder).unlink()
    receiver = Receiver(200)
    deliver(office, receiver)
    assert receiver.got == []


def test_job_without_a_webhook_calls_nobody(office: Office) -> None:
    office.take()
    call_courier(office.webhooks, office.settle())
    assert office.webhook_ledger.claim("w") is None

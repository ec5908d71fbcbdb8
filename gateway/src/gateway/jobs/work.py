"""What a job is to do and what became of it, as the job's record holds them."""

from hashlib import sha256
from secrets import token_hex
from typing import Any

import msgspec

from fleetserve.errors import FleetError, error_body
from fleetserve.jobs.ledger.base import Job

REQUEST_KIND = "request"
BATCH_KIND = "batch"
WEBHOOK_KIND = "webhook"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"


class Work(msgspec.Struct, frozen=True):
    """A stored request, or a batch of them for one model.

    Attributes:
        folder: Where its files are, on the jobs volume.
        route: The path that is replayed, such as /synthesize.
        query: As it came, without what only concerns the job.
        headers: Those that the replayed request is sent with.
        digest: Of all that makes the answer what it is; tells whether two requests are one.
        lines: Inputs of a batch; 0: not a batch.
        parameters: Of each line of a batch.
        webhook: Somebody wants to be told of the end.
    """

    folder: str
    route: str
    model: str
    digest: str
    size: int
    query: str = ""
    headers: list[tuple[str, str]] = []
    lines: int = 0
    parameters: dict[str, Any] = {}
    webhook: bool = False


class Progress(msgspec.Struct, frozen=True):
    """Lines of a batch that are done; of a transcription which part, 0 to 1, and its text."""

    done: int = 0
    part: float = 0.0
    text: str = ""


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a job ended.

    Attributes:
        file: The result's, in the job's folder; "": there is none.
        failed_lines: Lines of a batch whose place in the result has an error.
        error: API.md's error object, of a job that failed.
    """

    status: int = 200
    file: str = ""
    content_type: str = JSON
    size: int = 0
    failed_lines: int = 0
    error: dict[str, Any] = {}


_decode_work = msgspec.json.Decoder(Work).decode
_decode_progress = msgspec.json.Decoder(Progress).decode
_decode_outcome = msgspec.json.Decoder(Outcome).decode


def new_job_id(principal: str, idempotency_key: str | None) -> str:
    """A new one; the same for the same key of the same principal."""
    if idempotency_key is None:
        return f"job-{token_hex(12)}"
    named = sha256(f"{principal}\0{idempotency_key}".encode()).hexdigest()
    return f"job-{named[:32]}"


def read_work(job: Job) -> Work:
    return _decode_work(job.request)


def read_progress(job: Job) -> Progress:
    return _decode_progress(job.progress) if job.progress else Progress()


def read_outcome(job: Job) -> Outcome | None:
    """None while it is not finished, and where it ended without saying how."""
    return _decode_outcome(job.result) if job.result else None


def failure(error: FleetError, job_id: str) -> bytes:
    """The record of a job that failed so."""
    outcome = Outcome(status=error.status, error=dict(error_body(error, job_id)))
    return msgspec.json.encode(outcome)

"""A job as callers see it."""

from datetime import UTC, datetime
from typing import Any

from fleetserve.errors import InternalError, error_body
from fleetserve.jobs.ledger.base import Job, JobState
from gateway.jobs.work import Work, read_outcome, read_progress, read_work


def view_of(job: Job) -> dict[str, Any]:
    """Everything but the result itself, which is a file."""
    work, outcome = read_work(job), read_outcome(job)
    has_result = outcome is not None and bool(outcome.file)
    return {
        "success": True,
        "job_id": job.id,
        "status": job.state.value,
        "progress": progress_of(job, work),
        "route": work.route,
        "model": work.model,
        "priority": job.priority,
        "principal": job.principal,
        "created_at": _iso(job.created_at),
        "started_at": _iso(job.started_at),
        "finished_at": _iso(job.updated_at) if job.state.finished else None,
        "timings": _timings(job),
        "lines": _lines(job, work),
        "partial_text": None if job.state.finished else read_progress(job).text or None,
        "result_url": f"/jobs/{job.id}/result" if has_result else None,
        "result_bytes": outcome.size if outcome is not None and has_result else None,
        "content_type": outcome.content_type if outcome is not None and has_result else None,
        "error": _error(job),
    }


def progress_of(job: Job, work: Work) -> float:
    """0 to 1. Of requests only batches and transcriptions have parts to count."""
    if job.state is JobState.SUCCEEDED:
        return 1.0
    if not work.lines:
        return read_progress(job).part
    return round(min(1.0, read_progress(job).done / work.lines), 4)


def event_id(job: Job) -> str:
    """The same as long as the job looks the same."""
    return f"{job.fence}-{job.state.value}-{progress_of(job, read_work(job))}"


def _timings(job: Job) -> dict[str, float | None]:
    started = job.started_at or (job.updated_at if job.state.finished else 0.0)
    ran = job.started_at > 0 and job.state.finished
    return {
        "queued_s": round(started - job.created_at, 3) if started else None,
        "run_s": round(job.updated_at - job.started_at, 3) if ran else None,
    }


def _lines(job: Job, work: Work) -> dict[str, int] | None:
    """Of a batch: how many there are, are done, and have failed."""
    if not work.lines:
        return None
    outcome = read_outcome(job)
    done = work.lines if job.state is JobState.SUCCEEDED else read_progress(job).done
    failed = outcome.failed_lines if outcome is not None else 0
    return {"total": work.lines, "done": done, "failed": failed}


def _error(job: Job) -> dict[str, Any] | None:
    if job.state is not JobState.FAILED:
        return None
    outcome = read_outcome(job)
    if outcome is not None:
        return outcome.error
    unknown = InternalError("Something failed inside. The worker's log has it under this id.")
    return dict(error_body(unknown, job.id))


def _iso(seconds: float) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else None

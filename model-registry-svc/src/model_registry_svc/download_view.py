"""A download as its caller sees it, from the job's record or from the manifest; pure."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import msgspec

from fleetserve.jobs.ledger.base import Job, JobState
from fleetserve.manifest import Manifest
from model_registry_svc.jobs import read_download
from model_registry_svc.plan import DownloadPlan, DownloadResult
from model_registry_svc.progress import FileProgress, Phase, ProgressReport, decode_report

_decode = msgspec.json.Decoder(DownloadResult).decode


class DownloadStatus(StrEnum):
    PENDING = "pending"
    RESOLVING = "resolving"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        return self in {self.COMPLETED, self.FAILED, self.CANCELLED}


@dataclass(frozen=True, slots=True)
class DownloadView:
    """Attributes: progress in percent; eta in seconds, None while it can't be told."""

    download_id: str
    model_name: str
    source: str
    model_id: str
    status: DownloadStatus
    progress: float
    bytes_done: int
    bytes_total: int
    bytes_per_s: float
    eta: int | None
    message: str
    code: str
    revision: str
    warnings: tuple[str, ...]
    files: tuple[FileProgress, ...]
    created_at: float
    updated_at: float


def view_of_job(job: Job) -> DownloadView:
    """Where the job is now; what it found when it has ended."""
    wanted, report = read_download(job), decode_report(job.progress)
    result = _result(job)
    status = _status(job.state, report.phase)
    total = report.bytes_total or (wanted.plan.bytes_total if wanted.plan else 0)
    done = report.bytes_done
    files = report.files or _planned(wanted.plan)
    if status is DownloadStatus.COMPLETED:
        total = done = result.size_bytes
        files = tuple(FileProgress(f.path, f.size, f.size) for f in files)
    return DownloadView(
        download_id=job.id,
        model_name=wanted.request.name,
        source=wanted.request.source,
        model_id=wanted.request.model_id,
        status=status,
        progress=_percent(done, total, status),
        bytes_done=done,
        bytes_total=total,
        bytes_per_s=0.0 if status.finished else report.bytes_per_s,
        eta=_eta_s(report, status),
        message=_message(status, result, report),
        code=result.code,
        revision=result.revision or (wanted.plan.revision if wanted.plan else ""),
        warnings=result.warnings,
        files=files,
        created_at=job.created_at,
        updated_at=job.updated_at,
    )


def view_of_manifest(download_id: str, manifest: Manifest) -> DownloadView:
    """A model that is here, as a download that is done."""
    return DownloadView(
        download_id=download_id,
        model_name=manifest.name,
        source=manifest.source,
        model_id=manifest.model_id,
        status=DownloadStatus.COMPLETED,
        progress=100.0,
        bytes_done=manifest.size_bytes,
        bytes_total=manifest.size_bytes,
        bytes_per_s=0.0,
        eta=0,
        message=f"{manifest.name} is here.",
        code="",
        revision=manifest.revision,
        warnings=manifest.warnings,
        files=tuple(FileProgress(f.path, f.size, f.size) for f in manifest.files),
        created_at=manifest.created_at,
        updated_at=manifest.created_at,
    )


def _result(job: Job) -> DownloadResult:
    if job.result:
        return _decode(job.result)
    if job.state is JobState.FAILED:
        return DownloadResult(
            message="The download failed inside; the worker's log has the details.",
            code="internal_error",
        )
    return DownloadResult(message="")


def _status(state: JobState, phase: Phase) -> DownloadStatus:
    ends = {
        JobState.SUCCEEDED: DownloadStatus.COMPLETED,
        JobState.FAILED: DownloadStatus.FAILED,
        JobState.CANCELLED: DownloadStatus.CANCELLED,
    }
    # A job between two owners is as far as the first one left it.
    return ends.get(state) or DownloadStatus(phase.value)


def _percent(done: int, total: int, status: DownloadStatus) -> float:
    if status is DownloadStatus.COMPLETED:
        return 100.0
    # 100 only when it can be used.
    return min(round(100.0 * done / total, 2), 99.99) if total else 0.0


def _eta_s(report: ProgressReport, status: DownloadStatus) -> int | None:
    if status.finished:
        return 0
    if report.bytes_per_s <= 0:
        return None
    return ceil((report.bytes_total - report.bytes_done) / report.bytes_per_s)


def _message(status: DownloadStatus, result: DownloadResult, report: ProgressReport) -> str:
    if status is DownloadStatus.CANCELLED:
        return "The download was cancelled."
    return result.message or report.message or f"{status.value.capitalize()}."


def _planned(plan: DownloadPlan | None) -> tuple[FileProgress, ...]:
    if plan is None:
        return ()
    return tuple(FileProgress(f.target, f.artifact.size or 0, 0) for f in plan.files)

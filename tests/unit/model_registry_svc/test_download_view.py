import msgspec
import pytest

from fleetserve.jobs.ledger.base import Job, JobState
from fleetserve.manifest import Manifest, ManifestFile
from model_registry_svc.download_view import DownloadStatus, view_of_job, view_of_manifest
from model_registry_svc.jobs import new_download
from model_registry_svc.plan import (
    DownloadJob,
    DownloadPlan,
    DownloadRequest,
    DownloadResult,
    PlannedFile,
)
from model_registry_svc.progress import FileProgress, Phase, ProgressReport, encode_report
from model_registry_svc.source.base import Artifact

PLAN = DownloadPlan("rev", "fill-mask", (PlannedFile("a", "huggingface", Artifact("a", "x", 200)),))
WANTED = DownloadJob(DownloadRequest("m", "huggingface", "org/m"), PLAN)


def job(state: JobState, report: ProgressReport | None = None, result: bytes = b"") -> Job:
    progress = encode_report(report) if report else b""
    made = new_download(WANTED)
    return msgspec.structs.replace(made, state=state, progress=progress, result=result)


HALF = ProgressReport(Phase.DOWNLOADING, 100, 200, 50.0, "", (FileProgress("a", 200, 100),))


def test_queued_job_is_pending_with_what_is_planned() -> None:
    view = view_of_job(job(JobState.QUEUED))
    assert (view.status, view.progress, view.eta) == (DownloadStatus.PENDING, 0.0, None)
    assert (view.bytes_total, view.files) == (200, (FileProgress("a", 200, 0),))
    assert view.message == "Pending."


def test_running_job_tells_bytes_percent_and_time_left() -> None:
    view = view_of_job(job(JobState.RUNNING, HALF))
    assert (view.status, view.progress, view.eta) == (DownloadStatus.DOWNLOADING, 50.0, 2)
    assert (view.bytes_done, view.bytes_total, view.bytes_per_s) == (100, 200, 50.0)


def test_job_between_two_owners_is_as_far_as_the_first_left_it() -> None:
    assert view_of_job(job(JobState.QUEUED, HALF)).bytes_done == 100


def test_hundred_percent_is_only_what_can_be_used() -> None:
    whole = ProgressReport(Phase.VERIFYING, 200, 200)
    assert view_of_job(job(JobState.RUNNING, whole)).progress < 100


def test_finished_job_is_whole_even_if_its_last_report_was_not() -> None:
    result = msgspec.json.encode(DownloadResult("here", "rev", 205, ("no voice",)))
    view = view_of_job(job(JobState.SUCCEEDED, HALF, result))
    assert (view.status, view.progress, view.eta) == (DownloadStatus.COMPLETED, 100.0, 0)
    assert (view.bytes_done, view.bytes_total) == (205, 205)
    assert view.files == (FileProgress("a", 200, 200),)
    assert (view.message, view.warnings) == ("here", ("no voice",))


def test_failed_job_says_why() -> None:
    result = msgspec.json.encode(DownloadResult("no room", error="no room", code="no_disk_room"))
    view = view_of_job(job(JobState.FAILED, HALF, result))
    assert (view.status, view.message, view.code) == (
        DownloadStatus.FAILED,
        "no room",
        "no_disk_room",
    )
    assert view.progress == 50.0


def test_job_that_crashed_says_where_to_look() -> None:
    assert "worker's log" in view_of_job(job(JobState.FAILED)).message


def test_cancelled_job_says_so() -> None:
    view = view_of_job(job(JobState.CANCELLED, HALF))
    assert (view.status, view.message) == (DownloadStatus.CANCELLED, "The download was cancelled.")


@pytest.mark.parametrize("status", list(DownloadStatus))
def test_statuses_are_those_of_the_contract(status: DownloadStatus) -> None:
    assert status.finished == (status.value in {"completed", "failed", "cancelled"})


def test_model_that_is_here_is_a_download_that_is_done() -> None:
    files = (ManifestFile("a", 200, "ab" * 32),)
    manifest = Manifest("m", "huggingface", "org/m", "rev", "fill-mask", files, 200, 7.0)
    view = view_of_manifest("disk-m", manifest)
    assert (view.status, view.bytes_done, view.created_at) == (DownloadStatus.COMPLETED, 200, 7.0)

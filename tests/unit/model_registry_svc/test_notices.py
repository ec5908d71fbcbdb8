from pathlib import Path

import pytest

from fleetserve.clock import ManualClock
from fleetserve.errors import UpstreamError
from fleetserve.manifest import Manifest, publish_manifest
from fleetserve.model_records import ModelRecord, ModelState
from model_registry_svc.notices import TELL_EVERY_S, DownloadNotices, downloading_record
from model_registry_svc.plan import DownloadJob, DownloadPlan, DownloadRequest
from model_registry_svc.progress import ProgressReport
from model_registry_svc.records import RecordBook

WANTED = DownloadJob(
    DownloadRequest("m", "huggingface", "org/m"), DownloadPlan("rev", "fill-mask", ())
)
MANIFEST = Manifest("m", "huggingface", "org/m", "old", "fill-mask", (), 5, 0.0)


@pytest.fixture
def notices(records: RecordBook, tmp_path: Path, clock: ManualClock) -> DownloadNotices:
    return DownloadNotices(records, tmp_path, clock, "dl-1", WANTED)


def told(records: RecordBook) -> ModelRecord | None:
    return records.find("m")


def report(done: int) -> ProgressReport:
    return ProgressReport(bytes_done=done, bytes_total=200)


def test_record_says_the_phase_for_those_who_wait() -> None:
    record = downloading_record("dl-1", WANTED, report(80))
    assert (record.state, record.progress) == (ModelState.DOWNLOADING, 0.4)
    assert record.message == "downloading 40%"
    assert (record.task, record.revision, record.download_id) == ("fill-mask", "rev", "dl-1")


def test_trouble_is_what_the_record_says_when_there_is_any() -> None:
    trouble = ProgressReport(bytes_done=1, bytes_total=2, message="The hub asks to wait.")
    assert downloading_record("dl-1", WANTED, trouble).message == "The hub asks to wait."


def test_progress_is_told_now_and_then(
    notices: DownloadNotices, records: RecordBook, clock: ManualClock
) -> None:
    notices.progressed(report(20))
    notices.progressed(report(60))
    record = told(records)
    assert record is not None
    assert record.progress == 0.1
    clock.move(TELL_EVERY_S)
    notices.progressed(report(100))
    record = told(records)
    assert record is not None
    assert record.progress == 0.5


def test_late_progress_does_not_undo_the_end(
    notices: DownloadNotices, records: RecordBook, clock: ManualClock
) -> None:
    notices.ready(MANIFEST)
    clock.move(TELL_EVERY_S)
    notices.progressed(report(190))
    record = told(records)
    assert record is not None
    assert record.state is ModelState.READY


def test_failure_is_told_with_its_reason(notices: DownloadNotices, records: RecordBook) -> None:
    notices.failed(UpstreamError("the hub burns"))
    record = told(records)
    assert record is not None
    assert (record.state, record.message) == (ModelState.FAILED, "the hub burns")


def test_model_that_is_here_stays_ready_while_another_revision_comes(
    records: RecordBook, tmp_path: Path, clock: ManualClock
) -> None:
    publish_manifest(tmp_path, MANIFEST)
    notices = DownloadNotices(records, tmp_path, clock, "dl-1", WANTED)
    notices.progressed(report(20))
    assert told(records) is None
    notices.failed(UpstreamError("the hub burns"))
    record = told(records)
    assert record is not None
    assert (record.state, record.revision) == (ModelState.READY, "old")

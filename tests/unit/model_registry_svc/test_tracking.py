import asyncio

import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import DoesNotFitError, UpstreamError
from fleetserve.jobs.ledger.base import JobNotFoundError, JobState
from model_registry_svc.download_view import DownloadStatus
from model_registry_svc.jobs import new_deletion
from model_registry_svc.orders import DownloadOrder
from model_registry_svc.progress import Phase, ProgressReport, encode_report
from model_registry_svc.tracking import Tracker
from tests.unit.model_registry_svc.conftest import Registry

pytestmark = pytest.mark.anyio
ORDER = DownloadOrder("huggingface", "org/m", "m")


@pytest.fixture
def tracker(registry: Registry) -> Tracker:
    return Tracker(registry.queue, registry.library, SystemClock())


@pytest.mark.parametrize("download_id", ["dl-none", "disk-none"])
def test_unknown_id_is_not_found(tracker: Tracker, download_id: str) -> None:
    with pytest.raises(JobNotFoundError):
        tracker.view(download_id)


async def test_deletion_is_no_download(tracker: Tracker, registry: Registry) -> None:
    job = registry.queue.enqueue(new_deletion("m"))
    with pytest.raises(JobNotFoundError):
        tracker.view(job.id)


async def test_following_gives_each_change_until_the_end(
    tracker: Tracker, registry: Registry
) -> None:
    download_id = registry.downloads.start(ORDER).download_id
    seen = []
    claimed = None
    async for view in tracker.follow(download_id):
        seen.append((view.status, view.bytes_done))
        if len(seen) == 1:
            claimed = registry.ledger.claim("w")
            assert claimed is not None
            report = ProgressReport(Phase.DOWNLOADING, 100, 5002)
            registry.ledger.report(claimed[1], encode_report(report))
        elif len(seen) == 2:
            assert claimed is not None
            registry.ledger.settle(claimed[1], JobState.QUEUED, b"")
            registry.work()
    assert seen == [
        (DownloadStatus.PENDING, 0),
        (DownloadStatus.DOWNLOADING, 100),
        (DownloadStatus.COMPLETED, 5002),
    ]


async def test_waiting_ends_with_the_download(tracker: Tracker, registry: Registry) -> None:
    download_id = registry.downloads.start(ORDER).download_id
    waiting = asyncio.create_task(tracker.wait(download_id, 10))
    await asyncio.to_thread(registry.work)
    assert (await waiting).status is DownloadStatus.COMPLETED


async def test_waiting_ends_with_its_time_too(tracker: Tracker, registry: Registry) -> None:
    download_id = registry.downloads.start(ORDER).download_id
    assert (await tracker.wait(download_id, -1)).status is DownloadStatus.PENDING


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (b'{"message":"full","error":"full","code":"no_disk_room"}', DoesNotFitError),
        (b'{"message":"gone","error":"gone","code":"bad_upstream"}', UpstreamError),
    ],
)
async def test_failure_is_raised_with_a_status_that_fits(
    tracker: Tracker, registry: Registry, result: bytes, error: type[Exception]
) -> None:
    download_id = registry.downloads.start(ORDER).download_id
    claimed = registry.ledger.claim("w")
    assert claimed is not None
    registry.ledger.settle(claimed[1], JobState.FAILED, result)
    with pytest.raises(error):
        await tracker.wait(download_id, 10)


async def test_any_job_can_be_waited_for(tracker: Tracker, registry: Registry) -> None:
    job = registry.queue.enqueue(new_deletion("m"))
    assert not (await tracker.wait_for_job(job.id, -1)).state.finished
    registry.work()
    assert (await tracker.wait_for_job(job.id, 10)).state is JobState.SUCCEEDED

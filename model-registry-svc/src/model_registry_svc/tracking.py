"""Following a job to its end without holding up the event loop."""

import asyncio
from collections.abc import AsyncIterator

from fleetserve.clock import Clock
from fleetserve.errors import (
    DoesNotFitError,
    FleetError,
    ForbiddenError,
    UnavailableError,
    UpstreamError,
)
from fleetserve.jobs.ledger.base import Job, JobNotFoundError, LedgerUnavailableError
from fleetserve.jobs.queue.base import JobQueue
from model_registry_svc.download_view import (
    DownloadStatus,
    DownloadView,
    view_of_job,
    view_of_manifest,
)
from model_registry_svc.downloads import ON_DISK_PREFIX
from model_registry_svc.jobs import DOWNLOAD_KIND
from model_registry_svc.library import Library

# As often as the worker reports.
LOOK_EVERY_S = 0.025
# For those who only want to know the end.
WAIT_EVERY_S = 0.2

_ERRORS: dict[str, type[FleetError]] = {
    "no_disk_room": DoesNotFitError,
    "does_not_fit": DoesNotFitError,
    "no_room": UnavailableError,
    "gated_repository": ForbiddenError,
    "source_refuses": ForbiddenError,
}


class Tracker:
    """Reads what became of jobs. Called on the event loop; reading is done in threads."""

    def __init__(self, queue: JobQueue, library: Library, clock: Clock) -> None:
        self._queue = queue
        self._library = library
        self._clock = clock

    def view(self, download_id: str) -> DownloadView:
        """The download now; blocking.

        Raises: JobNotFoundError: there is none of that id. LedgerUnavailableError.
        """
        if download_id.startswith(ON_DISK_PREFIX):
            manifest = self._library.find(download_id.removeprefix(ON_DISK_PREFIX))
            if manifest is None:
                raise JobNotFoundError(download_id)
            return view_of_manifest(download_id, manifest)
        job = self._queue.status(download_id)
        if job.kind != DOWNLOAD_KIND:
            raise JobNotFoundError(download_id)
        return view_of_job(job)

    async def follow(
        self, download_id: str, every_s: float = LOOK_EVERY_S
    ) -> AsyncIterator[DownloadView]:
        """Each change until the end; a while without Redis is a while without changes.

        Raises: JobNotFoundError.
        """
        last: DownloadView | None = None
        while last is None or not last.status.finished:
            try:
                view = await asyncio.to_thread(self.view, download_id)
            except LedgerUnavailableError:
                if last is None:
                    raise
                view = last
            if view != last:
                yield view
                last = view
            if not view.status.finished:
                await self._clock.sleep(every_s)

    async def wait(self, download_id: str, timeout_s: float) -> DownloadView:
        """The download at its end, or as it is after ``timeout_s``.

        Raises: FleetError: it failed; with the reason, and a status that fits it.
        """
        deadline_s = self._clock.monotonic_s() + timeout_s
        async for view in self.follow(download_id, WAIT_EVERY_S):
            if view.status is DownloadStatus.FAILED:
                error = _ERRORS.get(view.code, UpstreamError)
                raise error(view.message, code=view.code or None)
            if view.status.finished or self._clock.monotonic_s() > deadline_s:
                return view
        raise JobNotFoundError(download_id)

    async def wait_for_job(self, job_id: str, timeout_s: float) -> Job:
        """Any job at its end, or as it is after ``timeout_s``."""
        deadline_s = self._clock.monotonic_s() + timeout_s
        while True:
            job = await asyncio.to_thread(self._queue.status, job_id)
            if job.state.finished or self._clock.monotonic_s() > deadline_s:
                return job
            await self._clock.sleep(LOOK_EVERY_S)

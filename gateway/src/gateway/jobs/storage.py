"""Room on the jobs volume: what is old or too much goes, the oldest results first."""

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import DoesNotFitError
from fleetserve.jobs.ledger.base import Job, JobLedger, JobNotFoundError, LedgerUnavailableError
from fleetserve.jobs.queue.base import JobQueue
from gateway.jobs.job_files import FolderInfo, JobFiles
from gateway.jobs.webhook.courier import call_courier

log = structlog.get_logger(__name__)

# A folder is made before its record; one so old without a record belongs to nobody.
ORPHAN_AFTER_S = 600.0


class Storage:
    """Blocking; safe from several threads and processes.

    Args:
        webhooks: Where ends that nobody was told of are handed in.
        max_bytes: What all files together may take.
    """

    def __init__(
        self,
        files: JobFiles,
        ledger: JobLedger,
        webhooks: JobQueue,
        max_bytes: int,
        clock: Clock,
    ) -> None:
        self._files = files
        self._ledger = ledger
        self._webhooks = webhooks
        self._max_bytes = max_bytes
        self._clock = clock

    def make_room(self, size: int) -> None:
        """Returns when ``size`` more bytes are within the bound, having removed old results.

        Raises: DoesNotFitError: what is not finished leaves no room. LedgerUnavailableError.
        """
        left = self._max_bytes - size
        used = self._files.used_bytes()
        if used > left:
            used -= self._drop_finished(used - left)
        if used > left:
            raise DoesNotFitError(
                f"The bodies and results of jobs may take {self._max_bytes >> 20} MiB"
                " (jobs.disk_mib in config.yaml), and those of unfinished ones take it up.",
                code="jobs_volume_full",
            )

    def tidy(self) -> None:
        """Removes what nobody can ask for any more, and what is over the bound.

        Ends whose webhook was lost by a kill are handed in again.

        Raises: LedgerUnavailableError.
        """
        now_s = self._clock.now_s()
        for info in self._files.folders():
            job = self._find(info)
            if job is None and now_s - info.modified_s > ORPHAN_AFTER_S:
                self._files.remove(info.name)
            elif job is not None and job.state.finished and self._files.webhook(info.name).exists():
                call_courier(self._webhooks, job)
        over = self._files.used_bytes() - self._max_bytes
        if over > 0:
            self._drop_finished(over)

    def _drop_finished(self, bytes_wanted: int) -> int:
        """Removes results, the oldest first; how many bytes that gave."""
        freed = 0
        for info in self._files.folders():
            if freed >= bytes_wanted:
                break
            job = self._find(info)
            if job is not None and job.state.finished and info.bytes:
                self._files.remove(info.name)
                freed += info.bytes
                log.info("job.result_dropped", job=info.job_id, bytes=info.bytes)
        return freed

    def _find(self, info: FolderInfo) -> Job | None:
        try:
            return self._ledger.read(info.job_id)
        except JobNotFoundError:
            return None


def tidy_quietly(storage: Storage) -> None:
    """As ``tidy``; with Redis away there is nothing to be done."""
    try:
        storage.tidy()
    except LedgerUnavailableError as exc:
        log.info("jobs.not_tidied", reason=exc.detail)

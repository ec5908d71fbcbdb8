"""What the registry does by itself: keeps records true, fetches what the start wants."""

import asyncio
from collections.abc import Sequence

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import FleetError, UnavailableError, UpstreamError
from fleetserve.jobs.ledger.base import JobNotFoundError
from fleetserve.jobs.queue.base import JobQueue
from model_registry_svc.catalogue import Catalogue
from model_registry_svc.downloads import Downloads
from model_registry_svc.library import Library
from model_registry_svc.orders import DownloadOrder
from model_registry_svc.record_keeping import keep_records
from model_registry_svc.records import RecordBook

log = structlog.get_logger(__name__)

KEEP_EVERY_S = 10.0
KEEP_SOON_S = 1.0
FETCH_AGAIN_S = 30.0


class RecordKeeper:
    """Puts right what records say, at the start and every KEEP_EVERY_S.

    Attributes:
        kept: Whether that was done once, so that the fleet knows what is here.
    """

    def __init__(
        self, records: RecordBook, library: Library, queue: JobQueue, clock: Clock
    ) -> None:
        self._records = records
        self._library = library
        self._queue = queue
        self._clock = clock
        self.kept = False

    async def run(self) -> None:
        """Until cancelled; Redis may be away for as long as it likes."""
        while True:
            try:
                done = await asyncio.to_thread(
                    keep_records, self._records, self._library, self._is_running
                )
            except UnavailableError as exc:
                log.info("records.not_kept", reason=exc.detail)
                await self._clock.sleep(KEEP_SOON_S)
                continue
            if done.put or done.remove:
                put = [record.name for record in done.put]
                log.info("records.corrected", put=put, removed=list(done.remove))
            self.kept = True
            await self._clock.sleep(KEEP_EVERY_S)

    def _is_running(self, download_id: str) -> bool:
        if not download_id:
            return False
        try:
            return not self._queue.status(download_id).state.finished
        except JobNotFoundError:
            return False


async def fetch_at_start(downloads: Downloads, catalogue: Catalogue, clock: Clock) -> None:
    """Orders what models.json wants at the start; a source that is away is asked again."""
    waiting: Sequence[str] = catalogue.load_at_start
    while waiting:
        left = []
        for name in waiting:
            entry = catalogue.available_models[name]
            order = DownloadOrder(entry.source, entry.model_id, name)
            try:
                await asyncio.to_thread(downloads.start, order)
            except (UpstreamError, UnavailableError) as exc:
                log.warning("start.waiting", model=name, reason=exc.detail)
                left.append(name)
            except FleetError as exc:
                log.warning("start.not_fetched", model=name, reason=exc.detail)
        waiting = left
        if waiting:
            await clock.sleep(FETCH_AGAIN_S)

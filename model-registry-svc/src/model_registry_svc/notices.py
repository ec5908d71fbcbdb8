"""What a running download tells the fleet, so that gateways can hold requests and say why."""

from pathlib import Path
from threading import Lock

from msgspec.structs import replace

from fleetserve.clock import Clock
from fleetserve.errors import FleetError
from fleetserve.manifest import Manifest
from fleetserve.model_records import ModelRecord, ModelState
from model_registry_svc.library import published_manifest
from model_registry_svc.plan import DownloadJob
from model_registry_svc.progress import ProgressReport
from model_registry_svc.records import RecordBook, ready_record

# Gateways need to know roughly; a message per report would be five a second for each of them.
TELL_EVERY_S = 0.5


class DownloadNotices:
    """One download's notices, from any thread.

    A model that is here already stays ready for the fleet while another revision comes.
    """

    def __init__(
        self,
        records: RecordBook,
        models_dir: Path,
        clock: Clock,
        download_id: str,
        wanted: DownloadJob,
    ) -> None:
        self._records = records
        self._clock = clock
        self._download_id = download_id
        self._wanted = wanted
        self._earlier = published_manifest(models_dir, wanted.request.name)
        self._lock = Lock()
        self._ended = False
        self._told_s = float("-inf")

    def progressed(self, report: ProgressReport) -> None:
        """Tells the fleet now and then; after the end nothing more."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            if self._ended or self._earlier or now_s - self._told_s < TELL_EVERY_S:
                return
            self._told_s = now_s
            self._records.put(downloading_record(self._download_id, self._wanted, report))

    def ready(self, manifest: Manifest) -> None:
        self._end(ready_record(manifest, self._download_id))

    def failed(self, exc: FleetError) -> None:
        if self._earlier is not None:
            self._end(ready_record(self._earlier, self._download_id))
            return
        record = downloading_record(self._download_id, self._wanted, ProgressReport())
        self._end(replace(record, state=ModelState.FAILED, message=exc.detail))

    def _end(self, record: ModelRecord) -> None:
        with self._lock:
            self._ended = True
            self._records.put(record)


def downloading_record(
    download_id: str, wanted: DownloadJob, report: ProgressReport
) -> ModelRecord:
    """The record of a model on its way; the message is the phase, for whoever has to wait."""
    request, plan = wanted.request, wanted.plan
    total = report.bytes_total or (plan.bytes_total if plan else 0)
    share = report.bytes_done / total if total else 0.0
    return ModelRecord(
        name=request.name,
        task=(plan.task if plan else request.task) or "",
        state=ModelState.DOWNLOADING,
        revision=plan.revision if plan else "",
        progress=round(share, 4),
        message=report.message or f"downloading {share:.0%}",
        download_id=download_id,
        source=request.source,
        model_id=request.model_id,
        size_bytes=total,
        input_rank=request.input_rank,
        two_stage_voice=plan.two_stage_voice if plan else request.may_rewrite,
    )

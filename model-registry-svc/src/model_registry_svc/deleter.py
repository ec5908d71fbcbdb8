"""Does a deletion job: takes a model from the volume. Only the worker runs it."""

from pathlib import Path

import msgspec
import structlog

from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.manifest import manifest_path
from model_registry_svc.disk import remove_folder
from model_registry_svc.plan import DeleteRequest, DeleteResult
from model_registry_svc.records import RecordBook

log = structlog.get_logger(__name__)

TRASH_FOLDER = ".trash"

_decode = msgspec.json.Decoder(DeleteRequest).decode


class Deleter:
    """The handler of deletion jobs; deleting what is not there is done at once."""

    def __init__(self, models_dir: Path, records: RecordBook) -> None:
        self._models_dir = models_dir
        self._records = records

    def run(self, job: LeasedJob) -> bytes:
        """See Handler; the result is a DeleteResult."""
        request = _decode(job.job.request)
        job.check()
        # Without its manifest the model is gone for everybody, also if we die half-way.
        manifest_path(self._models_dir, request.name).unlink(missing_ok=True)
        self._records.remove(request.name)
        trash = self._models_dir / TRASH_FOLDER / job.job.id
        freed = remove_folder(self._models_dir / request.name, trash)
        log.info("model.deleted", model=request.name, freed_bytes=freed)
        return msgspec.json.encode(DeleteResult(freed_bytes=freed))

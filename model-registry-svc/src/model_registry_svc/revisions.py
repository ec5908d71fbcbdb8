"""Another revision of a model that is here, and downloads that are taken up again."""

from fleetserve.errors import ConflictError, ModelNotFoundError
from fleetserve.jobs.ledger.base import JobState
from fleetserve.manifest import Manifest, read_manifest
from fleetserve.model_records import ModelRecord, ModelState
from model_registry_svc.downloads import Downloads, Started
from model_registry_svc.jobs import read_download
from model_registry_svc.library import Library
from model_registry_svc.orders import DownloadOrder
from model_registry_svc.plan import DownloadJob, DownloadRequest
from model_registry_svc.records import RecordBook

_TO_RETRY = (JobState.FAILED, JobState.CANCELLED)


class Revisions:
    """Blocking; safe from several threads.

    Raises (from every method): ModelNotFoundError; ConflictError: there is nothing to do it with;
    what Downloads.start raises.
    """

    def __init__(self, downloads: Downloads, library: Library, records: RecordBook) -> None:
        self._downloads = downloads
        self._library = library
        self._records = records

    def update(self, name: str, revision: str | None) -> Started:
        """Fetches the newest revision and has it take over, or says that it is here.

        ``revision``: a branch, a tag or a commit instead of what was asked for before.
        """
        manifest = self._published(name)
        request = self._downloads.complete(
            DownloadOrder(
                manifest.source,
                manifest.model_id,
                manifest.name,
                revision=revision or manifest.ref,
                task=manifest.task,
                include_vocoder=manifest.vocoder is not None,
                vocoder_model=manifest.vocoder.model_id if manifest.vocoder else None,
                auto_convert_tts=manifest.two_stage_voice,
                allow_pickle=manifest.allow_pickle,
                input_rank=manifest.input_rank,
            )
        )
        return self._downloads.fetch(request, manifest)

    def rollback(self, name: str) -> Started:
        """Has the revision before this one take over again; nothing is fetched."""
        manifest = self._published(name)
        if not manifest.previous_revision:
            raise ConflictError(
                f"{manifest.name} has no earlier revision here; one is kept after an update.",
                code="no_previous_revision",
            )
        folder = self._library.models_dir
        kept = read_manifest(folder, manifest.name, manifest.previous_revision)
        request = DownloadRequest(
            name=kept.name,
            source=kept.source,
            model_id=kept.model_id,
            revision=kept.revision,
            task=kept.task,
        )
        wanted = DownloadJob(request, restore=kept.revision)
        return self._downloads.enqueue(wanted, manifest)

    def retry(self, name: str) -> Started:
        """Takes up a download that failed from the bytes that have come; joins a running one."""
        record = self._records.find(name)
        if record is None:
            raise ModelNotFoundError(name)
        manifest = self._library.find(record.name)
        last = self._downloads.last(record)
        if last is not None and last.state is not JobState.SUCCEEDED:
            wanted = read_download(last)
            if last.state in _TO_RETRY and wanted.restore:
                return self._downloads.enqueue(wanted, manifest)
            return self._downloads.fetch(wanted.request, manifest)
        if manifest is not None:
            raise ConflictError(
                f"No download of {manifest.name} has failed. action=update fetches a newer "
                "revision.",
                code="nothing_to_retry",
            )
        return self._downloads.fetch(self._downloads.complete(_order(record)), None)

    def _published(self, name: str) -> Manifest:
        manifest = self._library.find(name)
        if manifest is not None:
            return manifest
        record = self._records.find(name)
        if record is None:
            raise ModelNotFoundError(name)
        raise not_ready(record)


def not_ready(record: ModelRecord) -> ConflictError:
    """Why nothing can be done with a model that is not here yet."""
    if record.state is ModelState.FAILED:
        detail = f"The download of {record.name} failed: {record.message} action=retry_download"
        detail += " takes it up again."
    else:
        detail = f"{record.name} is still being downloaded ({record.progress:.0%})."
    return ConflictError(detail, code="model_not_ready")


def _order(record: ModelRecord) -> DownloadOrder:
    """What the record still says of a download whose job is forgotten."""
    return DownloadOrder(
        record.source,
        record.model_id,
        record.name,
        revision=record.revision or None,
        task=record.task or None,
        auto_convert_tts=record.two_stage_voice,
        input_rank=record.input_rank,
    )

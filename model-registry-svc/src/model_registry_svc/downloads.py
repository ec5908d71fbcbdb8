"""Downloads and deletions as callers ask for them: checks, then hands them to the worker."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec.structs import replace

from fleetserve.errors import ConflictError, ModelNotFoundError
from fleetserve.jobs.ledger.base import Job, JobNotFoundError
from fleetserve.jobs.queue.base import JobQueue
from fleetserve.manifest import Manifest
from fleetserve.model_records import ModelRecord
from fleetserve.tasks import Task
from model_registry_svc.catalogue import Catalogue
from model_registry_svc.disk import FreeBytes, check_room, free_bytes
from model_registry_svc.jobs import DOWNLOAD_KIND, new_deletion, new_download, read_download
from model_registry_svc.library import Library
from model_registry_svc.notices import downloading_record
from model_registry_svc.orders import DownloadOrder, complete
from model_registry_svc.plan import DownloadJob, DownloadPlan, DownloadRequest
from model_registry_svc.planner import Planner
from model_registry_svc.progress import ProgressReport
from model_registry_svc.records import RecordBook, ready_record
from model_registry_svc.replicas import ReplicaBoard
from model_registry_svc.source.base import SourceBusyError

# The id under which a model that was here before is asked for; no job is behind it.
ON_DISK_PREFIX = "disk-"


class StartedStatus(StrEnum):
    DOWNLOADING = "downloading"
    ALREADY_EXISTS = "already_exists"


@dataclass(frozen=True, slots=True)
class Started:
    """What became of an order. Without a plan the worker is still to make it."""

    status: StartedStatus
    download_id: str
    request: DownloadRequest
    plan: DownloadPlan | None = None
    manifest: Manifest | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion in the worker's hands; ``holders`` are replicas that keep the model for now."""

    name: str
    job: Job
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DownloadPolicy:
    """What the configuration says about downloads.

    Attributes:
        use_mirrors: Off where a hub of one's own is set: the public internet is not asked then.
    """

    allow_pickle: bool
    keep_free_bytes: int
    use_mirrors: bool = True


class Downloads:
    """Blocking; safe from several threads."""

    def __init__(
        self,
        planner: Planner,
        queue: JobQueue,
        records: RecordBook,
        library: Library,
        board: ReplicaBoard,
        catalogue: Catalogue,
        policy: DownloadPolicy,
        *,
        free: FreeBytes = free_bytes,
    ) -> None:
        self._planner = planner
        self._queue = queue
        self._records = records
        self._library = library
        self._board = board
        self._catalogue = catalogue
        self._policy = policy
        self._free = free

    def start(self, order: DownloadOrder) -> Started:
        """Begins the download, or says that it is here or under way; idempotent.

        Raises:
            InvalidFieldError: what the order says can't be. ConflictError: another model has
            the name. NotFoundError, ForbiddenError, UpstreamError: what the source says.
            DoesNotFitError: no room on the disk. UnavailableError: Redis is away.
        """
        request = self.complete(order)
        manifest = self._library.find(request.name)
        if manifest is not None:
            _refuse_other(request, manifest.source, manifest.model_id, manifest.name)
            request = replace(request, name=manifest.name)
            if _is_met(request, manifest):
                return _already(request, manifest)
        return self.fetch(request, manifest)

    def complete(self, order: DownloadOrder) -> DownloadRequest:
        """See orders.complete, with this fleet's catalogue and configuration."""
        policy = self._policy
        return complete(
            order,
            self._catalogue,
            allow_pickle=policy.allow_pickle,
            mirrors=policy.use_mirrors,
        )

    def fetch(self, request: DownloadRequest, manifest: Manifest | None) -> Started:
        """What the source has now, or says that it is here or under way.

        ``manifest``: what is published under that name. Raises: as start.
        """
        running = self.running(request.name)
        if running is not None:
            return self._join(running, request)
        plan = self._plan(request)
        if plan is not None and manifest is not None and _is_here(plan, manifest):
            return _already(request, manifest)
        if plan is not None:
            self._check_room(plan, request.name)
        return self.enqueue(DownloadJob(request, plan), manifest)

    def delete(self, name: str, *, force: bool) -> Deletion:
        """Stops its download if there is one, and has the worker delete it.

        Raises: ModelNotFoundError; ConflictError: replicas hold it and ``force`` is off;
            UnavailableError: Redis is away.
        """
        folder = self._library.folder_name(name)
        record = self._records.find(name)
        if folder is None and record is None:
            raise ModelNotFoundError(name)
        holders = sorted({h.replica.replica_id for h in self._board.holding(name)})
        if holders and not force:
            raise ConflictError(
                f"{name!r} is loaded on {', '.join(holders)}. Unload it first, or repeat with "
                "?force=true: its files go, and those replicas keep it until they unload it.",
                code="model_in_use",
                extra={"replicas": holders},
            )
        running = self.running(name)
        if running is not None:
            self._queue.cancel(running.id)
        known_as = folder or (record.name if record else name)
        job = self._queue.enqueue(new_deletion(known_as))
        return Deletion(known_as, job, tuple(holders))

    def running(self, name: str) -> Job | None:
        """The download of that name which is under way."""
        job = self.last(self._records.find(name))
        return job if job is not None and not job.state.finished else None

    def last(self, record: ModelRecord | None) -> Job | None:
        """The model's last download, as far as it is still known."""
        if record is None or not record.download_id:
            return None
        try:
            job = self._queue.status(record.download_id)
        except JobNotFoundError:
            return None
        return job if job.kind == DOWNLOAD_KIND else None

    def _join(self, job: Job, request: DownloadRequest) -> Started:
        running = read_download(job)
        _refuse_other(
            request, running.request.source, running.request.model_id, running.request.name
        )
        return Started(StartedStatus.DOWNLOADING, job.id, running.request, running.plan)

    def _plan(self, request: DownloadRequest) -> DownloadPlan | None:
        """The plan; None where the source is busy, so that the worker has to make it."""
        try:
            return self._planner.plan(request)
        except SourceBusyError:
            return None

    def _check_room(self, plan: DownloadPlan, name: str) -> None:
        """Roughly, and now; the worker checks again, file by file."""
        needed = plan.bytes_total + plan.bytes_converted
        missing = max(0, needed - self._library.disk_bytes(name))
        check_room(self._library.models_dir, missing, self._policy.keep_free_bytes, self._free)

    def enqueue(self, wanted: DownloadJob, manifest: Manifest | None) -> Started:
        """Hands it to the worker; what is published meanwhile stays ready. Raises: as start."""
        job = self._queue.enqueue(new_download(wanted))
        recorded = read_download(job)
        if (recorded.request, recorded.restore) != (wanted.request, wanted.restore):
            # Somebody was faster by a moment.
            return self._join(job, wanted.request)
        if manifest is None:
            self._records.put(downloading_record(job.id, wanted, ProgressReport()))
        else:
            self._records.put(ready_record(manifest, job.id))
        return Started(StartedStatus.DOWNLOADING, job.id, wanted.request, wanted.plan)


def _refuse_other(request: DownloadRequest, source: str, model_id: str, name: str) -> None:
    if (request.source, request.model_id) != (source, model_id):
        raise ConflictError(
            f"The name {name!r} belongs to {model_id} from {source}. Choose another name, or "
            f"delete that model first (DELETE /models/download/{name}).",
            code="name_taken",
            extra={"source": source, "model_id": model_id},
        )


def _already(request: DownloadRequest, manifest: Manifest) -> Started:
    return Started(
        StartedStatus.ALREADY_EXISTS,
        f"{ON_DISK_PREFIX}{manifest.name}",
        request,
        manifest=manifest,
    )


def _is_met(request: DownloadRequest, manifest: Manifest) -> bool:
    """Whether the model here is what is wanted, as far as can be said without the source."""
    if request.revision not in {None, manifest.revision}:
        return False
    if request.task not in {None, manifest.task}:
        return False
    speaks = manifest.task == Task.TEXT_TO_SPEECH or manifest.two_stage_voice
    if request.must_speak and not speaks:
        return False
    if not request.include_vocoder and request.vocoder_model is None:
        return True
    have = manifest.vocoder.model_id if manifest.vocoder else None
    return have is not None and request.vocoder_model in {None, have}


def _is_here(plan: DownloadPlan, manifest: Manifest) -> bool:
    wanted = (plan.revision, plan.task, plan.vocoder)
    if wanted != (manifest.revision, manifest.task, manifest.vocoder):
        return False
    if plan.two_stage_voice and not manifest.two_stage_voice:
        return False
    have = {file.path for file in manifest.files}
    return bool(plan.conversion) or all(
        file.target in have for file in plan.files if not file.without
    )

"""Does a download job: plan, fetch, verify, publish. Only the worker runs it."""

import errno
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import structlog

from fleetserve.clock import Clock
from fleetserve.errors import DoesNotFitError, FleetError, InternalError
from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.jobs.runner import JobFailedError
from fleetserve.manifest import Manifest, ManifestFile, publish_manifest
from model_registry_svc.disk import FreeBytes, check_room, free_bytes
from model_registry_svc.fetcher import Fetcher
from model_registry_svc.library import published_manifest
from model_registry_svc.notices import DownloadNotices
from model_registry_svc.partial import PARTIALS_FOLDER
from model_registry_svc.plan import DownloadJob, DownloadPlan, DownloadRequest, DownloadResult
from model_registry_svc.planner import Planner
from model_registry_svc.progress import DownloadProgress, Phase, decode_report, encode_report
from model_registry_svc.records import RecordBook
from model_registry_svc.resolving import resolve_patiently
from model_registry_svc.source.base import ArtifactChangedError, DownloadSource

log = structlog.get_logger(__name__)

# The source may publish while we fetch; one that does so all the time is given up on.
MAX_REPLANS = 3
# A job that took so many owners down with it is not given to another one.
MAX_CLAIMS = 30


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    keep_free_bytes: int
    parallel_files: int


class Downloader:
    """The handler of download jobs; idempotent, resumes what another owner left.

    Args:
        records: Where the fleet is told about the model's state.

    Attributes:
        bytes_per_s: Of the latest download; 0 before the first.
    """

    def __init__(
        self,
        models_dir: Path,
        sources: Mapping[str, DownloadSource],
        records: RecordBook,
        limits: DownloadLimits,
        clock: Clock,
        *,
        free: FreeBytes = free_bytes,
    ) -> None:
        self._models_dir = models_dir
        self._sources = sources
        self._planner = Planner(sources)
        self._records = records
        self._limits = limits
        self._clock = clock
        self._free = free
        self.bytes_per_s = 0.0

    def run(self, job: LeasedJob) -> bytes:
        """See Handler; the result is a DownloadResult."""
        wanted = msgspec.json.decode(job.job.request, type=DownloadJob)
        progress = DownloadProgress(self._clock, decode_report(job.job.progress))
        notices = DownloadNotices(self._records, self._models_dir, self._clock, job.job.id, wanted)
        job.reporter = partial(self._report, progress, notices)
        try:
            if job.job.fence > MAX_CLAIMS:
                raise InternalError(
                    f"Given up after {MAX_CLAIMS} workers ended over it.", code="given_up"
                )
            manifest = self._download(job, wanted, progress)
        except FleetError as exc:
            notices.failed(exc)
            result = DownloadResult(message=exc.detail, error=exc.detail, code=exc.code)
            raise JobFailedError(msgspec.json.encode(result)) from exc
        notices.ready(manifest)
        log.info("download.completed", model=manifest.name, size=manifest.size_bytes)
        return msgspec.json.encode(
            DownloadResult(
                message=_completed_message(manifest),
                revision=manifest.revision,
                size_bytes=manifest.size_bytes,
                warnings=manifest.warnings,
            )
        )

    def _download(
        self, job: LeasedJob, wanted: DownloadJob, progress: DownloadProgress
    ) -> Manifest:
        plan = wanted.plan
        for _ in range(MAX_REPLANS):
            if plan is None:
                progress.enter(Phase.RESOLVING)
                plan = resolve_patiently(self._planner, wanted.request, job, progress)
            try:
                return self._fetch_and_publish(job, wanted.request, plan, progress)
            except ArtifactChangedError as exc:
                log.warning("download.replanned", model=wanted.request.name, reason=exc.detail)
                plan = None
        raise ArtifactChangedError(
            f"{wanted.request.model_id} changed {MAX_REPLANS} times while it was fetched."
        )

    def _fetch_and_publish(
        self,
        job: LeasedJob,
        request: DownloadRequest,
        plan: DownloadPlan,
        progress: DownloadProgress,
    ) -> Manifest:
        home = self._models_dir / request.name
        fetcher = Fetcher(
            self._sources,
            home / plan.revision,
            home / PARTIALS_FOLDER,
            watch=job,
            progress=progress,
            width=self._limits.parallel_files,
        )
        missing = fetcher.missing_bytes(plan.files)
        check_room(self._models_dir, missing, self._limits.keep_free_bytes, self._free)
        progress.enter(Phase.DOWNLOADING)
        try:
            files, warnings = fetcher.fetch(plan.files)
        except OSError as exc:
            raise _disk_error(exc) from exc
        progress.enter(Phase.VERIFYING)
        manifest = self._manifest(request, plan, files, warnings)
        self._publish(job, manifest)
        return manifest

    def _report(self, progress: DownloadProgress, notices: DownloadNotices) -> bytes:
        snapshot = progress.snapshot()
        self.bytes_per_s = snapshot.bytes_per_s or self.bytes_per_s
        notices.progressed(snapshot)
        return encode_report(snapshot)

    def _manifest(
        self,
        request: DownloadRequest,
        plan: DownloadPlan,
        files: list[ManifestFile],
        warnings: list[str],
    ) -> Manifest:
        return Manifest(
            name=request.name,
            source=request.source,
            model_id=request.model_id,
            revision=plan.revision,
            task=plan.task,
            files=tuple(files),
            size_bytes=sum(file.size for file in files),
            created_at=self._clock.now_s(),
            input_rank=request.input_rank,
            vocoder=plan.vocoder,
            allow_pickle=request.allow_pickle,
            warnings=(*plan.warnings, *warnings),
        )

    def _publish(self, job: LeasedJob, manifest: Manifest) -> None:
        """Makes the revision the model's; the one before it is kept, older ones go."""
        home = self._models_dir / manifest.name
        earlier = published_manifest(self._models_dir, manifest.name)
        job.check()
        publish_manifest(self._models_dir, manifest)
        kept = {manifest.revision, earlier.revision if earlier else ""}
        for folder in home.iterdir():
            if folder.is_dir() and folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def _completed_message(manifest: Manifest) -> str:
    count = len(manifest.files)
    done = f"{manifest.name} is here: {count} files, {manifest.size_bytes} bytes, verified."
    return " ".join([done, *manifest.warnings])


def _disk_error(exc: OSError) -> FleetError:
    if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DoesNotFitError(
            "The models volume is full. DELETE /models/download/{name} frees room; the same "
            "request then goes on where it broke.",
            code="no_disk_room",
        )
    raise exc

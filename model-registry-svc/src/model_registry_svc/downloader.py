"""Does a download job: plan, fetch, verify, publish. Only the worker runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import structlog

from fleetserve.clock import Clock
from fleetserve.disk_room import full_disk_as
from fleetserve.errors import FleetError, InternalError
from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.jobs.runner import JobFailedError
from fleetserve.manifest import Manifest, ManifestFile, read_manifest
from model_registry_svc.disk import FreeBytes, check_room, free_bytes
from model_registry_svc.fetcher import Fetcher
from model_registry_svc.jobs import read_download
from model_registry_svc.library import published_manifest
from model_registry_svc.notices import DownloadNotices
from model_registry_svc.partial import PARTIALS_FOLDER
from model_registry_svc.plan import DownloadJob, DownloadPlan, DownloadRequest, DownloadResult
from model_registry_svc.planner import Planner
from model_registry_svc.progress import DownloadProgress, Phase, decode_report, encode_report
from model_registry_svc.publisher import Publisher
from model_registry_svc.records import RecordBook
from model_registry_svc.resolving import resolve_patiently
from model_registry_svc.source.base import ArtifactChangedError, DownloadSource
from model_registry_svc.torchvision.conversion import convert

log = structlog.get_logger(__name__)

# The source may publish while we fetch; one that does so all the time is given up on.
MAX_REPLANS = 3
# A job that took so many owners down with it is not given to another one.
MAX_CLAIMS = 30
VOLUME_FULL = (
    "The models volume is full. DELETE /models/download/{name} frees room; the same request then "
    "goes on where it broke."
)


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
        publisher: Publisher,
        limits: DownloadLimits,
        clock: Clock,
        *,
        free: FreeBytes = free_bytes,
    ) -> None:
        self._models_dir = models_dir
        self._sources = sources
        self._planner = Planner(sources)
        self._records = records
        self._publisher = publisher
        self._limits = limits
        self._clock = clock
        self._free = free
        self.bytes_per_s = 0.0

    def run(self, job: LeasedJob) -> bytes:
        """See Handler; the result is a DownloadResult."""
        wanted = read_download(job.job)
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
        if wanted.restore:
            kept = read_manifest(self._models_dir, wanted.request.name, wanted.restore)
            return self._publisher.publish(job, kept, progress)
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
        earlier = published_manifest(self._models_dir, request.name)
        if plan.conversion and earlier and earlier.revision == plan.revision:
            # What it was made of is gone, and need not come again.
            files, warnings = list(earlier.files), list[str]()
        else:
            files, warnings = self._fetch(job, request.name, plan, progress)
        manifest = self._manifest(request, plan, files, warnings)
        published = self._publisher.publish(job, manifest, progress)
        if plan.conversion:
            _remove_unlisted(self._models_dir / request.name / plan.revision, published)
        return published

    def _fetch(
        self, job: LeasedJob, name: str, plan: DownloadPlan, progress: DownloadProgress
    ) -> tuple[list[ManifestFile], list[str]]:
        """The model's files, fetched or made of what was fetched, and warnings."""
        home = self._models_dir / name
        fetcher = Fetcher(
            self._sources,
            home / plan.revision,
            home / PARTIALS_FOLDER,
            watch=job,
            progress=progress,
            width=self._limits.parallel_files,
        )
        missing = fetcher.missing_bytes(plan.files) + plan.bytes_converted
        check_room(self._models_dir, missing, self._limits.keep_free_bytes, self._free)
        progress.enter(Phase.DOWNLOADING)
        with full_disk_as(VOLUME_FULL, "no_disk_room"):
            files, warnings = fetcher.fetch(plan.files)
            progress.enter(Phase.VERIFYING)
            if plan.conversion:
                files = convert(home / plan.revision, plan.conversion, job.check)
        return files, warnings

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
            ref=request.revision,
            two_stage_voice=plan.two_stage_voice,
        )


def _remove_unlisted(folder: Path, manifest: Manifest) -> None:
    """Drops what the model's files were made of."""
    listed = {file.path for file in manifest.files}
    for path in folder.iterdir():
        if path.name not in listed:
            path.unlink()


def _completed_message(manifest: Manifest) -> str:
    count = len(manifest.files)
    done = f"{manifest.name} is here: {count} files, {manifest.size_bytes} bytes, verified."
    return " ".join([done, *manifest.warnings])

"""Makes a revision the model's: tried first where another one serves. Only the worker does it."""

import shutil
from pathlib import Path

import structlog
from msgspec.structs import replace

from fleetserve.errors import FleetError
from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.manifest import Manifest, keep_manifest, manifest_path, publish_manifest
from model_registry_svc.library import published_manifest
from model_registry_svc.progress import DownloadProgress, Phase
from model_registry_svc.trial import Trial

log = structlog.get_logger(__name__)

TRYING = "The new revision is loaded beside the one that serves."


class Publisher:
    """Blocking; idempotent."""

    def __init__(self, models_dir: Path, trial: Trial) -> None:
        self._models_dir = models_dir
        self._trial = trial

    def publish(self, job: LeasedJob, manifest: Manifest, progress: DownloadProgress) -> Manifest:
        """The manifest as it is published; the revision before it stays on the disk.

        Raises: FleetError: it can't be loaded, so what was published before stays so.
        JobStoppedError: this process must stop.
        """
        earlier = published_manifest(self._models_dir, manifest.name)
        if earlier is None or earlier.revision == manifest.revision:
            before = earlier.previous_revision if earlier else ""
            return self._put(job, replace(manifest, previous_revision=before))
        manifest = replace(manifest, previous_revision=earlier.revision)
        keep_manifest(self._models_dir, manifest)
        progress.enter(Phase.VERIFYING, TRYING)
        # Without a replica to try it on its first request shows; there is none to fail now.
        try:
            tried = self._trial.stage(manifest, job)
        except FleetError as exc:
            log.warning("revision.refused", model=manifest.name, reason=exc.detail)
            manifest_path(self._models_dir, manifest.name, manifest.revision).unlink()
            raise
        keep_manifest(self._models_dir, earlier)
        published = self._put(job, manifest)
        if tried is not None:
            self._trial.take_over(tried)
        log.info("revision.switched", model=manifest.name, to=manifest.revision, tried=bool(tried))
        return published

    def _put(self, job: LeasedJob, manifest: Manifest) -> Manifest:
        job.check()
        publish_manifest(self._models_dir, manifest)
        self._clear(manifest)
        return manifest

    def _clear(self, manifest: Manifest) -> None:
        """Frees what neither serves nor can be gone back to."""
        kept = {manifest.revision, manifest.previous_revision}
        home = self._models_dir / manifest.name
        stays = manifest_path(self._models_dir, manifest.name, manifest.previous_revision or None)
        for path in home.iterdir():
            if path.is_dir() and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)
        for path in home.glob("manifest.*.json"):
            if path != stays:
                path.unlink(missing_ok=True)

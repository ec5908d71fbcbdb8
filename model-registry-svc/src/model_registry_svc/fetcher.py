"""Fetches all files of a plan into the revision's folder, a few at a time."""

import random
import shutil
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from threading import Lock

import structlog
from msgspec.structs import replace

from fleetserve.errors import FleetError
from fleetserve.manifest import ManifestFile
from model_registry_svc.backoff import MAX_FAILURES, Backoff
from model_registry_svc.digests import ContentHash
from model_registry_svc.parallel import run_all
from model_registry_svc.partial import PartialFile
from model_registry_svc.plan import PlannedFile
from model_registry_svc.progress import DownloadProgress
from model_registry_svc.source.base import Artifact, DownloadSource
from model_registry_svc.transfer import Transfer, Watch

log = structlog.get_logger(__name__)

URL_SOURCE = "url"
# An optional file is not worth minutes of trying.
OPTIONAL_FAILURES = 3


class Fetcher:
    """Used once per plan.

    Args:
        folder: The revision's folder; finished files in it are kept.
        partials: Where files lie while they come; on the same volume.
        width: Files at a time.
    """

    def __init__(
        self,
        sources: Mapping[str, DownloadSource],
        folder: Path,
        partials: Path,
        *,
        watch: Watch,
        progress: DownloadProgress,
        width: int,
        random_source: Callable[[], float] = random.random,
    ) -> None:
        self._sources = sources
        self._folder = folder
        self._partials = partials
        self._watch = watch
        self._progress = progress
        self._width = width
        self._random = random_source
        self._lock = Lock()
        self._fetched: dict[str, ManifestFile] = {}
        self._missing: list[str] = []

    def missing_bytes(self, files: Iterable[PlannedFile]) -> int:
        """Bytes that are not on the volume yet."""
        total = 0
        for file in files:
            size = file.artifact.size or 0
            if not self._is_there(file):
                total += max(0, size - PartialFile(self._partials, file.artifact).size())
        return total

    def fetch(self, files: Iterable[PlannedFile]) -> tuple[list[ManifestFile], list[str]]:
        """The files as the manifest lists them, and warnings about optional ones.

        Raises: what Transfer.run raises for a file that is not optional.
        """
        # The largest first: otherwise it would come alone at the end.
        planned = sorted(files, key=lambda f: -(f.artifact.size or 0))
        self._progress.expect((f.target, f.artifact.size or 0) for f in planned)
        groups: dict[Path, list[PlannedFile]] = {}
        for file in planned:
            groups.setdefault(PartialFile(self._partials, file.artifact).path, []).append(file)
        for alike in groups.values():
            self._progress.set_done(alike[0].target, self._on_disk(alike[0]))
        tasks = [partial(self._fetch_alike, alike) for alike in groups.values()]
        run_all(tasks, self._width, "fetch")
        listed = sorted(self._fetched.values(), key=lambda file: file.path)
        return listed, sorted(self._missing)

    def _fetch_alike(self, files: list[PlannedFile]) -> None:
        """Fetches the first of some files with one content, and copies it to the others."""
        self._fetch_one(files[0])
        for file in files[1:]:
            done = self._fetched.get(files[0].target)
            if done is None or self._is_there(file):
                self._fetch_one(file)
                continue
            self._watch.check()
            self._copy(done, file)

    def _copy(self, done: ManifestFile, file: PlannedFile) -> None:
        draft = PartialFile(self._partials, file.artifact)
        draft.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._folder / done.path, draft.path)
        draft.finish(self._folder / file.target)
        self._progress.set_done(file.target, done.size)
        with self._lock:
            self._fetched[file.target] = ManifestFile(file.target, done.size, done.sha256)

    def _fetch_one(self, file: PlannedFile) -> None:
        self._watch.check()
        if self._is_there(file) and self._note(file):
            return
        if not file.without:
            self._transfer(file.source, file, file.artifact, MAX_FAILURES)
            return
        reasons = []
        for source, artifact in self._addresses(file):
            try:
                self._transfer(source, file, artifact, OPTIONAL_FAILURES)
                return
            except FleetError as exc:
                reasons.append(exc.detail)
        self._progress.drop(file.target)
        log.warning("download.optional_missing", path=file.target, reasons=reasons)
        with self._lock:
            self._missing.append(f"{file.without} ({reasons[0]})")

    def _addresses(self, file: PlannedFile) -> Iterable[tuple[str, Artifact]]:
        yield file.source, file.artifact
        for mirror in file.mirrors:
            yield URL_SOURCE, replace(file.artifact, address=mirror, validator=None)

    def _transfer(
        self, source: str, file: PlannedFile, artifact: Artifact, max_failures: int
    ) -> None:
        transfer = Transfer(
            self._sources[source],
            artifact,
            PartialFile(self._partials, artifact),
            watch=self._watch,
            backoff=Backoff(self._random, max_failures),
            on_bytes=partial(self._progress.set_done, file.target),
            on_trouble=self._progress.say,
        )
        fetched = transfer.run(self._folder / file.target)
        log.info("download.verified", path=file.target, size=fetched.size, sha256=fetched.sha256)
        with self._lock:
            self._fetched[file.target] = ManifestFile(file.target, fetched.size, fetched.sha256)

    def _note(self, file: PlannedFile) -> bool:
        """Lists a file that an earlier owner put in its place; False (and gone) if it is wrong."""
        path = self._folder / file.target
        content = ContentHash(file.artifact)
        size = content.update_from(path)
        if content.mismatch() is not None:
            path.unlink()
            return False
        with self._lock:
            self._fetched[file.target] = ManifestFile(file.target, size, content.sha256)
        return True

    def _is_there(self, file: PlannedFile) -> bool:
        path = self._folder / file.target
        if file.artifact.size is None:
            return path.is_file()
        return path.is_file() and path.stat().st_size == file.artifact.size

    def _on_disk(self, file: PlannedFile) -> int:
        if self._is_there(file):
            return (self._folder / file.target).stat().st_size
        return PartialFile(self._partials, file.artifact).size()

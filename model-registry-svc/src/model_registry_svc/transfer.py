"""Fetches one artifact: resumed where it broke, checked, then put in its place."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog
from msgspec.structs import replace

from fleetserve.errors import UpstreamError
from model_registry_svc.backoff import Backoff
from model_registry_svc.digests import ContentHash
from model_registry_svc.partial import PartialFile
from model_registry_svc.source.base import (
    Artifact,
    ArtifactChangedError,
    ArtifactStream,
    DownloadSource,
    InterruptedTransferError,
)

log = structlog.get_logger(__name__)

# A file that comes wrong a second time is wrong at the source.
MAX_CORRUPT = 2


class Watch(Protocol):
    """The job's word on whether to go on. Blocking.

    Raises (from both): JobStoppedError: the job was cancelled, let go of or taken over.
    """

    def check(self) -> None: ...

    def pause(self, seconds: float) -> None: ...


class CorruptTransferError(UpstreamError):
    """All bytes came, and they are not what the source said they would be."""

    default_code = "corrupt_transfer"


@dataclass(frozen=True, slots=True)
class Fetched:
    size: int
    sha256: str


class Transfer:
    """One artifact on its way to ``target``; used once.

    Args:
        on_bytes: Told how many bytes of the file are on disk.
        on_trouble: Told why it waits.
    """

    def __init__(
        self,
        source: DownloadSource,
        artifact: Artifact,
        partial: PartialFile,
        *,
        watch: Watch,
        backoff: Backoff,
        on_bytes: Callable[[int], None],
        on_trouble: Callable[[str], None],
    ) -> None:
        self._source = source
        self._artifact = artifact
        self._partial = partial
        self._watch = watch
        self._backoff = backoff
        self._on_bytes = on_bytes
        self._on_trouble = on_trouble
        self._hash = ContentHash(artifact)
        self._size = artifact.size
        self._done = 0
        self._ended = False

    def run(self, target: Path) -> Fetched:
        """Fetches what is missing, however often it breaks.

        Raises:
            InterruptedTransferError: it broke too often without a byte in between.
            CorruptTransferError: the content is wrong, twice. ArtifactChangedError: there is
            another version. JobStoppedError: see Watch.
        """
        self._take_up()
        corrupt = 0
        while not self._is_whole():
            self._watch.check()
            try:
                self._fetch_rest()
            except InterruptedTransferError as exc:
                self._wait(exc)
            except ArtifactChangedError:
                self._distrust()
                raise
            if self._is_whole() and (wrong := self._hash.mismatch()) is not None:
                corrupt += 1
                self._begin_anew()
                log.warning("download.corrupt", path=self._artifact.path, found=wrong)
                if corrupt >= MAX_CORRUPT:
                    raise CorruptTransferError(f"{self._artifact.path} comes with {wrong}.")
        self._watch.check()
        self._partial.finish(target)
        return Fetched(self._done, self._hash.sha256)

    def _take_up(self) -> None:
        """Counts and hashes what lies there from before, if its end can be checked."""
        size = self._partial.size()
        pinned = self._hash.is_checked or self._partial.validator()
        if not pinned or (self._size is not None and size > self._size):
            self._partial.discard()
        elif size:
            self._done = self._hash.update_from(self._partial.path)
            self._on_bytes(self._done)
            log.info("download.resumed", path=self._artifact.path, offset=self._done)
        if self._is_whole() and self._hash.mismatch() is not None:
            self._begin_anew()

    def _is_whole(self) -> bool:
        if self._size is None:
            return self._ended
        return self._done == self._size and self._partial.path.exists()

    def _fetch_rest(self) -> None:
        validator = self._partial.validator() or self._artifact.validator
        artifact = replace(self._artifact, validator=validator)
        with self._source.open(artifact, self._done) as stream:
            self._agree_on_size(stream)
            if stream.start != self._done:
                self._begin_anew()
            descriptor = self._partial.open_at(self._done)
            try:
                self._partial.keep_validator(stream.validator or validator)
                for piece in stream:
                    self._take(descriptor, piece)
            finally:
                os.close(descriptor)
        self._ended = True
        if self._size is not None and self._done < self._size:
            raise InterruptedTransferError(f"It ended after {self._done} of {self._size} bytes.")

    def _agree_on_size(self, stream: ArtifactStream) -> None:
        if self._size is None:
            self._size = stream.total
        elif stream.total not in {None, self._size}:
            raise InterruptedTransferError(
                f"The server announces {stream.total} bytes instead of {self._size}."
            )

    def _take(self, descriptor: int, piece: bytes) -> None:
        if self._size is not None and self._done + len(piece) > self._size:
            raise InterruptedTransferError(f"More than {self._size} bytes come.")
        # Checked before each write: once the lease is gone, the file is somebody else's.
        self._watch.check()
        os.write(descriptor, piece)
        self._hash.update(piece)
        self._done += len(piece)
        self._backoff.succeeded()
        self._on_bytes(self._done)

    def _begin_anew(self) -> None:
        self._partial.discard()
        self._hash = ContentHash(self._artifact)
        self._done, self._ended = 0, False
        self._on_bytes(0)

    def _distrust(self) -> None:
        """Keeps the bytes only if a digest will tell whether they are still right."""
        if self._hash.is_checked and self._partial.size():
            self._partial.keep_validator(None)
        else:
            self._partial.discard()

    def _wait(self, exc: InterruptedTransferError) -> None:
        delay_s = self._backoff.next_delay_s(exc.retry_after_s)
        if delay_s is None:
            raise exc
        log.warning(
            "download.interrupted",
            path=self._artifact.path,
            offset=self._done,
            reason=exc.detail,
            retry_in_s=round(delay_s, 2),
        )
        self._on_trouble(f"{exc.detail} Trying again in {delay_s:.0f} s.")
        self._watch.pause(delay_s)
        self._on_trouble("")

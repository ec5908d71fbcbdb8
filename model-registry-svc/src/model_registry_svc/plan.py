"""What a download is: the request, complete, and the plan that a source's answer makes of it."""

import msgspec

from fleetserve.manifest import VocoderSource
from model_registry_svc.source.base import Artifact


class VoiceFile(msgspec.Struct, frozen=True):
    """A speaker's x-vector, fetched with the models it belongs to.

    ``address`` is one of the public hub's, ``mirrors`` are tried after it; ``sha256`` decides.
    """

    name: str
    address: str
    sha256: str
    size: int
    mirrors: tuple[str, ...] = ()


class DownloadRequest(msgspec.Struct, frozen=True):
    """What a caller wants, with what the catalogue and the configuration add to it.

    With ``must_speak`` a model that the source knows for another task is refused, but for one
    that rewrites text if it ``may_rewrite``: that one becomes a voice of two stages.
    """

    name: str
    source: str
    model_id: str
    revision: str | None = None
    task: str | None = None
    include_vocoder: bool = False
    vocoder_model: str | None = None
    allow_pickle: bool = False
    allow_vocoder_pickle: bool = False
    input_rank: int | None = None
    load: bool = True
    must_speak: bool = False
    may_rewrite: bool = False
    voices: tuple[VoiceFile, ...] = ()


class PlannedFile(msgspec.Struct, frozen=True):
    """An artifact, which source it comes from, and where in the revision's folder it goes.

    A file with ``without`` may be missing in the end: that is what to tell then. ``mirrors``
    are addresses to try after the first.
    """

    target: str
    source: str
    artifact: Artifact
    without: str = ""
    mirrors: tuple[str, ...] = ()


class DownloadPlan(msgspec.Struct, frozen=True):
    """What to fetch; ``conversion`` as in Resolution, ``two_stage_voice`` as in the manifest."""

    revision: str
    task: str
    files: tuple[PlannedFile, ...]
    vocoder: VocoderSource | None = None
    warnings: tuple[str, ...] = ()
    conversion: str = ""
    two_stage_voice: bool = False

    @property
    def bytes_total(self) -> int:
        return sum(file.artifact.size or 0 for file in self.files)

    @property
    def bytes_converted(self) -> int:
        """What is written beside the fetched files, which go when that is done."""
        return self.bytes_total if self.conversion else 0


class DownloadJob(msgspec.Struct, frozen=True):
    """A job's request; without a plan the worker makes it.

    ``restore``: a revision whose files are here, to be published again; nothing is fetched then.
    """

    request: DownloadRequest
    plan: DownloadPlan | None = None
    restore: str = ""


class DownloadResult(msgspec.Struct, frozen=True):
    """A job's result; ``error`` and ``code`` say why it failed."""

    message: str
    revision: str = ""
    size_bytes: int = 0
    warnings: tuple[str, ...] = ()
    error: str = ""
    code: str = ""


class DeleteRequest(msgspec.Struct, frozen=True):
    name: str


class DeleteResult(msgspec.Struct, frozen=True):
    freed_bytes: int = 0
    error: str = ""
    code: str = ""

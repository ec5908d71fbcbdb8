"""The port to whatever models can be fetched from."""

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

import msgspec

from fleetserve.errors import NotFoundError, UpstreamError


class SourceRef(msgspec.Struct, frozen=True):
    """What a caller asked for: an id in the source's own terms, and a revision if one is meant."""

    model_id: str
    revision: str | None = None


class Artifact(msgspec.Struct, frozen=True):
    """One file of a resolved revision.

    Attributes:
        path: Relative path with forward slashes; from outside, so not to be trusted.
        address: What ``open`` needs to find it again; holds no secret.
        size: Bytes; None when the source does not say.
        sha256: Hex digest of the content, where the source knows one; or its first digits (8 or
            more) where it knows only those.
        git_sha1: Git's name of the blob, where the source knows that instead.
        validator: The strong ETag seen when a part of it was fetched, for If-Match.
    """

    path: str
    address: str
    size: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None
    validator: str | None = None


class ModelHints(msgspec.Struct, frozen=True):
    """What a source says about the model, from which its task is worked out."""

    pipeline_tag: str | None = None
    library_name: str | None = None
    model_type: str | None = None
    architectures: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Resolution(msgspec.Struct, frozen=True):
    """A revision that will not change, and its files.

    ``revision`` is a commit hash, or a hash of the content for sources without commits.
    ``conversion`` is an id of torchvision's weights where the one file is not loaded as it is,
    but made into a model's folder by ``torchvision/conversion.py``.
    """

    revision: str
    artifacts: tuple[Artifact, ...]
    hints: ModelHints = ModelHints()
    conversion: str = ""


class ArtifactStream(Protocol):
    """The bytes of an artifact from ``start`` on; a context manager that closes it.

    Attributes:
        start: Offset of the first byte that comes; 0 when the source could not skip.
        total: Size of the whole artifact; None when unknown.
        validator: Strong ETag of this version, if there is one.
    """

    start: int
    total: int | None
    validator: str | None

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def __iter__(self) -> Iterator[bytes]: ...


class DownloadSource(Protocol):
    """Resolves references and opens files. Blocking, safe from several threads, idempotent."""

    def resolve(self, ref: SourceRef) -> Resolution:
        """The revision that ``ref`` means now.

        Raises:
            NotFoundError: no such model or revision. ForbiddenError: it needs a token that we
            lack. InvalidFieldError: the id can't be one of this source. SourceBusyError: asked
            too often or failing, may be tried again. UpstreamError: it can't be reached.
        """
        ...

    def open(self, artifact: Artifact, offset: int) -> ArtifactStream:
        """The artifact's bytes from ``offset`` on.

        Raises:
            InterruptedTransferError: may be tried again from where it broke; reading may raise
            it too. ArtifactChangedError: there is another version than the one resolved.
            ForbiddenError, UpstreamError: trying again would not help.
        """
        ...


class SourceBusyError(UpstreamError):
    """The source answers, but not now."""

    default_code = "source_busy"

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class InterruptedTransferError(UpstreamError):
    """The transfer broke; what has arrived is good."""

    default_code = "transfer_interrupted"

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class ArtifactChangedError(UpstreamError):
    """The source now has another version of this artifact; what has arrived is of no use."""

    default_code = "artifact_changed"


class RepositoryNotFoundError(NotFoundError):
    """No such model at the source, or not one that we may see."""

    default_code, title = "repository_not_found", "No such repository"

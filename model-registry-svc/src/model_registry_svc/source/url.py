"""A single file by its address: weights that stand on no hub."""

import hashlib
import re
import socket
from pathlib import PurePosixPath
from urllib.parse import unquote, urldefrag, urlsplit

import httpx2 as httpx

from fleetserve.addresses import is_public
from fleetserve.clock import Clock
from fleetserve.errors import ForbiddenError, InvalidFieldError
from model_registry_svc.source.base import (
    Artifact,
    ArtifactStream,
    InterruptedTransferError,
    Resolution,
    SourceRef,
)
from model_registry_svc.source.http_stream import HttpOpener

_SHA256_FRAGMENT = re.compile(r"sha256[=:]([0-9a-f]{64})")


class UrlSource:
    """One file per model; ``#sha256=<hex>`` at the end of the address pins its content.

    Args:
        allow_private: Take addresses of this machine and of private networks too. Off, since
            anybody who may download could otherwise read what only this machine can reach.
    """

    def __init__(self, client: httpx.Client, clock: Clock, *, allow_private: bool = False) -> None:
        self._allow_private = allow_private
        self._opener = HttpOpener(client, clock, check_url=self._check_address)

    def resolve(self, ref: SourceRef) -> Resolution:
        """See DownloadSource; the revision is a hash of the content or, unpinned, of its ETag."""
        url, sha256 = _split(ref.model_id)
        seen = self._opener.look(url)
        unpinned = f"{url} {seen.validator} {seen.total}"
        revision = sha256 or hashlib.sha256(unpinned.encode()).hexdigest()
        name = PurePosixPath(unquote(urlsplit(url).path)).name
        artifact = Artifact(name, url, seen.total, sha256, validator=seen.validator)
        return Resolution(revision[:40], (artifact,))

    def open(self, artifact: Artifact, offset: int) -> ArtifactStream:
        """See DownloadSource."""
        return self._opener.open(artifact.address, offset, artifact.validator)

    def _check_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidFieldError("model_id", f"{url!r} is not an http or https address.")
        if self._allow_private:
            return
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
        except OSError as exc:
            raise InterruptedTransferError(f"{parts.hostname} is not found: {exc}.") from exc
        for *_, address in found:
            if not is_public(str(address[0])):
                raise ForbiddenError(
                    f"{parts.hostname} is a private address; models.allow_private_urls in "
                    "config.yaml allows such.",
                    code="private_address",
                )


def _split(model_id: str) -> tuple[str, str | None]:
    """The address without its fragment, and the sha256 that the fragment gives."""
    url, fragment = urldefrag(model_id)
    if not PurePosixPath(urlsplit(url).path).name:
        raise InvalidFieldError("model_id", f"{model_id!r} is not the address of a file.")
    if not fragment:
        return url, None
    found = _SHA256_FRAGMENT.fullmatch(fragment)
    if found is None:
        raise InvalidFieldError("model_id", "after '#' only sha256=<64 hex digits> may stand.")
    return url, found[1]

"""torchvision's published weights: one file each, named after the first digits of its sha256."""

import hashlib
from urllib.parse import quote

import httpx2 as httpx

from fleetserve.clock import Clock
from fleetserve.errors import InvalidFieldError
from fleetserve.tasks import Task
from model_registry_svc.source.base import (
    Artifact,
    ArtifactStream,
    ModelHints,
    Resolution,
    SourceRef,
)
from model_registry_svc.source.http_stream import HttpOpener
from model_registry_svc.torchvision.conversion import VERSION
from model_registry_svc.torchvision.zoo import find_weights

PUBLIC_ENDPOINT = "https://download.pytorch.org/models"


class TorchvisionSource:
    """Ids as in find_weights; none of torchvision's code is fetched or run.

    Args:
        endpoint: Where the files lie; PUBLIC_ENDPOINT when empty.
    """

    def __init__(self, client: httpx.Client, clock: Clock, *, endpoint: str = "") -> None:
        self._endpoint = (endpoint or PUBLIC_ENDPOINT).rstrip("/")
        self._opener = HttpOpener(client, clock)

    def resolve(self, ref: SourceRef) -> Resolution:
        """See DownloadSource; the revision names the file and how it is converted."""
        weights = find_weights(ref.model_id)
        named = f"{weights.id} {weights.file} converted {VERSION}"
        revision = hashlib.sha256(named.encode()).hexdigest()[:40]
        if ref.revision not in {None, revision}:
            raise InvalidFieldError(
                "revision", f"torchvision has none; name the weights: model_id {weights.id!r}."
            )
        url = f"{self._endpoint}/{quote(weights.file)}"
        seen = self._opener.look(url)
        artifact = Artifact(weights.file, url, seen.total, weights.sha256, validator=seen.validator)
        hints = ModelHints(pipeline_tag=Task.IMAGE_CLASSIFICATION)
        return Resolution(revision, (artifact,), hints, conversion=weights.id)

    def open(self, artifact: Artifact, offset: int) -> ArtifactStream:
        """See DownloadSource."""
        return self._opener.open(artifact.address, offset, artifact.validator)

"""PyTorch Hub: repositories of code, of which only pytorch/vision's weights can be had."""

import re

from fleetserve.errors import ForbiddenError, InvalidFieldError
from model_registry_svc.source.base import (
    Artifact,
    ArtifactStream,
    DownloadSource,
    Resolution,
    SourceRef,
)

VISION = "pytorch/vision"
_ID = re.compile(r"([\w.-]+/[\w.-]+)(?::([\w.-]+))?/([\w.+-]+(?:/[\w.+-]+)?)")


class PytorchHubSource:
    """Ids as ``owner/repo[:ref]/entry``, and ``pytorch/vision[:ref]/entry/WEIGHTS``.

    A repository of the hub is a hubconf.py, which builds the model and fetches its weights itself.
    This fleet never runs it. What pytorch/vision's builds is known, so it comes as weights alone.

    Args:
        torchvision: Has the weights of pytorch/vision.
    """

    def __init__(self, torchvision: DownloadSource) -> None:
        self._torchvision = torchvision

    def resolve(self, ref: SourceRef) -> Resolution:
        """See DownloadSource.

        Raises: ForbiddenError: it is code. InvalidFieldError: no such id, entry or weights.
        """
        found = _ID.fullmatch(ref.model_id)
        if found is None:
            raise InvalidFieldError(
                "model_id", f"{ref.model_id!r} is not owner/repo[:ref]/entry, as torch.hub has it."
            )
        repo, branch, entry = found.groups()
        if repo != VISION:
            raise _code_refused(repo)
        if branch and "/" not in entry:
            raise InvalidFieldError(
                "model_id",
                f"which weights {entry} had at {branch} only its code tells; name them: "
                f"{ref.model_id}/IMAGENET1K_V1.",
                code="unknown_weights",
            )
        return self._torchvision.resolve(SourceRef(entry, ref.revision))

    def open(self, artifact: Artifact, offset: int) -> ArtifactStream:
        """See DownloadSource."""
        return self._torchvision.open(artifact, offset)


def _code_refused(repo: str) -> ForbiddenError:
    return ForbiddenError(
        f"{repo} is code (hubconf.py) that would build the model, fetch its weights and run with "
        "the fleet's rights. It is never run: inference.allow_remote_code is about code beside "
        f"weights and does not open this. Entries of {VISION} come without code. Of any other, "
        "export the model (torch.export, .pt2) and download that by source url or local.",
        code="hub_code_refused",
    )

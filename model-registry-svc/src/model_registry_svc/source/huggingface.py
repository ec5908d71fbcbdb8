"""The Hugging Face hub: its own client resolves, our transfer fetches."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
from huggingface_hub import HfApi, ModelInfo, constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RevisionNotFoundError,
)
from huggingface_hub.errors import (
    RepositoryNotFoundError as HubNotFoundError,
)

from fleetserve.clock import Clock
from fleetserve.errors import ForbiddenError, InvalidFieldError, UpstreamError
from model_registry_svc.source.base import (
    Artifact,
    ArtifactStream,
    ModelHints,
    RepositoryNotFoundError,
    Resolution,
    SourceBusyError,
    SourceRef,
)
from model_registry_svc.source.http_stream import HttpOpener, origin, retry_after_s

PUBLIC_HUB = "https://huggingface.co"
RESOLVE_TIMEOUT_S = 10.0
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class HuggingFaceSource:
    """Models of one hub.

    Args:
        endpoint: The hub's address; PUBLIC_HUB when empty.
        token: Sent to that hub's origin only, never to where it redirects.
        client: For the transfers.
    """

    def __init__(
        self, client: httpx.Client, clock: Clock, *, endpoint: str = "", token: str = ""
    ) -> None:
        # Else each process asks the public hub which coding agent it may be running under.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        self._endpoint = (endpoint or PUBLIC_HUB).rstrip("/")
        self._token = token or False
        self._api = HfApi(endpoint=self._endpoint, token=self._token)
        self._clock = clock
        self._opener = HttpOpener(client, clock, headers_for=self._headers_for)

    def resolve(self, ref: SourceRef) -> Resolution:
        """See DownloadSource; a gated repository is asked for one file, to know it now."""
        with self._translated(ref):
            info = self._api.model_info(
                ref.model_id,
                revision=ref.revision,
                files_metadata=True,
                timeout=RESOLVE_TIMEOUT_S,
            )
            if not _COMMIT.fullmatch(info.sha or ""):
                raise UpstreamError(f"{self._endpoint} gives no commit hash of {ref.model_id}.")
            artifacts = tuple(self._artifacts(ref.model_id, info))
            if info.gated and artifacts:
                get_hf_file_metadata(
                    artifacts[0].address, token=self._token, timeout=RESOLVE_TIMEOUT_S
                )
        return Resolution(str(info.sha), artifacts, _hints(info))

    def open(self, artifact: Artifact, offset: int) -> ArtifactStream:
        """See DownloadSource; an address of the public hub is fetched from this one's."""
        address = artifact.address
        if address.startswith(f"{PUBLIC_HUB}/"):
            address = self._endpoint + address.removeprefix(PUBLIC_HUB)
        return self._opener.open(address, offset, artifact.validator)

    def _artifacts(self, model_id: str, info: ModelInfo) -> Iterator[Artifact]:
        for sibling in info.siblings or ():
            yield Artifact(
                path=sibling.rfilename,
                address=hf_hub_url(
                    model_id, sibling.rfilename, revision=info.sha, endpoint=self._endpoint
                ),
                size=sibling.lfs.size if sibling.lfs else sibling.size,
                sha256=sibling.lfs.sha256 if sibling.lfs else None,
                git_sha1=None if sibling.lfs else sibling.blob_id,
            )

    def _headers_for(self, url: str) -> dict[str, str]:
        if not self._token or origin(url) != origin(self._endpoint):
            return {}
        return {"Authorization": f"Bearer {self._token}"}

    @contextlib.contextmanager
    def _translated(self, ref: SourceRef) -> Iterator[None]:
        """Turns the hub client's exceptions into the port's."""
        named = f"{ref.model_id}" + (f" at revision {ref.revision}" if ref.revision else "")
        try:
            yield
        except HFValidationError as exc:
            raise InvalidFieldError("model_id", str(exc)) from exc
        except GatedRepoError as exc:
            raise self._gated(ref.model_id) from exc
        except DisabledRepoError as exc:
            raise ForbiddenError(f"{named} was taken down by its hub.", code="disabled") from exc
        except (HubNotFoundError, RevisionNotFoundError) as exc:
            raise RepositoryNotFoundError(
                f"{self._endpoint} has no model {named}. If it is private, start the fleet with "
                "HF_TOKEN set to a token that may read it."
            ) from exc
        except HfHubHTTPError as exc:
            raise self._failed(exc) from exc
        except OfflineModeIsEnabled as exc:
            raise UpstreamError("HF_HUB_OFFLINE is set: no hub is asked.") from exc
        except httpx.ReadTimeout as exc:
            raise SourceBusyError(f"{self._endpoint} does not answer in time.") from exc
        except httpx.TransportError as exc:
            raise UpstreamError(
                f"The hub at {self._endpoint} can't be reached ({exc}). HF_ENDPOINT names "
                "another one.",
                code="hub_unreachable",
            ) from exc

    def _gated(self, model_id: str) -> ForbiddenError:
        have = "HF_TOKEN is set, but its account has no access" if self._token else "no HF_TOKEN"
        return ForbiddenError(
            f"{model_id} is gated ({have}). Ask for access at {self._endpoint}/{model_id}, make a "
            f"token at {self._endpoint}/settings/tokens, and start the fleet with HF_TOKEN set "
            "to it.",
            code="gated_repository",
        )

    def _failed(self, exc: HfHubHTTPError) -> UpstreamError | ForbiddenError:
        status = exc.response.status_code
        if status == 429 or status >= 500:
            wait_s = retry_after_s(exc.response.headers.get("retry-after"), self._clock)
            return SourceBusyError(f"{self._endpoint} answers {status}.", retry_after_s=wait_s)
        if status in {401, 403}:
            return ForbiddenError(
                f"{self._endpoint} refuses: {exc.server_message or status}. Is HF_TOKEN right?",
                code="source_refuses",
            )
        return UpstreamError(f"{self._endpoint} answers {status}: {exc.server_message or ''}")


def _hints(info: ModelInfo) -> ModelHints:
    config: dict[str, Any] = info.config or {}
    return ModelHints(
        pipeline_tag=info.pipeline_tag,
        library_name=info.library_name,
        model_type=config.get("model_type"),
        architectures=tuple(config.get("architectures") or ()),
        tags=tuple(info.tags or ()),
    )

"""Builds the sources that this fleet offers; used by both of the registry's processes."""

from pathlib import Path

import httpx2 as httpx

from fleetserve.clock import Clock
from model_registry_svc.settings import RegistrySettings
from model_registry_svc.source.base import DownloadSource
from model_registry_svc.source.http_stream import TIMEOUT
from model_registry_svc.source.huggingface import HuggingFaceSource
from model_registry_svc.source.local import LocalSource
from model_registry_svc.source.pytorch_hub import PytorchHubSource
from model_registry_svc.source.torchvision import TorchvisionSource
from model_registry_svc.source.url import UrlSource


def build_sources(settings: RegistrySettings, clock: Clock) -> dict[str, DownloadSource]:
    """By the names that callers know them by."""
    models = settings.service.config.models
    client = httpx.Client(timeout=TIMEOUT, follow_redirects=False)
    roots = [settings.service.data_dir / "import", *map(Path, models.local_roots)]
    torchvision = TorchvisionSource(client, clock, endpoint=models.pytorch_endpoint)
    return {
        "huggingface": HuggingFaceSource(
            client, clock, endpoint=models.hf_endpoint, token=settings.hf_token
        ),
        "url": UrlSource(client, clock, allow_private=models.allow_private_urls),
        "local": LocalSource(roots),
        "torchvision": torchvision,
        "pytorch_hub": PytorchHubSource(torchvision),
    }

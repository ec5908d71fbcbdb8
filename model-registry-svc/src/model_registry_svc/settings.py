"""What the registry and its worker need to know; the only file here that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from fleetserve.keys import Keys
from fleetserve.settings import ServiceSettings, load_service_settings

SERVICE = "model-registry-svc"
WORKER = "model-registry-worker"
QUEUE = "registry"


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """The service's settings and what only the registry has.

    Attributes:
        service: What every service has.
        hf_token: For gated and private repositories; never logged.
    """

    service: ServiceSettings
    hf_token: str

    @property
    def job_keys(self) -> Keys:
        """A name space of the registry's own jobs."""
        return Keys(f"{self.service.key_prefix}:{QUEUE}")


def load_settings(service: str, environ: Mapping[str, str] | None = None) -> RegistrySettings:
    """The settings of the registry (SERVICE) or its worker (WORKER).

    Raises: SettingsError: what is wrong, where it stands and what is allowed.
    """
    env = os.environ if environ is None else environ
    return RegistrySettings(
        service=load_service_settings(service, environ),
        hf_token=env.get("HF_TOKEN") or env.get("HUGGING_FACE_HUB_TOKEN") or "",
    )

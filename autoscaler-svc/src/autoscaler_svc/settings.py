"""What the autoscaler needs to know; the only file here that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from fleetserve.config_sources import SettingsError
from fleetserve.settings import ServiceSettings, load_service_settings

SERVICE = "autoscaler-svc"


@dataclass(frozen=True, slots=True)
class AutoscalerSettings:
    """The service's settings.

    Attributes:
        service: What every service has.
        engine_url: The engine's proxy, in containers; None: the supervisor's socket is used.
    """

    service: ServiceSettings
    engine_url: str | None

    @property
    def leaves(self) -> bool:
        """At its end it ends what it made: containers are ended by nobody else."""
        return self.engine_url is not None


def load_settings(environ: Mapping[str, str] | None = None) -> AutoscalerSettings:
    """Read the settings.

    Raises:
        SettingsError: what is wrong, where it stands and what is allowed.
    """
    env = os.environ if environ is None else environ
    service = load_service_settings(SERVICE, environ)
    url = env.get("FLEETSERVE_ENGINE_URL") or None
    if url is not None and not url.startswith(("http://", "https://", "tcp://")):
        raise SettingsError(
            f"environment FLEETSERVE_ENGINE_URL: {url!r} is no address of the engine's proxy, "
            "such as http://engine-proxy:2375"
        )
    if url is None and service.engine_socket is None:
        raise SettingsError(
            "environment FLEETSERVE_ENGINE_URL or FLEETSERVE_ENGINE_SOCKET: one of them says "
            "what starts replicas; `fleetserve up` and docker-compose.yml set them"
        )
    return AutoscalerSettings(service, url)

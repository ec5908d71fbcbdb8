"""The gateway's settings: the common ones, with PORT and BIND as its address."""

import dataclasses
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass

from fleetserve.auth.config import AuthConfig, load_auth_config
from fleetserve.config_sources import SettingsError
from fleetserve.keys import Keys
from fleetserve.settings import ServiceSettings, load_service_settings

SERVICE = "gateway"
JOBS_WORKER = "jobs-worker"
JOBS_QUEUE = "jobs"


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The common settings, and auth.yaml."""

    service: ServiceSettings
    auth: AuthConfig


def load_settings(environ: Mapping[str, str] | None = None) -> GatewaySettings:
    """The settings; FLEETSERVE_LISTEN (containers) wins over BIND and PORT.

    Raises: SettingsError: also for an address beyond loopback without auth.
    """
    env = os.environ if environ is None else environ
    settings = load_service_settings(SERVICE, env)
    server, security = settings.config.server, settings.config.security
    published = env.get("BIND") or server.bind
    if not is_loopback(published) and not security.enable_auth and not security.allow_open:
        raise SettingsError(
            f"BIND={published} is reachable from other machines and auth is off. Set"
            " ENABLE_AUTH=true, or ALLOW_OPEN=true if everybody there may use the fleet."
        )
    auth, _ = load_auth_config(settings.auth_path)
    if not env.get("FLEETSERVE_LISTEN"):
        settings = dataclasses.replace(settings, listen_host=server.bind, listen_port=server.port)
    return GatewaySettings(settings, auth)


def load_worker_settings(environ: Mapping[str, str] | None = None) -> ServiceSettings:
    """The settings of the worker of jobs.

    Raises: SettingsError: what is wrong, where it stands and what is allowed.
    """
    return load_service_settings(JOBS_WORKER, environ)


def job_keys(service: ServiceSettings) -> Keys:
    """The name space of jobs."""
    return Keys(f"{service.key_prefix}:{JOBS_QUEUE}")


def webhook_keys(service: ServiceSettings) -> Keys:
    """The name space of webhooks that are to be sent."""
    return Keys(f"{service.key_prefix}:webhooks")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

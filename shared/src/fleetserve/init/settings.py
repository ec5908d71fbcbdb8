"""What the init step reads from the environment; the only file of it that does."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleetserve.auth.config import load_auth_config
from fleetserve.settings import load_service_settings

DEFAULT_REDIS_ADDRESS = "redis:6379"


@dataclass(frozen=True, slots=True)
class InitSettings:
    """Where the init step writes.

    Attributes:
        redis_dir: The folder that Redis alone gets to see.
        redis_address: host:port by which services reach it.
    """

    secrets_dir: Path
    redis_dir: Path
    redis_address: str


def load_settings(environ: Mapping[str, str] | None = None) -> InitSettings:
    """The settings; config.yaml, auth.yaml and the environment are checked on the way.

    A mistake in them so stops the start once, here, and not in each service.

    Raises: SettingsError: what is wrong, where it stands and what is allowed.
    """
    env = os.environ if environ is None else environ
    service = load_service_settings("init", env)
    load_auth_config(service.auth_path)
    return InitSettings(
        secrets_dir=service.secrets_dir,
        redis_dir=Path(env.get("FLEETSERVE_REDIS_DIR") or service.home / "redis").absolute(),
        redis_address=env.get("FLEETSERVE_REDIS_ADDRESS") or DEFAULT_REDIS_ADDRESS,
    )

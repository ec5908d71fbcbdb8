"""The common settings, auth.yaml and the database's address."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleetserve.auth.config import AuthConfig, load_auth_config
from fleetserve.settings import ServiceSettings, load_service_settings

SERVICE = "auth-svc"


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """What auth-svc needs to start.

    Attributes:
        database_url: AUTH_DATABASE_URL; None: SQLite in the folder.
        folder: What only this service may read: database, signing keys, the first password.
    """

    service: ServiceSettings
    auth: AuthConfig
    database_url: str | None
    folder: Path


def load_settings(environ: Mapping[str, str] | None = None) -> AuthSettings:
    """Raises: SettingsError: what is wrong, where it stands and what is allowed."""
    env = os.environ if environ is None else environ
    service = load_service_settings(SERVICE, env)
    auth, _ = load_auth_config(service.auth_path)
    return AuthSettings(
        service=service,
        auth=auth,
        database_url=env.get("AUTH_DATABASE_URL") or None,
        folder=service.data_dir / "auth",
    )

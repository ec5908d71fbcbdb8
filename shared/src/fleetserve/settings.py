"""What every service needs to know at its start. Only files of this name read the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from fleetserve.config import FleetConfig
from fleetserve.config_sources import SettingsError, load_config

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"
REDIS_URL_FILE = "redis.url"


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Folders, addresses and configuration of one process.

    Attributes:
        advertise: The address others reach this process at; None: the bound one.
        sources: Per ``section.key``, where the value came from; absent means default.
        address_file: Where the supervisor wants the bound address written, if it does.
    """

    service: str
    replica_id: str
    home: Path
    models_dir: Path
    logs_dir: Path
    jobs_dir: Path
    data_dir: Path
    cache_dir: Path
    secrets_dir: Path
    redis_url: str
    key_prefix: str
    listen_host: str
    listen_port: int
    advertise: str | None
    address_file: Path | None
    config_path: Path
    catalogue_path: Path
    auth_path: Path
    engine_socket: Path | None
    config: FleetConfig
    sources: Mapping[str, str]


def load_service_settings(
    service: str, environ: Mapping[str, str] | None = None
) -> ServiceSettings:
    """The settings of a service from its environment and config.yaml.

    Raises: SettingsError: what is wrong, where it stands and what is allowed.
    """
    env = os.environ if environ is None else environ
    home = Path(env.get("FLEETSERVE_HOME") or ".fleetserve").absolute()
    config_path = _path(env, "CONFIG", Path("config.yaml"))
    config, sources = load_config(env, config_path)
    host, port = _listen(env.get("FLEETSERVE_LISTEN") or "127.0.0.1:0")
    secrets_dir = _path(env, "SECRETS_DIR", home / "secrets")
    return ServiceSettings(
        service=service,
        replica_id=env.get("FLEETSERVE_REPLICA_ID") or f"{service}-{token_hex(4)}",
        home=home,
        models_dir=_path(env, "MODELS_DIR", home / "models"),
        logs_dir=_path(env, "LOGS_DIR", home / "logs"),
        jobs_dir=_path(env, "JOBS_DIR", home / "jobs"),
        data_dir=_path(env, "DATA_DIR", home / "data"),
        cache_dir=_path(env, "CACHE_DIR", home / "cache"),
        secrets_dir=secrets_dir,
        redis_url=env.get("REDIS_URL") or _handed_out_url(secrets_dir / service),
        key_prefix=env.get("FLEETSERVE_PREFIX") or "fleetserve",
        listen_host=host,
        listen_port=port,
        advertise=env.get("FLEETSERVE_ADVERTISE") or None,
        address_file=_optional_path(env, "ADDRESS_FILE"),
        config_path=config_path,
        catalogue_path=_path(env, "CATALOGUE", Path("models.json")),
        auth_path=_path(env, "AUTH", Path("auth.yaml")),
        engine_socket=_optional_path(env, "ENGINE_SOCKET"),
        config=config,
        sources=sources,
    )


def _path(env: Mapping[str, str], name: str, default: Path) -> Path:
    return Path(env.get(f"FLEETSERVE_{name}") or default).absolute()


def _handed_out_url(folder: Path) -> str:
    """The URL that the init step left for a service: so its password is in no environment."""
    path = folder / REDIS_URL_FILE
    try:
        return path.read_text().strip() or DEFAULT_REDIS_URL
    except FileNotFoundError:
        return DEFAULT_REDIS_URL
    except OSError as exc:
        raise SettingsError(f"{path} can't be read: {exc.strerror}") from None


def _optional_path(env: Mapping[str, str], name: str) -> Path | None:
    value = env.get(f"FLEETSERVE_{name}")
    return Path(value).absolute() if value else None


def _listen(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SettingsError(
            f"environment FLEETSERVE_LISTEN: {value!r} is not host:port (port 0 to 65535)"
        )
    return host, int(port)

"""What the proxy needs to know; the only file here that reads the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleetserve.config_sources import SettingsError

SOCKET = "/var/run/docker.sock"
LISTEN = "0.0.0.0:2375"
_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]*")
_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """``project`` is compose's; nothing of any other is seen or touched."""

    project: str
    socket: Path
    host: str
    port: int
    log_level: str


def load_settings(environ: Mapping[str, str] | None = None) -> ProxySettings:
    """Raises: SettingsError: what is wrong and what is allowed."""
    env = os.environ if environ is None else environ
    project = env.get("FLEETSERVE_PROJECT", "")
    if not _PROJECT.fullmatch(project):
        raise SettingsError(
            f"environment FLEETSERVE_PROJECT: {project!r} is not the name of a compose project"
        )
    listen = env.get("FLEETSERVE_LISTEN") or LISTEN
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"environment FLEETSERVE_LISTEN: {listen!r} is not host:port")
    level = (env.get("LOG_LEVEL") or "info").lower()
    if level not in _LEVELS:
        raise SettingsError(f"environment LOG_LEVEL: {level!r}; allowed: {', '.join(_LEVELS)}")
    socket = Path(env.get("FLEETSERVE_DOCKER_SOCKET") or SOCKET)
    return ProxySettings(project, socket, host, int(port), level)

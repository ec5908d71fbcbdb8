"""``fleetserve config check``: says what is wrong with the configuration before a start does."""

import json
from argparse import Namespace
from pathlib import Path

from fleetserve.auth.config import load_auth_config
from fleetserve.cli.context import Context
from fleetserve.cli.errors import CliError
from fleetserve.config_sources import SettingsError
from fleetserve.settings import load_service_settings


def run(_: Namespace, context: Context) -> int:
    """Prints which files were read; raises CliError with file, line and key of what is wrong."""
    try:
        settings = load_service_settings("config-check", context.settings.environment)
        load_auth_config(settings.auth_path)
    except SettingsError as exc:
        raise CliError("the configuration is wrong", str(exc)) from None
    _check_json(settings.catalogue_path)
    for path in (settings.config_path, settings.catalogue_path, settings.auth_path):
        found = "ok" if path.is_file() else "not there; defaults hold"
        context.stdout.write(f"{path}: {found}\n")
    for key, source in sorted(settings.sources.items()):
        if source.startswith("environment "):
            context.stdout.write(f"{key}: set by {source}\n")
    return 0


def _check_json(path: Path) -> None:
    try:
        if path.is_file():
            json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as exc:
        line = exc.lineno if isinstance(exc, json.JSONDecodeError) else 1
        raise CliError("the configuration is wrong", f"{path}:{line}: not JSON: {exc}") from None

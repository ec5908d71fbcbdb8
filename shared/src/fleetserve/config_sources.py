"""Environment over config.yaml over default, each value with where it came from."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from fleetserve.config import FleetConfig
from fleetserve.config_sections import Layers, SettingsError, read_file, section_names, validated

__all__ = ["ENV_ALIASES", "ENV_PREFIX", "SettingsError", "load_config"]

ENV_PREFIX = "FLEETSERVE_"
ENV_ALIASES = {
    "DEVICE": ("inference", "device"),
    "TORCH_THREADS": ("inference", "torch_threads"),
    "BATCH_SIZE": ("batch", "max_size"),
    "LOG_LEVEL": ("logging", "level"),
    "ENABLE_AUTH": ("security", "enable_auth"),
    "ALLOW_OPEN": ("security", "allow_open"),
    "PORT": ("server", "port"),
    "BIND": ("server", "bind"),
    "MAX_FILE_MB": ("server", "max_file_mb"),
    "MAX_AUDIO_SECONDS": ("audio", "max_audio_seconds"),
    "CODECS": ("audio", "codecs"),
    "HF_ENDPOINT": ("models", "hf_endpoint"),
    "PYTORCH_ENDPOINT": ("models", "pytorch_endpoint"),
}


def load_config(
    environ: Mapping[str, str], path: Path | None
) -> tuple[FleetConfig, dict[str, str]]:
    """The effective configuration and, per ``section.key``, where it came from.

    Raises: SettingsError: a wrong key or value, all of them named at once.
    """
    layers = Layers()
    if path is not None and path.is_file():
        read_file(path, FleetConfig, layers)
    _read_environment(environ, layers)
    return validated(FleetConfig, layers), layers.sources


def _read_environment(environ: Mapping[str, str], layers: Layers) -> None:
    for name, value in sorted(environ.items()):
        if name in ENV_ALIASES and value != "":
            layers.put(*ENV_ALIASES[name], value, f"environment {name}")
        elif name.startswith(ENV_PREFIX) and "__" in name:
            section, _, key = name.removeprefix(ENV_PREFIX).lower().partition("__")
            if section not in FleetConfig.model_fields:
                raise SettingsError(
                    f"environment {name}: no section {section!r}; "
                    f"allowed: {section_names(FleetConfig)}"
                )
            layers.put(section, key, _parse(name, value), f"environment {name}")


def _parse(name: str, value: str) -> object:
    """Lists are written as in the file; everything else pydantic reads from the text."""
    if not value.startswith(("[", "{")):
        return value
    try:
        parsed: object = yaml.safe_load(value)
    except yaml.YAMLError as exc:
        raise SettingsError(f"environment {name}: not a list as in YAML: {exc}") from None
    return parsed

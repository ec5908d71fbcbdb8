"""What gpu-svc needs to know; the only file here that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleetserve.config_sources import SettingsError
from fleetserve.settings import ServiceSettings, load_service_settings

SERVICE = "gpu-svc"


@dataclass(frozen=True, slots=True)
class GpuSettings:
    """The service's settings.

    Attributes:
        service: What every service has.
        visible_devices: CUDA_VISIBLE_DEVICES as replicas get it, None when not set.
        recording: Play these NVML answers back instead of asking the driver, to see the service
            as on another machine.
    """

    service: ServiceSettings
    visible_devices: str | None
    recording: Path | None


def load_settings(environ: Mapping[str, str] | None = None) -> GpuSettings:
    """Read the settings.

    Raises:
        SettingsError: what is wrong, where it stands and what is allowed.
    """
    env = os.environ if environ is None else environ
    recording = env.get("FLEETSERVE_GPU_RECORDING")
    if recording and not Path(recording).is_file():
        raise SettingsError(
            f"environment FLEETSERVE_GPU_RECORDING: {recording!r} is no file of NVML answers"
        )
    return GpuSettings(
        service=load_service_settings(SERVICE, environ),
        visible_devices=env.get("CUDA_VISIBLE_DEVICES"),
        recording=Path(recording) if recording else None,
    )

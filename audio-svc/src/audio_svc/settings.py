"""The only file of audio-svc that reads, and at its start writes, the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from fleetserve.settings import ServiceSettings, load_service_settings
from fleetserve.supervisor.environment import usable_cores
from fleetserve.tasks import AUDIO_SERVICE


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """``torch_threads``: threads of the compute thread's kernels, at least 1."""

    service: ServiceSettings
    torch_threads: int


def load_settings(environ: Mapping[str, str] | None = None) -> AudioSettings:
    """Raises: SettingsError: what is wrong, where it stands and what is allowed."""
    service = load_service_settings(AUDIO_SERVICE, environ)
    config = service.config
    replicas = config.inference.replicas + config.audio.replicas
    share = max(1, usable_cores() // max(1, replicas))
    return AudioSettings(service, config.inference.torch_threads or share)


def apply_environment(settings: AudioSettings) -> None:
    """Sets what native libraries read when they are loaded; before torch and numpy are imported."""
    threads = str(settings.torch_threads)
    os.environ.update(
        {
            # Threads that wait must sleep: those that spin steal the other replicas' cores.
            "OMP_WAIT_POLICY": "PASSIVE",
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            # numpy's products are small and stand beside the model: threads of its own spin, and
            # finding the speech in 10 minutes took three times the CPU with two of them.
            "OPENBLAS_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
            # Models are loaded by path; nothing may be fetched in silence.
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "TRANSFORMERS_VERBOSITY": "error",
        }
    )

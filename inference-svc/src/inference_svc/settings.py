"""The only file of inference-svc that reads, and at its start writes, the environment."""

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fleetserve.settings import ServiceSettings, load_service_settings
from fleetserve.tasks import INFERENCE_SERVICE

_PLAIN_PATH = re.compile(r"[\w./+@%-]+")
_CGROUP_CPU = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """``torch_threads``: threads of one compute thread's kernels, at least 1."""

    service: ServiceSettings
    torch_threads: int


def load_settings(environ: Mapping[str, str] | None = None) -> InferenceSettings:
    """Raises: SettingsError: what is wrong, where it stands and what is allowed."""
    service = load_service_settings(INFERENCE_SERVICE, environ)
    config = service.config
    replicas = config.inference.replicas + config.audio.replicas
    threads = config.inference.torch_threads or share_of_cores(usable_cores(), replicas)
    return InferenceSettings(service, threads)


def share_of_cores(cores: int, replicas: int) -> int:
    """Whole cores for each of the replicas that compute on one machine.

    More threads than cores is what costs 10 to 20 times: they spin against each other.
    """
    return max(1, cores // max(1, replicas))


def usable_cores(cpu_max: Path = _CGROUP_CPU) -> int:
    """Cores by affinity, within the container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    try:
        quota, period = cpu_max.read_text().split()
    except (OSError, ValueError):
        return cores
    if quota == "max":
        return cores
    return max(1, min(cores, int(quota) // int(period)))


def apply_environment(
    settings: InferenceSettings, environ: MutableMapping[str, str] | None = None
) -> None:
    """Sets what native libraries read when they are loaded; before torch and numpy are imported.

    Makes the folder for compiled code, which has to be where code may be executed: a container's
    /tmp is not.
    """
    threads = str(settings.torch_threads)
    compiled = _compiler_dir(settings.service.cache_dir)
    unpacked = compiled / "tmp"
    unpacked.mkdir(parents=True, exist_ok=True)
    (os.environ if environ is None else environ).update(
        {
            # Threads that wait must sleep: those that spin steal the other replicas' cores.
            "OMP_WAIT_POLICY": "PASSIVE",
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            # Threads of numpy's own would spin beside the model's.
            "OPENBLAS_NUM_THREADS": "1",
            # Tokenising happens on the event loop or in few threads; a pool of its own only
            # competes with the model.
            "TOKENIZERS_PARALLELISM": "false",
            # Models are loaded by path; nothing may be fetched in silence.
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "TRANSFORMERS_VERBOSITY": "error",
            "TORCHINDUCTOR_CACHE_DIR": str(compiled / "inductor"),
            "TMPDIR": str(unpacked),
            # Its pool of compiling processes would take the cores of what is served.
            "TORCHINDUCTOR_COMPILE_THREADS": "1",
        }
    )


def _compiler_dir(wanted: Path) -> Path:
    """Where the compiler works; torch doesn't quote its paths, so one with spaces won't do."""
    if _PLAIN_PATH.fullmatch(str(wanted)):
        return wanted
    named = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    # Not under TMPDIR, which is set to such a folder too.
    folder = Path("/tmp") / f"fleetserve-{os.getuid()}-{named}"  # noqa: S108 - owner is checked
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix="fleetserve-", dir="/tmp"))

"""What kind of device this is, as far as it decides which tuning is fast on it."""

import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

_CPUINFO = Path("/proc/cpuinfo")
# Those that change which arithmetic is fast; a name of the kernel's → how it is told.
_FLAGS = {
    "avx2": "avx2",
    "avx512f": "avx512",
    "avx512_vnni": "vnni",
    "avx_vnni": "vnni",
    "avx512_bf16": "bf16",
    "avx512_fp16": "fp16",
    "amx_bf16": "amx-bf16",
    "amx_int8": "amx-int8",
    "amx_fp16": "amx-fp16",
    "asimddp": "dotprod",
    "i8mm": "i8mm",
    "bf16": "bf16",
}


@dataclass(frozen=True, slots=True)
class Hardware:
    """A device and its abilities.

    Attributes:
        kind: cpu, cuda or mps.
        abilities: Of a CPU, the values of _FLAGS; of a GPU ``compute-8.9``.
    """

    device: str
    kind: str
    name: str
    abilities: frozenset[str]

    @property
    def key(self) -> str:
        """The same for devices on which the same tuning is fast."""
        return "/".join([self.kind, self.name, "+".join(sorted(self.abilities))]).rstrip("/")


def look_at(device: str) -> Hardware:
    """The device of that name, as torch and the kernel describe it."""
    kind = device.partition(":")[0]
    if kind == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        name = torch.cuda.get_device_name(device).replace(" ", "-")
        return Hardware(device, kind, name, frozenset({f"compute-{major}.{minor}"}))
    if kind == "cpu":
        return Hardware(device, kind, platform.machine(), cpu_abilities(_read(_CPUINFO)))
    return Hardware(device, kind, platform.machine(), frozenset())


def cpu_abilities(cpuinfo: str) -> frozenset[str]:
    """From the kernel's description; nothing where it has none."""
    for line in cpuinfo.splitlines():
        label, _, flags = line.partition(":")
        if label.strip() in ("flags", "Features"):
            return frozenset(_FLAGS[flag] for flag in flags.split() if flag in _FLAGS)
    return frozenset()


def missing_compiler() -> str | None:
    """Why C++ can't be compiled here; None: it can."""
    # torch itself looks there.
    if any(shutil.which(name) for name in ("g++", "clang++", "c++")):
        return None
    return "no C++ compiler is installed (on Debian: apt-get install g++)"


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""

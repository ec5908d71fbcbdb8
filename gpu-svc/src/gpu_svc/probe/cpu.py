"""The processor, as the system tells it."""

import os
import platform
import re
from functools import cached_property
from pathlib import Path

from fleetserve.replica.memory import host_free_bytes
from gpu_svc.hardware import Cpu, Findings

MIB = 1024 * 1024
# Sets that torch, oneDNN or ONNX Runtime choose kernels by, Linux's names.
FEATURES = (
    "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
    "asimd", "asimddp", "asimdhp", "fphp", "i8mm", "bf16", "sve", "sve2",
)  # fmt: skip


class CpuProbe:
    """Reads /proc and the cgroup where there are any, else what Python's platform knows.

    Args:
        proc: Linux's /proc.
        cgroup: The process's own cgroup, version 2.
    """

    def __init__(self, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> None:
        self._proc = proc
        self._cgroup = cgroup

    def devices(self) -> Findings:
        free = host_free_bytes(self._proc / "meminfo", self._cgroup)
        total = self._total_bytes()
        cpu = Cpu(
            name=_model_name(self._info) or platform.processor() or platform.machine(),
            architecture=platform.machine(),
            logical_cores=os.cpu_count() or 1,
            available_cores=self._available_cores(),
            memory_mb=None if total is None else round(total / MIB, 1),
            available_memory_mb=None if free < 0 else round(free / MIB, 1),
            features=_features(self._info),
            load_1m=_load_1m(),
        )
        return Findings((cpu,))

    def close(self) -> None:
        """Nothing is held."""

    @cached_property
    def _info(self) -> str:
        """What never changes; on a large machine the kernel writes it for milliseconds."""
        return _read(self._proc / "cpuinfo")

    def _available_cores(self) -> float:
        affinity = getattr(os, "sched_getaffinity", None)
        cores = float(len(affinity(0))) if affinity else float(os.cpu_count() or 1)
        quota = _quota_cores(_read(self._cgroup / "cpu.max"))
        return cores if quota is None else min(cores, quota)

    def _total_bytes(self) -> int | None:
        found = re.search(r"^MemTotal:\s+(\d+) kB", _read(self._proc / "meminfo"), re.MULTILINE)
        total = int(found.group(1)) * 1024 if found else _sysconf_bytes()
        limit = _read(self._cgroup / "memory.max").strip()
        return min(total, int(limit)) if total is not None and limit.isdigit() else total


def _model_name(cpuinfo: str) -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found.group(1).strip() if found else ""


def _features(cpuinfo: str) -> tuple[str, ...]:
    # x86 says flags, Arm says Features.
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    present = set(found.group(1).split()) if found else set()
    return tuple(feature for feature in FEATURES if feature in present)


def _quota_cores(cpu_max: str) -> float | None:
    """cpu.max holds "quota period" in microseconds, or "max period"."""
    parts = cpu_max.split()
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        return None
    return round(int(parts[0]) / int(parts[1]), 2)


def _load_1m() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def _sysconf_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""

"""Apple's GPU under Metal (torch's mps), told by the system without torch."""

import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from gpu_svc.hardware import Findings, Mps

LOWEST_MACOS = (12, 3)  # torch's MPS backend needs it.
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HostSystem:
    """What the probe has to know of the machine it runs on.

    Attributes:
        system: platform.system(): Darwin, Linux, Windows.
        machine: platform.machine(): arm64, x86_64.
        release: macOS's own version, empty elsewhere.
        chip: Asks the chip's name, such as Apple M2 Pro.
        memory_bytes: Asks the machine's memory, None where it does not tell.
    """

    system: str
    machine: str
    release: str
    chip: Callable[[], str]
    memory_bytes: Callable[[], int | None]


class MpsProbe:
    """Says whether MPS can be there, and why not."""

    def __init__(self, host: HostSystem | None = None) -> None:
        self._host = host or this_system()

    def devices(self) -> Findings:
        host = self._host
        if reason := why_not(host):
            return Findings((Mps(available=False, reason=reason),))
        memory = host.memory_bytes()
        memory_mb = None if memory is None else round(memory / MIB, 1)
        return Findings((Mps(available=True, name=host.chip(), memory_mb=memory_mb),))

    def close(self) -> None:
        """Nothing is held."""


def why_not(host: HostSystem) -> str:
    """Why there is no MPS on that system; empty where there is."""
    if host.system != "Darwin":
        return f"MPS needs macOS on Apple silicon; this is {host.system} on {host.machine}"
    if host.machine != "arm64":
        return f"MPS needs Apple silicon; this Mac is {host.machine}"
    version = tuple(int(part) for part in host.release.split(".")[:2] if part.isdigit())
    if version < LOWEST_MACOS:
        return f"MPS needs macOS 12.3 or later; this is {host.release or 'an unknown version'}"
    return ""


def this_system() -> HostSystem:
    return HostSystem(
        system=platform.system(),
        machine=platform.machine(),
        release=platform.mac_ver()[0],
        chip=_chip,
        memory_bytes=_memory_bytes,
    )


def _chip() -> str:
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        found = subprocess.run(  # noqa: S603 - a fixed path and fixed arguments
            command, capture_output=True, text=True, timeout=2, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "Apple silicon"
    return found.stdout.strip()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None

"""The devices of one machine as the service sees them, free of any vendor's types."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that computes on a GPU; used_memory_mb is None where the driver hides it."""

    pid: int
    name: str
    used_memory_mb: float | None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU now. What a driver does not tell is None, never a guess.

    Attributes:
        index: NVML's, which is the order of the PCI bus.
        utilization: Percent of the last sampling period in which a kernel ran.
        compute_capability: (major, minor).
        mig_enabled: The GPU is split: CUDA then sees its instances by UUID only.
    """

    index: int
    name: str
    uuid: str
    memory_mb: float
    available_memory_mb: float
    compute_capability: tuple[int, int]
    architecture: str
    driver: str
    utilization: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    mig_enabled: bool | None = None
    processes: tuple[GpuProcess, ...] = ()


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processor as this process may use it.

    Attributes:
        available_cores: Cores within the affinity mask and the container's quota.
        available_memory_mb: What can be had without swapping, within the container's bound; None
            where the system does not tell.
        features: Instruction sets that matter to inference, such as avx2 or amx_bf16.
        load_1m: Runnable processes, mean of a minute.
    """

    name: str
    architecture: str
    logical_cores: int
    available_cores: float
    memory_mb: float | None
    available_memory_mb: float | None
    features: tuple[str, ...] = ()
    load_1m: float | None = None


@dataclass(frozen=True, slots=True)
class Mps:
    """Apple's GPU under Metal; memory is the machine's own, shared with the CPU."""

    available: bool
    name: str = ""
    memory_mb: float | None = None
    reason: str = ""


Device = Gpu | Cpu | Mps


@dataclass(frozen=True, slots=True)
class Findings:
    """What one probe found; note says why a kind of device is missing or not usable."""

    devices: tuple[Device, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hardware:
    """All devices of the machine, and what the probes had to say."""

    gpus: tuple[Gpu, ...] = ()
    cpu: Cpu | None = None
    mps: Mps | None = None
    notes: tuple[str, ...] = field(default=())


def gather(findings: Iterable[Findings]) -> Hardware:
    """Put the findings of all probes together."""
    found = list(findings)
    devices = [device for finding in found for device in finding.devices]
    return Hardware(
        gpus=tuple(device for device in devices if isinstance(device, Gpu)),
        cpu=next((device for device in devices if isinstance(device, Cpu)), None),
        mps=next((device for device in devices if isinstance(device, Mps)), None),
        notes=tuple(finding.note for finding in found if finding.note),
    )

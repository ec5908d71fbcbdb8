"""What to set for the device that DEVICE picks, and why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from fleetserve.devices import pick_device
from gpu_svc.assessment import Assessed
from gpu_svc.estimate import CONTEXT_MB, PROCESS_MB, RESERVE_SHARE
from gpu_svc.hardware import Cpu, Hardware
from gpu_svc.ranking import Need, rank

MEASURE = "POST /server/optimize measures it on this machine before it is used"


@dataclass(frozen=True, slots=True)
class Advice:
    """One setting, whether it is worth using on this device, and the reason."""

    setting: str
    use: bool
    reason: str


@dataclass(frozen=True, slots=True)
class MemoryAdvice:
    """MiB; None where the system does not tell. room: for models, beside overhead and reserve."""

    total_mb: float | None
    available_mb: float | None
    reserve_mb: float
    overhead_mb: float
    room_for_models_mb: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """The device and how to use it; gpu is None for the CPU and MPS."""

    pytorch_device: str
    gpu: Assessed | None
    settings: tuple[Advice, ...]
    memory: MemoryAdvice

    @property
    def device_type(self) -> str:
        return self.pytorch_device.partition(":")[0]

    def uses(self, setting: str) -> bool:
        return any(advice.use for advice in self.settings if advice.setting == setting)


def plan_device(requested: str, hardware: Hardware, gpus: Sequence[Assessed]) -> DevicePlan:
    """The device that DEVICE names, or that auto takes, with advice for it.

    Raises:
        DeviceNotAvailableError: the requested device is not there.
    """
    usable = [candidate.assessed for candidate in rank(gpus, Need()) if candidate.eligible]
    by_name = {each.pytorch_device: each for each in usable if each.pytorch_device}
    has_mps = hardware.mps is not None and hardware.mps.available
    available = [*by_name, *(["mps"] if has_mps else []), "cpu"]
    device = pick_device(requested, available, why_missing(hardware, gpus))
    chosen = by_name.get(device)
    if chosen is not None:
        return DevicePlan(device, chosen, _cuda_settings(chosen), _cuda_memory(chosen))
    if device == "mps":
        return DevicePlan(device, None, _mps_settings(), _host_memory(hardware, shared=True))
    return DevicePlan(
        device, None, _cpu_settings(hardware.cpu), _host_memory(hardware, shared=False)
    )


def why_missing(hardware: Hardware, gpus: Sequence[Assessed]) -> dict[str, str]:
    """Why a kind of device can't be used; empty for those that can."""
    reasons = {}
    if not any(each.suitable for each in gpus):
        unfit = "; ".join(f"{each.gpu.name}: {each.why}" for each in gpus)
        reasons["cuda"] = unfit or "; ".join(hardware.notes) or "no GPU was found"
    if hardware.mps is not None and not hardware.mps.available:
        reasons["mps"] = hardware.mps.reason
    return reasons


def _cuda_settings(assessed: Assessed) -> tuple[Advice, ...]:
    can = assessed.capability
    half = "speech and generation stay in float32 unless asked"
    compiles = (can.major, can.minor) >= (7, 0)
    return (
        Advice("bf16", can.supports_bf16, f"native from compute capability 8.0; {half}"),
        Advice(
            "fp16",
            can.supports_tensor_cores and not can.supports_bf16,
            f"tensor cores compute it; bf16 is preferred where there is both; {half}",
        ),
        Advice("int8", False, f"changes results more than fp16 does; {MEASURE}"),
        Advice("tensorrt", False, f"engines are built per model and GPU; {MEASURE}"),
        Advice(
            "torch_compile",
            compiles,
            "Triton needs compute capability 7.0; costs seconds at the first request of a shape",
        ),
    )


def _mps_settings() -> tuple[Advice, ...]:
    return (
        Advice("bf16", False, f"depends on the chip and macOS; {MEASURE}"),
        Advice("fp16", True, "Apple's GPU computes it natively; speech stays in float32"),
        Advice("int8", False, "no kernels for it in torch's MPS backend"),
        Advice("tensorrt", False, "TensorRT needs an NVIDIA GPU"),
        Advice("torch_compile", False, "of early quality on MPS"),
    )


def _cpu_settings(cpu: Cpu | None) -> tuple[Advice, ...]:
    features = cpu.features if cpu else ()
    fast_bf16 = any(f in features for f in ("amx_bf16", "avx512_bf16", "bf16"))
    told = (
        "this CPU has instructions for it" if fast_bf16 else "this CPU has no instructions for it"
    )
    return (
        Advice("bf16", False, f"{told}; it helps batches, not single requests; {MEASURE}"),
        Advice("fp16", False, "slower than float32 on CPUs"),
        Advice("int8", False, f"the fastest there is on many CPUs, at some accuracy; {MEASURE}"),
        Advice("tensorrt", False, "TensorRT needs an NVIDIA GPU"),
        Advice(
            "torch_compile", False, f"a tenth to a quarter faster after 12 s of work; {MEASURE}"
        ),
    )


def _cuda_memory(assessed: Assessed) -> MemoryAdvice:
    gpu = assessed.gpu
    note = f"Processes that compute on it now: {len(gpu.processes)}"
    return _memory(gpu.memory_mb, gpu.available_memory_mb, CONTEXT_MB, (note,))


def _host_memory(hardware: Hardware, *, shared: bool) -> MemoryAdvice:
    cpu = hardware.cpu
    note = (
        "The GPU uses the machine's own memory"
        if shared
        else ("One compute thread per core in all: more replicas share cores, they don't add any")
    )
    total = cpu.memory_mb if cpu else None
    return _memory(total, cpu.available_memory_mb if cpu else None, PROCESS_MB, (note,))


def _memory(
    total: float | None, available: float | None, overhead: float, notes: tuple[str, ...]
) -> MemoryAdvice:
    reserve = round((available or 0.0) * RESERVE_SHARE, 1)
    room = None if available is None else round(max(0.0, available - reserve - overhead), 1)
    return MemoryAdvice(total, available, reserve, overhead, room, notes)

"""What NVML said, call by call, as data: recorded, played back, and turned into a Gpu.

A recording names each value by the NVML call that gives it, in that call's own unit (bytes,
milliwatts, percent), so that it can be checked against the vendor's documentation. A call that the
GPU does not support is left out.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gpu_svc.capability import architecture_of
from gpu_svc.hardware import Gpu, GpuProcess

MIB = 1024 * 1024
NVML_ARCHITECTURES = {
    2: "Kepler", 3: "Maxwell", 4: "Pascal", 5: "Volta", 6: "Turing", 7: "Ampere",
    8: "Ada Lovelace", 9: "Hopper", 10: "Blackwell", 13: "Rubin",
}  # fmt: skip


class _Reading(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class MemoryReading(_Reading):
    """Bytes; the driver's own share counts as used."""

    total: int
    free: int
    used: int


class ProcessReading(_Reading):
    pid: int
    name: str = Field("", alias="nvmlSystemGetProcessName")
    used_gpu_memory: int | None = Field(None, alias="usedGpuMemory")


class DeviceReading(_Reading):
    """One device's answers."""

    index: int = Field(alias="nvmlDeviceGetIndex")
    name: str = Field(alias="nvmlDeviceGetName")
    uuid: str = Field(alias="nvmlDeviceGetUUID")
    memory: MemoryReading | None = Field(None, alias="nvmlDeviceGetMemoryInfo")
    compute_capability: tuple[int, int] = Field(alias="nvmlDeviceGetCudaComputeCapability")
    architecture: int | None = Field(None, alias="nvmlDeviceGetArchitecture")
    utilization: int | None = Field(None, alias="nvmlDeviceGetUtilizationRates.gpu")
    temperature: int | None = Field(None, alias="nvmlDeviceGetTemperature")
    power_usage: int | None = Field(None, alias="nvmlDeviceGetPowerUsage")
    power_limit: int | None = Field(None, alias="nvmlDeviceGetEnforcedPowerLimit")
    mig_mode: int | None = Field(None, alias="nvmlDeviceGetMigMode.current")
    processes: Annotated[
        tuple[ProcessReading, ...], Field(alias="nvmlDeviceGetComputeRunningProcesses")
    ] = ()


class NvmlReading(_Reading):
    """One look at a machine.

    Attributes:
        source: Where the values come from: a machine that was read, or data sheets.
    """

    source: str
    driver_version: str = Field(alias="nvmlSystemGetDriverVersion")
    devices: tuple[DeviceReading, ...]


def gpus_of(reading: NvmlReading) -> tuple[Gpu, ...]:
    return tuple(_gpu_of(device, reading.driver_version) for device in reading.devices)


def _gpu_of(device: DeviceReading, driver: str) -> Gpu:
    memory = device.memory
    named = NVML_ARCHITECTURES.get(device.architecture) if device.architecture else None
    return Gpu(
        index=device.index,
        name=device.name,
        uuid=device.uuid,
        memory_mb=_mib(memory.total) if memory else 0.0,
        available_memory_mb=_mib(memory.free) if memory else 0.0,
        compute_capability=device.compute_capability,
        architecture=named or architecture_of(device.compute_capability),
        driver=driver,
        utilization=_float(device.utilization),
        temperature_c=_float(device.temperature),
        power_w=_thousandth(device.power_usage),
        power_limit_w=_thousandth(device.power_limit),
        mig_enabled=None if device.mig_mode is None else device.mig_mode == 1,
        processes=tuple(_process_of(process) for process in device.processes),
    )


def _process_of(process: ProcessReading) -> GpuProcess:
    # Only the program's name: a command line may carry secrets.
    name = process.name.replace("\\", "/").split(" ")[0].rsplit("/", 1)[-1]
    used = process.used_gpu_memory
    return GpuProcess(process.pid, name, None if used is None else _mib(used))


def _mib(number_of_bytes: int) -> float:
    return round(number_of_bytes / MIB, 1)


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)


def _thousandth(value: int | None) -> float | None:
    return None if value is None else value / 1000

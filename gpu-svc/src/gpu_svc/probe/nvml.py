"""NVIDIA GPUs by NVML (nvidia-ml-py), whose library comes with the driver."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import pynvml

from gpu_svc.hardware import Findings
from gpu_svc.readings import DeviceReading, MemoryReading, NvmlReading, ProcessReading, gpus_of

T = TypeVar("T")
# After these the library has to be started anew: a driver was reloaded or a GPU was lost.
RESTARTS = (
    pynvml.NVML_ERROR_UNINITIALIZED,
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
    pynvml.NVML_ERROR_GPU_IS_LOST,
)


class NvmlProbe:
    """Reads all GPUs; the library stays open between calls.

    Args:
        library: pynvml, or what answers its calls.
    """

    def __init__(self, library: Any = pynvml) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._started = False

    def devices(self) -> Findings:
        with self._lock:
            try:
                return Findings(gpus_of(self._read()))
            except pynvml.NVMLError as error:
                if error.value in RESTARTS:
                    self._stop()
                return Findings(note=f"NVML: {error}; no NVIDIA GPU can be used")

    def close(self) -> None:
        with self._lock:
            self._stop()

    def read(self) -> NvmlReading:
        """NVML's answers as data, for a recording.

        Raises:
            pynvml.NVMLError: there is no driver.
        """
        with self._lock:
            return self._read()

    def _read(self) -> NvmlReading:
        nvml = self._library
        if not self._started:
            nvml.nvmlInit()
            self._started = True
        count = nvml.nvmlDeviceGetCount()
        return NvmlReading(
            source="read by NVML",
            driver_version=_text(nvml.nvmlSystemGetDriverVersion()),
            devices=tuple(self._read_device(index) for index in range(count)),
        )

    def _read_device(self, index: int) -> DeviceReading:
        nvml = self._library
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        utilization = _optional(lambda: nvml.nvmlDeviceGetUtilizationRates(handle))
        sensor = nvml.NVML_TEMPERATURE_GPU
        return DeviceReading(
            index=index,
            name=_text(nvml.nvmlDeviceGetName(handle)),
            uuid=_text(nvml.nvmlDeviceGetUUID(handle)),
            memory=_optional(lambda: _memory(nvml.nvmlDeviceGetMemoryInfo(handle))),
            compute_capability=tuple(nvml.nvmlDeviceGetCudaComputeCapability(handle)),
            architecture=_optional(lambda: nvml.nvmlDeviceGetArchitecture(handle)),
            utilization=None if utilization is None else utilization.gpu,
            temperature=_optional(lambda: nvml.nvmlDeviceGetTemperature(handle, sensor)),
            power_usage=_optional(lambda: nvml.nvmlDeviceGetPowerUsage(handle)),
            power_limit=_optional(lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(handle)),
            mig_mode=_optional(lambda: nvml.nvmlDeviceGetMigMode(handle)[0]),
            processes=self._read_processes(handle),
        )

    def _read_processes(self, handle: object) -> tuple[ProcessReading, ...]:
        nvml = self._library
        running = _optional(lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle)) or []
        return tuple(
            ProcessReading(
                pid=process.pid,
                # A process of another container has no name here.
                name=_text(_optional(lambda: nvml.nvmlSystemGetProcessName(process.pid)) or ""),  # noqa: B023
                used_gpu_memory=process.usedGpuMemory,
            )
            for process in running
        )

    def _stop(self) -> None:
        if self._started:
            self._started = False
            with suppress(pynvml.NVMLError):
                self._library.nvmlShutdown()


def _optional(call: Callable[[], T]) -> T | None:
    """What the call returns, None where this GPU or driver does not offer it."""
    try:
        return call()
    except pynvml.NVMLError as error:
        if error.value in RESTARTS:
            raise
        return None


def _memory(info: Any) -> MemoryReading:
    return MemoryReading(total=info.total, free=info.free, used=info.used)


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value

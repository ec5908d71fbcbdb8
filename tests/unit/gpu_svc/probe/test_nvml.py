from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from gpu_svc.hardware import Gpu
from gpu_svc.probe.nvml import NvmlProbe

MIB = 1024 * 1024


class FakeNvml:
    """Answers as pynvml does; missing: calls that this GPU does not support."""

    NVML_TEMPERATURE_GPU = 0

    def __init__(self, missing: tuple[str, ...] = (), gone: int | None = None) -> None:
        self.missing = missing
        self.gone = gone
        self.starts = 0
        self.stops = 0

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nvml") and name in object.__getattribute__(self, "missing"):
            raise_it = pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

            def unsupported(*_: object) -> None:
                raise raise_it

            return unsupported
        return object.__getattribute__(self, name)

    def nvmlInit(self) -> None:  # noqa: N802
        self.starts += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.stops += 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        if self.gone is not None:
            raise pynvml.NVMLError(self.gone)
        return 1

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return "570.1"

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, _: int) -> bytes:  # noqa: N802
        return b"Tesla T4"

    def nvmlDeviceGetUUID(self, _: int) -> str:  # noqa: N802
        return "GPU-1"

    def nvmlDeviceGetMemoryInfo(self, _: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=15360 * MIB, free=15000 * MIB, used=360 * MIB)

    def nvmlDeviceGetCudaComputeCapability(self, _: int) -> list[int]:  # noqa: N802
        return [7, 5]

    def nvmlDeviceGetArchitecture(self, _: int) -> int:  # noqa: N802
        return 6

    def nvmlDeviceGetUtilizationRates(self, _: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(gpu=12, memory=3)

    def nvmlDeviceGetTemperature(self, _: int, sensor: int) -> int:  # noqa: N802
        return 40 + sensor

    def nvmlDeviceGetPowerUsage(self, _: int) -> int:  # noqa: N802
        return 12_340

    def nvmlDeviceGetEnforcedPowerLimit(self, _: int) -> int:  # noqa: N802
        return 70_000

    def nvmlDeviceGetMigMode(self, _: int) -> list[int]:  # noqa: N802
        return [0, 0]

    def nvmlDeviceGetComputeRunningProcesses(self, _: int) -> list[SimpleNamespace]:  # noqa: N802
        return [SimpleNamespace(pid=7, usedGpuMemory=100 * MIB)]

    def nvmlSystemGetProcessName(self, _: int) -> str:  # noqa: N802
        return "/opt/python --secret=x"


def only_gpu(probe: NvmlProbe) -> Gpu:
    (gpu,) = probe.devices().devices
    assert isinstance(gpu, Gpu)
    return gpu


def test_everything_told_is_read() -> None:
    gpu = only_gpu(NvmlProbe(FakeNvml()))
    assert (gpu.name, gpu.architecture, gpu.driver) == ("Tesla T4", "Turing", "570.1")
    assert (gpu.memory_mb, gpu.available_memory_mb) == (15360.0, 15000.0)
    assert (gpu.utilization, gpu.temperature_c, gpu.power_w) == (12.0, 40.0, 12.34)
    assert gpu.mig_enabled is False
    assert [(p.pid, p.name, p.used_memory_mb) for p in gpu.processes] == [(7, "python", 100.0)]


OPTIONAL = (
    "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetArchitecture",
    "nvmlDeviceGetUtilizationRates",
    "nvmlDeviceGetTemperature",
    "nvmlDeviceGetPowerUsage",
    "nvmlDeviceGetEnforcedPowerLimit",
    "nvmlDeviceGetMigMode",
    "nvmlDeviceGetComputeRunningProcesses",
    "nvmlSystemGetProcessName",
)


@pytest.mark.parametrize("call", OPTIONAL)
def test_one_call_not_supported_costs_only_its_value(call: str) -> None:
    assert only_gpu(NvmlProbe(FakeNvml((call,)))).name == "Tesla T4"


def test_nothing_supported_is_unknown_and_not_zero() -> None:
    gpu = only_gpu(NvmlProbe(FakeNvml(OPTIONAL)))
    assert (gpu.utilization, gpu.temperature_c, gpu.power_w) == (None, None, None)
    assert (gpu.mig_enabled, gpu.processes, gpu.architecture) == (None, (), "Turing")


def test_library_is_started_once() -> None:
    library = FakeNvml()
    probe = NvmlProbe(library)
    probe.devices()
    probe.devices()
    assert library.starts == 1
    probe.close()
    probe.close()
    assert library.stops == 1


def test_a_lost_gpu_is_a_note_and_the_library_is_started_anew() -> None:
    library = FakeNvml(gone=pynvml.NVML_ERROR_GPU_IS_LOST)
    probe = NvmlProbe(library)
    found = probe.devices()
    assert found.devices == ()
    assert "GPU is lost" in found.note
    library.gone = None
    assert only_gpu(probe).name == "Tesla T4"
    assert library.starts == 2


def test_reading_can_be_recorded() -> None:
    reading = NvmlProbe(FakeNvml()).read()
    assert reading.devices[0].power_usage == 12_340

"""What every adapter of the GpuProbe port does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gpu_svc.hardware import Cpu, Findings, Gpu, Mps
from gpu_svc.probe.base import GpuProbe
from gpu_svc.probe.cpu import CpuProbe
from gpu_svc.probe.memory import RECORDINGS, MemoryProbe
from gpu_svc.probe.mps import MpsProbe
from gpu_svc.probe.nvml import NvmlProbe

ADAPTERS: dict[str, Callable[[], GpuProbe]] = {
    "nvml": NvmlProbe,
    "cpu": CpuProbe,
    "cpu_without_proc": lambda: CpuProbe(Path("/nowhere"), Path("/nowhere")),
    "mps": MpsProbe,
    "memory": lambda: MemoryProbe.from_recording(RECORDINGS / "two_unequal.json"),
}


@pytest.fixture(params=list(ADAPTERS))
def probe(request: pytest.FixtureRequest) -> GpuProbe:
    return ADAPTERS[request.param]()


def test_looking_never_raises_and_finds_devices_or_says_why_not(probe: GpuProbe) -> None:
    found = probe.devices()
    assert isinstance(found, Findings)
    assert found.devices or found.note
    assert all(isinstance(device, Gpu | Cpu | Mps) for device in found.devices)
    probe.close()


def test_it_may_be_used_after_close_and_closed_twice(probe: GpuProbe) -> None:
    first = probe.devices()
    probe.close()
    probe.close()
    again = probe.devices()
    assert [type(device) for device in again.devices] == [type(d) for d in first.devices]
    probe.close()


def test_memory_free_is_never_more_than_all(probe: GpuProbe) -> None:
    for device in probe.devices().devices:
        if isinstance(device, Gpu):
            assert 0 <= device.available_memory_mb <= device.memory_mb
        if isinstance(device, Cpu) and device.memory_mb and device.available_memory_mb:
            assert 0 < device.available_memory_mb <= device.memory_mb
    probe.close()

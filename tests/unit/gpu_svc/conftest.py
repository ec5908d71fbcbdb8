import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from fleetserve.clock import ManualClock
from fleetserve.model_records import ModelRecord, ModelState
from fleetserve.runtime import ServiceRuntime, make_runtime
from gpu_svc.app import control_app
from gpu_svc.benchmark.base import Measurement
from gpu_svc.benchmark.memory import MemoryBenchmark
from gpu_svc.device_service import DeviceService
from gpu_svc.fleet.memory import MemoryFleet
from gpu_svc.hardware import Cpu, Mps
from gpu_svc.probe.memory import RECORDINGS, MemoryProbe
from gpu_svc.settings import load_settings
from gpu_svc.torch_builds import TorchBuild

CPU = Cpu("Test CPU", "x86_64", 8, 4.0, 32_000.0, 16_000.0, ("avx2",), 0.5)
NO_MPS = Mps(available=False, reason="MPS needs macOS on Apple silicon")
CUDA_BUILD = TorchBuild("replica r1", "2.13.0+cu130", "13.0")
CPU_BUILD = TorchBuild("replica r1", "2.13.0+cpu", "")
MODEL = ModelRecord("mini_lm", "feature-extraction", ModelState.READY, size_bytes=90 * 1024 * 1024)


def make_devices(
    recording: str | None,
    *,
    requested: str = "auto",
    build: TorchBuild = CUDA_BUILD,
    visible: str | None = None,
    away: str = "",
) -> DeviceService:
    """A service over a recording's GPUs (none: no driver) and a made-up host."""
    if recording is None:
        gpus = MemoryProbe(note="NVML: NVML Shared Library Not Found; no NVIDIA GPU can be used")
    else:
        gpus = MemoryProbe.from_recording(RECORDINGS / f"{recording}.json")
    return DeviceService(
        probes=[gpus, MemoryProbe(CPU), MemoryProbe(NO_MPS)],
        benchmarks=[MemoryBenchmark(Measurement("cpu", 12.5, 0.1, "one thread"))],
        fleet=MemoryFleet([build], [MODEL], away),
        clock=ManualClock(1_767_225_600.0),
        requested_device=requested,
        visible=visible,
        installed=lambda: None,
    )


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with everything under a folder of the test's own."""
    return {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": str(tmp_path / "config.yaml"),
        "FLEETSERVE_LOGGING__STDOUT": "false",
    }


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Puts back what a service's start does to logging."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def runtime(environ: dict[str, str], own_logging: None) -> Iterator[ServiceRuntime]:
    runtime = make_runtime(load_settings(environ).service)
    yield runtime
    runtime.sink.close()


@pytest.fixture
def recording() -> str | None:
    """Which machine the client sees; a test's parametrize may say another."""
    return "rtx_4090"


@pytest.fixture
def devices(recording: str | None) -> DeviceService:
    return make_devices(recording)


@pytest.fixture
async def client(
    runtime: ServiceRuntime, devices: DeviceService
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(control_app(runtime, devices))
    async with httpx.AsyncClient(transport=transport, base_url="http://gpu") as client:
        yield client

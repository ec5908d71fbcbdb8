"""Composition root of gpu-svc: the only file that names concrete adapters."""

import functools

from fastapi import FastAPI

from fleetserve.app import create_app, wrap_control
from fleetserve.asgi import App
from fleetserve.runtime import ServiceRuntime, make_runtime
from gpu_svc.api.gpu import gpu_router
from gpu_svc.benchmark.cpu import CpuBenchmark
from gpu_svc.benchmark.cuda import CudaBenchmark
from gpu_svc.device_gauges import DeviceGauges
from gpu_svc.device_service import DeviceService
from gpu_svc.device_table import cpu_table, gpu_table
from gpu_svc.fleet.redis import RedisFleet
from gpu_svc.probe.base import GpuProbe
from gpu_svc.probe.cpu import CpuProbe
from gpu_svc.probe.memory import MemoryProbe
from gpu_svc.probe.mps import MpsProbe
from gpu_svc.probe.nvml import NvmlProbe
from gpu_svc.settings import GpuSettings
from gpu_svc.torch_builds import installed_build


def build(settings: GpuSettings) -> tuple[App, ServiceRuntime]:
    """The service's ASGI app and its runtime."""
    runtime = make_runtime(settings.service)
    devices = DeviceService(
        probes=[_gpu_probe(settings), CpuProbe(), MpsProbe()],
        benchmarks=[CpuBenchmark(runtime.clock), CudaBenchmark()],
        fleet=RedisFleet(runtime.redis, runtime.keys),
        clock=runtime.clock,
        requested_device=settings.service.config.inference.device,
        visible=settings.visible_devices,
        # Reading a package's metadata costs more than the rest of a look, and does not change.
        installed=functools.cache(installed_build),
    )
    return wrap_control(control_app(runtime, devices)), runtime


def control_app(runtime: ServiceRuntime, devices: DeviceService) -> FastAPI:
    """The service around given devices, without the layer of tokens."""
    gauges = DeviceGauges(devices, runtime)
    runtime.background.append(gauges.run)
    runtime.tables += [lambda: gpu_table(devices), lambda: cpu_table(devices)]
    runtime.on_shutdown.append(gauges.close)
    app = create_app(runtime, title="Fleetserve GPU service", routers=[gpu_router])
    app.state.devices = devices
    return app


def _gpu_probe(settings: GpuSettings) -> GpuProbe:
    if settings.recording is not None:
        return MemoryProbe.from_recording(settings.recording)
    return NvmlProbe()

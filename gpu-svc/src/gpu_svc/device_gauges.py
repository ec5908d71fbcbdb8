"""Keeps the devices' numbers among the service's metrics, for Prometheus and the dashboards."""

import asyncio

import structlog

from fleetserve.runtime import ServiceRuntime
from gpu_svc.device_service import DeviceService, Look

log = structlog.get_logger(__name__)

# Reading a GPU costs about a millisecond of its driver's time.
PERIOD_S = 2.0
# Where there is none, only the host's memory changes, and that a GPU appears is rare.
WITHOUT_GPUS_S = 10.0


class DeviceGauges:
    """Looks every few seconds and sets gauges such as gpu0_utilization_percent."""

    def __init__(self, devices: DeviceService, runtime: ServiceRuntime) -> None:
        self._devices = devices
        self._runtime = runtime
        self._seen: tuple[str, ...] | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            look = await self._devices.look()
            self._runtime.metrics.gauges = gauges_of(look)
            self._log_changes(look)
            await self._runtime.clock.sleep(PERIOD_S if look.gpus else WITHOUT_GPUS_S)

    async def close(self) -> None:
        await asyncio.to_thread(self._devices.close)

    def _log_changes(self, look: Look) -> None:
        seen = tuple(each.gpu.uuid for each in look.gpus)
        if seen != self._seen:
            self._seen = seen
            names = [each.gpu.name for each in look.gpus]
            log.info("devices.detected", gpus=names, notes=list(look.notes))


def gauges_of(look: Look) -> dict[str, float]:
    """Name → value; what is not told has no gauge."""
    gauges: dict[str, float | None] = {
        "gpus": float(len(look.gpus)),
        "gpus_suitable": float(sum(each.suitable for each in look.gpus)),
    }
    for each in look.gpus:
        gpu = each.gpu
        gauges[f"gpu{gpu.index}_memory_used_mb"] = gpu.memory_mb - gpu.available_memory_mb
        gauges[f"gpu{gpu.index}_memory_mb"] = gpu.memory_mb
        gauges[f"gpu{gpu.index}_utilization_percent"] = gpu.utilization
        gauges[f"gpu{gpu.index}_temperature_c"] = gpu.temperature_c
        gauges[f"gpu{gpu.index}_power_w"] = gpu.power_w
    if (cpu := look.hardware.cpu) is not None:
        gauges["cpu_load_1m"] = cpu.load_1m
        gauges["host_memory_available_mb"] = cpu.available_memory_mb
    return {name: round(value, 1) for name, value in gauges.items() if value is not None}

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace

from fleetserve.clock import ManualClock
from fleetserve.runtime import ServiceRuntime
from gpu_svc.device_gauges import DeviceGauges, gauges_of
from tests.unit.gpu_svc.conftest import make_devices


async def test_gauges_hold_what_is_told() -> None:
    gauges = gauges_of(await make_devices("two_unequal").look())
    assert gauges["gpus"] == 2.0
    assert gauges["gpu1_memory_used_mb"] == 40_960.0
    assert gauges["gpu1_power_w"] == 338.1
    assert "gpu0_power_w" not in gauges
    assert gauges["host_memory_available_mb"] == 16_000.0


async def test_gauges_reach_the_metrics_and_follow(runtime: ServiceRuntime) -> None:
    clock = ManualClock()
    gauges = DeviceGauges(make_devices("t4"), replace(runtime, clock=clock))
    first_look = asyncio.Event()
    clock.sleep = _signalling(first_look)  # type: ignore[method-assign, assignment]
    task = asyncio.ensure_future(gauges.run())
    await first_look.wait()
    task.cancel()
    await gauges.close()
    assert runtime.metrics.gauges["gpus_suitable"] == 1.0


def _signalling(event: asyncio.Event) -> Callable[[float], Coroutine[None, None, None]]:
    async def sleep(_: float) -> None:
        event.set()
        await asyncio.Event().wait()

    return sleep

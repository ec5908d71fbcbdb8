"""The devices, as tables of gpu-svc's dashboard."""

from fleetserve.dashboard.view import Table
from gpu_svc.device_service import DeviceService, Look

_COLUMNS = (
    "id", "GPU", "MiB", "MiB free", "busy %", "°C", "W", "compute capability", "suitable",
)  # fmt: skip


async def gpu_table(devices: DeviceService) -> Table:
    """The NVIDIA GPUs; without one the page says why."""
    look = await devices.look()
    rows = [
        [
            each.gpu.index,
            each.gpu.name,
            each.gpu.memory_mb,
            each.gpu.available_memory_mb,
            each.gpu.utilization,
            each.gpu.temperature_c,
            each.gpu.power_w,
            f"{each.capability.major}.{each.capability.minor}",
            "yes" if each.suitable else "no",
        ]
        for each in look.gpus
    ]
    return Table("GPUs", _COLUMNS, rows, _reason(look))


async def cpu_table(devices: DeviceService) -> Table:
    cpu = (await devices.look()).hardware.cpu
    rows = (
        [[cpu.name, cpu.available_cores, cpu.memory_mb, cpu.available_memory_mb, cpu.load_1m]]
        if cpu is not None
        else []
    )
    return Table("Processor", ("CPU", "cores", "MiB", "MiB free", "load, 1 min"), rows)


def _reason(look: Look) -> str:
    return "; ".join(look.notes) or "No GPU was found."

"""Looks at the machine for the endpoints: probes, what torch serves, what is asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import InvalidFieldError, ModelNotFoundError, UnavailableError
from gpu_svc.advice import DevicePlan, plan_device
from gpu_svc.assessment import Assessed, assess
from gpu_svc.benchmark.base import DeviceBenchmark, Measurement
from gpu_svc.fleet.base import FleetView
from gpu_svc.hardware import Hardware, gather
from gpu_svc.probe.base import GpuProbe
from gpu_svc.ranking import Need
from gpu_svc.torch_builds import TorchBuild

T = TypeVar("T")
log = structlog.get_logger(__name__)

MIB = 1024 * 1024
# Several dashboards and endpoints asking at once share a look this fresh.
LOOK_FRESH_S = 0.5
BENCHMARK_FRESH_S = 60.0


@dataclass(frozen=True, slots=True)
class Look:
    """The machine at one moment; taken_s is wall time."""

    hardware: Hardware
    gpus: tuple[Assessed, ...]
    notes: tuple[str, ...]
    taken_s: float


class DeviceService:
    """For the event loop; what blocks runs in a thread, once for all who ask at the same time.

    Args:
        requested_device: DEVICE's value.
        visible: CUDA_VISIBLE_DEVICES, None when not set.
        installed: Finds the torch of this environment.
    """

    def __init__(
        self,
        probes: Sequence[GpuProbe],
        benchmarks: Sequence[DeviceBenchmark],
        fleet: FleetView,
        clock: Clock,
        *,
        requested_device: str,
        visible: str | None,
        installed: Callable[[], TorchBuild | None],
    ) -> None:
        self._probes = probes
        self._benchmarks = benchmarks
        self._fleet = fleet
        self._clock = clock
        self.requested_device = requested_device
        self._visible = visible
        self._installed = installed
        self._looks = _Fresh(self._look, clock, LOOK_FRESH_S)
        self._measurements = _Fresh(self._measure, clock, BENCHMARK_FRESH_S)

    async def look(self) -> Look:
        """The devices now, at most LOOK_FRESH_S old."""
        return await self._looks.get()

    async def measure(self) -> list[Measurement]:
        """What the benchmarks find, at most BENCHMARK_FRESH_S old."""
        return await self._measurements.get()

    async def plan(self) -> DevicePlan:
        """The device that DEVICE picks here.

        Raises:
            DeviceNotAvailableError: the one that was asked for is not there.
        """
        look = await self.look()
        return plan_device(self.requested_device, look.hardware, look.gpus)

    async def size_need(self, need: Need, model_name: str | None) -> Need:
        """Put a known model's size into the need.

        Raises:
            ModelNotFoundError: there is no such model.
            InvalidFieldError: both a name and a size are given, or the size is not known.
            UnavailableError: the models can't be looked up now.
        """
        if model_name is None:
            return need
        if need.model_mb is not None:
            raise InvalidFieldError("model_size_mb", "give either it or model_name, not both")
        record = await self._fleet.model(model_name)
        if record is None:
            raise ModelNotFoundError(model_name, "GET /models lists those here; or model_size_mb.")
        if record.size_bytes <= 0:
            raise InvalidFieldError(
                "model_name", f"the size of {record.name} is not known yet; give model_size_mb"
            )
        return Need(record.size_bytes / MIB, need.precision)

    def close(self) -> None:
        for probe in self._probes:
            probe.close()

    async def _look(self) -> Look:
        findings = await asyncio.gather(*(asyncio.to_thread(p.devices) for p in self._probes))
        hardware = gather(findings)
        builds, note = await self._torch_builds()
        notes = (*hardware.notes, *([note] if note else []))
        gpus = assess(hardware.gpus, builds, self._visible)
        return Look(hardware, gpus, notes, self._clock.now_s())

    async def _torch_builds(self) -> tuple[list[TorchBuild], str]:
        """Every torch that is known of, and why the replicas' are not."""
        here = await asyncio.to_thread(self._installed)
        own = [here] if here is not None else []
        try:
            return [*await self._fleet.torch_builds(), *own], ""
        except UnavailableError as error:
            return own, f"The replicas' torch is not known now: {error.detail}"

    async def _measure(self) -> list[Measurement]:
        # One after the other: at the same time they would measure each other.
        found = [await asyncio.to_thread(each.measure) for each in self._benchmarks]
        measurements = [measurement for group in found for measurement in group]
        for each in measurements:
            log.info("benchmark.measured", device=each.device, copy_gb_per_s=each.copy_gb_per_s)
        return measurements


class _Fresh(Generic[T]):
    """A value that is found anew when it is older than max_age_s; for the event loop."""

    def __init__(self, find: Callable[[], Awaitable[T]], clock: Clock, max_age_s: float) -> None:
        self._find = find
        self._clock = clock
        self._max_age_s = max_age_s
        self._lock = asyncio.Lock()
        self._found: tuple[float, T] | None = None

    async def get(self) -> T:
        async with self._lock:
            found = self._found
            if found is None or self._clock.monotonic_s() - found[0] > self._max_age_s:
                value = await self._find()
                found = self._found = (self._clock.monotonic_s(), value)
            return found[1]

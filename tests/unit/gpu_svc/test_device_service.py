import threading

import pytest

from fleetserve.clock import ManualClock
from fleetserve.errors import InvalidFieldError, ModelNotFoundError
from fleetserve.model_records import ModelRecord, ModelState
from gpu_svc.benchmark.base import Measurement
from gpu_svc.benchmark.memory import MemoryBenchmark
from gpu_svc.device_service import BENCHMARK_FRESH_S, LOOK_FRESH_S, DeviceService
from gpu_svc.fleet.memory import MemoryFleet
from gpu_svc.hardware import Findings
from gpu_svc.ranking import Need
from tests.unit.gpu_svc.conftest import MODEL


class CountingProbe:
    def __init__(self) -> None:
        self.looks = 0
        self.closed = False
        self.threads: set[int] = set()

    def devices(self) -> Findings:
        self.looks += 1
        self.threads.add(threading.get_ident())
        return Findings()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000.0)


@pytest.fixture
def probe() -> CountingProbe:
    return CountingProbe()


@pytest.fixture
def benchmark() -> MemoryBenchmark:
    return MemoryBenchmark(Measurement("cpu", 10.0, 0.1, "one thread"))


@pytest.fixture
def service(clock: ManualClock, probe: CountingProbe, benchmark: MemoryBenchmark) -> DeviceService:
    unsized = ModelRecord("new", "fill-mask", ModelState.DOWNLOADING)
    return DeviceService(
        [probe],
        [benchmark],
        MemoryFleet(models=[MODEL, unsized]),
        clock,
        requested_device="auto",
        visible=None,
        installed=lambda: None,
    )


async def test_looks_close_together_are_one_and_off_the_loop(
    service: DeviceService, clock: ManualClock, probe: CountingProbe
) -> None:
    await service.look()
    await service.look()
    assert probe.looks == 1
    assert threading.get_ident() not in probe.threads
    clock.move(LOOK_FRESH_S + 0.1)
    await service.look()
    assert probe.looks == 2


async def test_benchmarks_are_not_run_for_everyone_who_asks(
    service: DeviceService, clock: ManualClock, benchmark: MemoryBenchmark
) -> None:
    for _ in range(3):
        assert len(await service.measure()) == 1
    assert benchmark.calls == 1
    clock.move(BENCHMARK_FRESH_S + 1)
    await service.measure()
    assert benchmark.calls == 2


async def test_size_comes_from_the_model(service: DeviceService) -> None:
    assert (await service.size_need(Need(), "mini-lm")).model_mb == 90.0
    assert (await service.size_need(Need(5.0), None)).model_mb == 5.0


async def test_unknown_and_unsized_models_are_refused(service: DeviceService) -> None:
    with pytest.raises(ModelNotFoundError):
        await service.size_need(Need(), "absent")
    with pytest.raises(InvalidFieldError, match="not known yet"):
        await service.size_need(Need(), "new")
    with pytest.raises(InvalidFieldError, match="not both"):
        await service.size_need(Need(5.0), "mini_lm")


async def test_close_closes_the_probes(service: DeviceService, probe: CountingProbe) -> None:
    service.close()
    assert probe.closed

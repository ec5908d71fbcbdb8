import ctypes
import json
import subprocess
import sys
from typing import Any
from uuid import UUID

import pytest

from fleetserve.clock import ManualClock
from gpu_svc.benchmark.cuda import CudaError, measure_all

UUID_BYTES = bytes(range(16))


class FakeDriver:
    """Answers as libcuda does: 0, or an error number for the calls in failing."""

    def __init__(self, clock: ManualClock, failing: dict[str, int] | None = None) -> None:
        self.clock = clock
        self.failing = failing or {}
        self.held = 0
        self.contexts = 0

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> int:
            if name in self.failing:
                return self.failing[name]
            answer = getattr(type(self), f"on_{name}", None)
            if answer is not None:
                answer(self, *arguments)
            return 0

        return call

    def on_cuDeviceGetCount(self, count: Any) -> None:  # noqa: N802
        count._obj.value = 2

    def on_cuDeviceGetUuid(self, raw: Any, _: Any) -> None:  # noqa: N802
        ctypes.memmove(raw, UUID_BYTES, 16)

    def on_cuDevicePrimaryCtxRetain(self, *_: Any) -> None:  # noqa: N802
        self.contexts += 1

    def on_cuDevicePrimaryCtxRelease_v2(self, *_: Any) -> None:  # noqa: N802
        self.contexts -= 1

    def on_cuMemAlloc_v2(self, pointer: Any, _: Any) -> None:  # noqa: N802
        self.held += 1
        pointer._obj.value = self.held

    def on_cuMemFree_v2(self, _: Any) -> None:  # noqa: N802
        self.held -= 1

    def on_cuMemcpyDtoD_v2(self, *_: Any) -> None:  # noqa: N802
        self.clock.move(0.05)


def test_every_gpu_is_measured_and_let_go() -> None:
    clock = ManualClock()
    driver = FakeDriver(clock)
    first, second = measure_all(driver, clock, 1_000_000)
    assert first.device == second.device == f"GPU-{UUID(bytes=UUID_BYTES)}"
    assert first.copy_gb_per_s == round(2 * 2 * 1e6 / 0.1 / 1e9, 1)
    assert (driver.held, driver.contexts) == (0, 0)


def test_a_full_gpu_says_so_and_keeps_nothing() -> None:
    clock = ManualClock()
    driver = FakeDriver(clock, {"cuMemAlloc_v2": 2})
    found = measure_all(driver, clock)
    assert [m.copy_gb_per_s for m in found] == [None, None]
    assert "no room" in found[0].detail
    assert (driver.held, driver.contexts) == (0, 0)


def test_a_driver_that_does_not_start_is_an_error() -> None:
    clock = ManualClock()
    with pytest.raises(CudaError, match="cuInit"):
        measure_all(FakeDriver(clock, {"cuInit": 100}), clock)


def test_process_without_a_driver_prints_an_empty_list() -> None:
    command = [sys.executable, "-m", "gpu_svc.benchmark.cuda"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(ended.stdout)
    assert isinstance(found, list)

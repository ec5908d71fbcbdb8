"""How fast GPUs copy their memory, by CUDA's driver library alone (no torch is needed).

The measuring runs in a process of its own (python -m gpu_svc.benchmark.cuda): the CUDA context goes
with it, and a driver that crashes does not take the service along.
"""

import ctypes
import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any
from uuid import UUID

from fleetserve.clock import Clock, SystemClock
from gpu_svc.benchmark.base import Measurement

LIBRARY = "libcuda.so.1"
BUFFER_BYTES = 256 * 1024 * 1024
LEAST_S = 0.1
WARM_UPS = 3
PROCESS_TIMEOUT_S = 60


class CudaError(Exception):
    """A call into the driver failed."""


class CudaBenchmark:
    """Measures every GPU that CUDA shows to this process's environment."""

    def measure(self) -> list[Measurement]:
        command = [sys.executable, "-m", "gpu_svc.benchmark.cuda"]
        try:
            ended = subprocess.run(  # noqa: S603 - this module, without arguments
                command, capture_output=True, text=True, timeout=PROCESS_TIMEOUT_S, check=True
            )
            return [Measurement(**found) for found in json.loads(ended.stdout)]
        except subprocess.TimeoutExpired:
            reason = f"no result within {PROCESS_TIMEOUT_S} s"
        except (OSError, subprocess.CalledProcessError, ValueError, TypeError) as error:
            reason = str(error)
        return [Measurement("cuda", None, 0.0, f"The benchmark's process failed: {reason}")]


def measure_all(driver: Any, clock: Clock, buffer_bytes: int = BUFFER_BYTES) -> list[Measurement]:
    """Measure each GPU in turn; one that fails says why.

    Args:
        driver: libcuda, or what answers its calls.
        clock: Times the copies.
        buffer_bytes: Two such buffers are taken on each GPU.
    """
    _check(driver.cuInit(0), "cuInit")
    count = ctypes.c_int()
    _check(driver.cuDeviceGetCount(ctypes.byref(count)), "cuDeviceGetCount")
    return [_measure(driver, clock, ordinal, buffer_bytes) for ordinal in range(count.value)]


def _measure(driver: Any, clock: Clock, ordinal: int, buffer_bytes: int) -> Measurement:
    device = ctypes.c_int()
    _check(driver.cuDeviceGet(ctypes.byref(device), ordinal), "cuDeviceGet")
    raw = (ctypes.c_char * 16)()
    _check(driver.cuDeviceGetUuid(raw, device), "cuDeviceGetUuid")
    name = f"GPU-{UUID(bytes=bytes(raw))}"
    context = ctypes.c_void_p()
    try:
        _check(driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device), "the context")
        _check(driver.cuCtxSetCurrent(context), "cuCtxSetCurrent")
        copies, seconds = _copy(driver, clock, ctypes.c_size_t(buffer_bytes))
    except CudaError as error:
        return Measurement(name, None, 0.0, str(error))
    finally:
        driver.cuDevicePrimaryCtxRelease_v2(device)
    speed = 2 * copies * buffer_bytes / seconds / 1e9
    detail = f"{copies} copies of {buffer_bytes // 2**20} MiB within the GPU"
    return Measurement(name, round(speed, 1), round(seconds, 3), detail)


def _copy(driver: Any, clock: Clock, size: ctypes.c_size_t) -> tuple[int, float]:
    """Copy for at least LEAST_S; return how often and how long."""
    source, target = ctypes.c_uint64(), ctypes.c_uint64()
    _check(driver.cuMemAlloc_v2(ctypes.byref(source), size), "no room for the buffers")
    try:
        _check(driver.cuMemAlloc_v2(ctypes.byref(target), size), "no room for the buffers")
        for _ in range(WARM_UPS):
            _check(driver.cuMemcpyDtoD_v2(target, source, size), "cuMemcpyDtoD")
        _check(driver.cuCtxSynchronize(), "cuCtxSynchronize")
        begin_s = clock.monotonic_s()
        copies, seconds = 0, 0.0
        while seconds < LEAST_S:
            _check(driver.cuMemcpyDtoD_v2(target, source, size), "cuMemcpyDtoD")
            _check(driver.cuCtxSynchronize(), "cuCtxSynchronize")
            copies += 1
            seconds = clock.monotonic_s() - begin_s
        return copies, seconds
    finally:
        driver.cuMemFree_v2(source)
        if target.value:
            driver.cuMemFree_v2(target)


def _check(result: int, what: str) -> None:
    if result != 0:
        raise CudaError(f"{what}: CUDA's driver answers error {result}")


def main() -> None:
    try:
        found = measure_all(ctypes.CDLL(LIBRARY), SystemClock())
    except OSError:
        found = []  # No driver, so no GPU to measure.
    except CudaError as error:
        found = [Measurement("cuda", None, 0.0, str(error))]
    sys.stdout.write(json.dumps([asdict(each) for each in found]))


if __name__ == "__main__":
    main()

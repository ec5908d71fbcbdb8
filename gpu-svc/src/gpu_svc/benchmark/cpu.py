"""How fast one core copies memory."""

from fleetserve.clock import Clock, SystemClock
from gpu_svc.benchmark.base import Measurement

# More than the caches of common server CPUs per core, so that memory is measured.
BUFFER_BYTES = 64 * 1024 * 1024
LEAST_S = 0.1


class CpuBenchmark:
    """Copies a buffer for at least LEAST_S on one thread."""

    def __init__(self, clock: Clock | None = None, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._clock = clock or SystemClock()
        self._buffer_bytes = buffer_bytes

    def measure(self) -> list[Measurement]:
        # Between views it is one memmove; a bytearray would first copy the source once more.
        source = memoryview(bytearray(self._buffer_bytes))
        target = memoryview(bytearray(self._buffer_bytes))
        target[:] = source  # The first touch maps the pages; it is not counted.
        begin_s = self._clock.monotonic_s()
        copies, seconds = 0, 0.0
        while seconds < LEAST_S:
            target[:] = source
            copies += 1
            seconds = self._clock.monotonic_s() - begin_s
        speed = 2 * copies * self._buffer_bytes / seconds / 1e9
        detail = f"one thread, {copies} copies of {self._buffer_bytes // 2**20} MiB"
        return [Measurement("cpu", round(speed, 2), round(seconds, 3), detail)]

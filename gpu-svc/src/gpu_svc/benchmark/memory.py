"""Measurements that are given, for tests."""

from gpu_svc.benchmark.base import Measurement


class MemoryBenchmark:
    """Counts how often it was asked."""

    def __init__(self, *measurements: Measurement) -> None:
        self._measurements = measurements
        self.calls = 0

    def measure(self) -> list[Measurement]:
        self.calls += 1
        return list(self._measurements)

from gpu_svc.benchmark.base import Measurement
from gpu_svc.benchmark.memory import MemoryBenchmark


def test_gives_what_it_was_given_and_counts() -> None:
    given = Measurement("cpu", 1.0, 0.1, "x")
    benchmark = MemoryBenchmark(given)
    assert benchmark.measure() == [given]
    assert benchmark.calls == 1

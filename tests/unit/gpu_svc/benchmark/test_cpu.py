from fleetserve.clock import ManualClock
from gpu_svc.benchmark.cpu import CpuBenchmark


class TickingClock(ManualClock):
    """Each look at it takes 30 ms."""

    def monotonic_s(self) -> float:
        self.move(0.03)
        return super().monotonic_s()


def test_speed_is_bytes_read_and_written_over_the_time() -> None:
    (found,) = CpuBenchmark(TickingClock(), 1_000_000).measure()
    # Four copies of 1 MB, read and written, in 0.12 s.
    assert (found.device, found.seconds) == ("cpu", 0.12)
    assert found.copy_gb_per_s == round(2 * 4 * 1e6 / 0.12 / 1e9, 2)


def test_this_machine_has_a_speed() -> None:
    (found,) = CpuBenchmark(buffer_bytes=4 * 1024 * 1024).measure()
    assert found.copy_gb_per_s is not None
    assert found.copy_gb_per_s > 0.1

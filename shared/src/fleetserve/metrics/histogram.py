"""A latency histogram that merges, with a relative error of at most 1/16."""

from collections.abc import Mapping

_SUB_BITS = 4
_SUB = 1 << _SUB_BITS


def _bucket(micros: int) -> int:
    shift = micros.bit_length() - _SUB_BITS - 1
    if shift <= 0:
        return micros
    return (shift << _SUB_BITS) + (micros >> shift)


def _upper_us(bucket: int) -> int:
    if bucket < 2 * _SUB:
        return bucket
    shift = (bucket >> _SUB_BITS) - 1
    return ((bucket & (_SUB - 1)) + _SUB + 1 << shift) - 1


class LatencyHistogram:
    """Counts by logarithmic buckets of microseconds, 16 to each doubling.

    Source: HdrHistogram's log-linear buckets.
    """

    __slots__ = ("counts", "total", "total_s")

    def __init__(self, counts: Mapping[int, int] | None = None, total_s: float = 0.0) -> None:
        self.counts: dict[int, int] = dict(counts or {})
        self.total = sum(self.counts.values())
        self.total_s = total_s

    def record(self, seconds: float) -> None:
        bucket = _bucket(int(seconds * 1e6))
        counts = self.counts
        counts[bucket] = counts.get(bucket, 0) + 1
        self.total += 1
        self.total_s += seconds

    def merge(self, other: "LatencyHistogram") -> None:
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.total += other.total
        self.total_s += other.total_s

    def quantile_s(self, q: float) -> float:
        """The time that a share ``q`` (0 to 1) did not exceed; 0 when nothing was recorded."""
        rank, seen = q * self.total, 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                return _upper_us(bucket) / 1e6
        return 0.0

    def at_most(self, bound_s: float) -> int:
        """How many were within ``bound_s``, for Prometheus' cumulative buckets."""
        limit = int(bound_s * 1e6)
        return sum(count for bucket, count in self.counts.items() if _upper_us(bucket) <= limit)

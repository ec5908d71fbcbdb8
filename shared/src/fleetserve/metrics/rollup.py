"""What one process did in one second, as it goes to Redis."""

import msgspec

from fleetserve.metrics.histogram import LatencyHistogram


class ModelRollUp(msgspec.Struct):
    """One model in one second; ``buckets`` are those of LatencyHistogram."""

    requests: int = 0
    errors: int = 0
    busy_s: float = 0.0
    buckets: dict[int, int] = msgspec.field(default_factory=dict)

    def histogram(self) -> LatencyHistogram:
        return LatencyHistogram(self.buckets, self.busy_s)


class RollUp(msgspec.Struct):
    """One process in one second.

    ``gauges`` are values at its end (memory_mb, queued …; in_flight: the most at one time),
    ``counters`` what was added in it, ``calls`` the requests that were for no model.
    """

    at_s: int
    service: str
    replica_id: str
    models: dict[str, ModelRollUp] = msgspec.field(default_factory=dict)
    gauges: dict[str, float] = msgspec.field(default_factory=dict)
    counters: dict[str, float] = msgspec.field(default_factory=dict)
    calls: ModelRollUp = msgspec.field(default_factory=ModelRollUp)


_decode = msgspec.json.Decoder(RollUp).decode


def encode_rollup(rollup: RollUp) -> bytes:
    return msgspec.json.encode(rollup)


def decode_rollup(raw: bytes) -> RollUp:
    return _decode(raw)

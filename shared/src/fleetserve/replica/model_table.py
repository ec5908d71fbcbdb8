"""The models of a replica, as a table of its dashboard."""

from typing import Any

from fleetserve.clock import Clock
from fleetserve.dashboard.view import Table
from fleetserve.replica.models import ModelHandle
from fleetserve.replica.pool import ModelPool

_COLUMNS = ("model", "revision", "task", "state", "MiB", "load s", "in use by", "idle s")


def model_table(pool: ModelPool[Any], clock: Clock) -> Table:
    now_s = clock.monotonic_s()
    rows = [_row(handle, now_s) for handle in pool.handles()]
    return Table("Models here", _COLUMNS, rows, empty="No model is loaded.")


def _row(handle: ModelHandle[Any], now_s: float) -> tuple[object, ...]:
    spec = handle.spec
    failure = f": {handle.failure}" if handle.failure is not None else ""
    return (
        spec.name,
        spec.revision[:12],
        str(spec.task),
        f"{handle.state}{failure}",
        round(handle.bytes / 2**20, 2),
        round(handle.load_s, 2),
        handle.refs,
        0.0 if handle.refs else round(now_s - handle.last_used_s, 1),
    )

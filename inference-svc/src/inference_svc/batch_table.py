"""What the batchers of a replica have done, as a table of its dashboard."""

from fleetserve.dashboard.view import Table
from fleetserve.replica.models import HandleState
from fleetserve.replica.pool import ModelPool
from inference_svc.batcher import Batcher, ServedModel
from inference_svc.served import Served

_COLUMNS = ("model", "batches", "inputs", "mean batch", "padding", "compute s", "token budget")


def batch_table(pool: ModelPool[Served]) -> Table:
    ready = [handle for handle in pool.handles() if handle.state is HandleState.READY]
    served = [(handle.spec.name, handle.model) for handle in ready]
    rows = [_row(name, one.batcher) for name, one in served if isinstance(one, ServedModel)]
    return Table("Batches", _COLUMNS, rows, empty="No model is loaded.")


def _row(name: str, batcher: Batcher) -> tuple[object, ...]:
    done = batcher.done
    return (
        name,
        done.batches,
        done.inputs,
        round(done.inputs / done.batches, 1) if done.batches else 0.0,
        f"{100 * (1 - done.useful / done.padded):.1f} %" if done.padded else "0.0 %",
        round(done.compute_s, 2),
        batcher.budget.tokens,
    )

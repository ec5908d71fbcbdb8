"""What the registry's dashboard shows beyond any service's: models, downloads, workers."""

import asyncio
from collections.abc import Awaitable, Callable

from fleetserve.dashboard.view import Table
from fleetserve.errors import UnavailableError
from fleetserve.model_records import ModelRecord, ModelState
from model_registry_svc.disk import MIB
from model_registry_svc.records import RecordBook
from model_registry_svc.worker_presence import WorkerPresence


def tables(records: RecordBook, presence: WorkerPresence) -> list[Callable[[], Awaitable[Table]]]:
    """Made anew each time the page asks; Redis away leaves them empty, with the reason."""
    return [lambda: _model_table(records), lambda: _worker_table(presence)]


async def _model_table(records: RecordBook) -> Table:
    columns = ("model", "task", "state", "MiB", "revision", "from", "note")
    try:
        found = await asyncio.to_thread(records.all)
    except UnavailableError as exc:
        return Table("Models and downloads", columns, [], exc.detail)
    # What is on its way is what people come to see.
    found.sort(key=lambda record: (record.state is not ModelState.DOWNLOADING, record.name))
    return Table("Models and downloads", columns, [_row(r) for r in found], "None yet.")


def _row(record: ModelRecord) -> list[object]:
    downloading = record.state is ModelState.DOWNLOADING
    return [
        record.name,
        record.task,
        {"progress": record.progress} if downloading else str(record.state),
        round(record.size_bytes / MIB, 1),
        record.revision[:12] or None,
        ": ".join(filter(None, (record.source, record.model_id))) or None,
        record.message or None,
    ]


async def _worker_table(presence: WorkerPresence) -> Table:
    columns = ("worker", "jobs at work", "MB/s, last download")
    try:
        workers = await asyncio.to_thread(presence.workers)
    except UnavailableError as exc:
        return Table("Workers", columns, [], exc.detail)
    rows = [
        [name, report.active, round(report.bytes_per_s / 1e6, 1)]
        for name, report in sorted(workers.items())
    ]
    return Table("Workers", columns, rows, "No worker is running; downloads wait for one.")

"""Keeps the fleet's records true to the disk: Redis may have been away, or emptied."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from fleetserve.manifest import Manifest
from fleetserve.model_records import ModelRecord, ModelState
from model_registry_svc.library import Library
from model_registry_svc.records import RecordBook, ready_record

# True while the download of that id goes on.
IsRunning = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Corrections:
    """What to tell the fleet: records to put, names to take away."""

    put: tuple[ModelRecord, ...]
    remove: tuple[str, ...]


def correct(
    records: Iterable[ModelRecord], manifests: Iterable[Manifest], is_running: IsRunning
) -> Corrections:
    """What has to change so that the records agree with the disk; pure but for ``is_running``.

    records: read before ``manifests``, so that a model published meanwhile is not taken away.
    """
    known = {record.name: record for record in records}
    on_disk = {manifest.name: manifest for manifest in manifests}
    put: list[ModelRecord] = []
    for name, manifest in on_disk.items():
        record = known.get(name)
        wanted = ready_record(manifest, record.download_id if record else "")
        if record != wanted:
            put.append(wanted)
    remove = []
    for name, record in known.items():
        if name in on_disk:
            continue
        if record.state is ModelState.READY:
            remove.append(name)
        elif record.state is ModelState.DOWNLOADING and not is_running(record.download_id):
            put.append(_stranded(record))
    return Corrections(tuple(put), tuple(remove))


def keep_records(book: RecordBook, library: Library, is_running: IsRunning) -> Corrections:
    """Corrects what is wrong now. Blocking.

    Raises: UnavailableError: Redis is away.
    """
    records = book.all()
    corrections = correct(records, library.manifests(), is_running)
    for record in corrections.put:
        book.put(record)
    for name in corrections.remove:
        book.remove(name)
    return corrections


def _stranded(record: ModelRecord) -> ModelRecord:
    return replace(
        record,
        state=ModelState.FAILED,
        message="The download is not known any more; post it again, it goes on where it was.",
    )

"""Shapes what the domain found into the answers of /models/download."""

from math import ceil

import msgspec

from fleetserve.errors import FleetError, InternalError, ModelNotFoundError, UnavailableError
from fleetserve.jobs.ledger.base import Job, JobState
from fleetserve.manifest import Manifest
from fleetserve.model_records import ModelRecord, ModelState
from model_registry_svc.api.download_schemas import (
    DeleteAnswer,
    DownloadAnswer,
    DownloadInfo,
    ModelInfoAnswer,
    StoredFile,
)
from model_registry_svc.download_view import DownloadStatus, DownloadView
from model_registry_svc.downloads import Deletion, Started, StartedStatus
from model_registry_svc.overview import iso_time, megabytes
from model_registry_svc.plan import DeleteResult
from model_registry_svc.services import RegistryServices

_decode = msgspec.json.Decoder(DeleteResult).decode


def download_answer(
    started: Started, view: DownloadView | None, bytes_per_s: float
) -> DownloadAnswer:
    """``view``: the download at its end, if the caller waited for that."""
    done = view is not None and view.status is DownloadStatus.COMPLETED
    status = "completed" if done else started.status.value
    info = _info(started)
    seconds = None
    if done or started.status is StartedStatus.ALREADY_EXISTS:
        seconds = 0
    elif info.bytes_total is not None and bytes_per_s > 0:
        seconds = ceil(info.bytes_total / bytes_per_s)
    return DownloadAnswer.model_validate(
        {
            "download_id": started.download_id,
            "message": view.message if view is not None else _message(started, info),
            "model_name": started.request.name,
            "source": started.request.source,
            "model_id": started.request.model_id,
            "status": status,
            "estimated_time": seconds,
            "download_info": info,
        }
    )


def info_answer(services: RegistryServices, name: str) -> ModelInfoAnswer:
    """Blocking. Raises: ModelNotFoundError."""
    manifest = services.library.find(name)
    record, loaded_on = _heard(services, name)
    if manifest is None and record is None:
        raise ModelNotFoundError(name)
    if manifest is not None:
        return _stored(services, manifest, record, loaded_on)
    assert record is not None
    return ModelInfoAnswer(
        name=record.name,
        state=record.state.value,
        source=record.source,
        model_id=record.model_id,
        revision=record.revision,
        task=record.task,
        size_mb=megabytes(record.size_bytes),
        disk_mb=megabytes(services.library.disk_bytes(record.name)),
        vocoder=None,
        warnings=[],
        loaded_on=loaded_on,
        downloaded_at=None,
        download_id=record.download_id,
        message=record.message,
        files=[],
    )


def delete_answer(deletion: Deletion, job: Job) -> DeleteAnswer:
    """Raises: UnavailableError: the worker has not done it yet; InternalError: it failed."""
    if not job.state.finished:
        raise UnavailableError(
            f"The worker has not deleted {deletion.name!r} yet; it will when it is back.",
            retry_after_s=5.0,
            code="worker_away",
        )
    if job.state is not JobState.SUCCEEDED:
        raise InternalError(f"{deletion.name!r} could not be deleted; the worker's log says why.")
    result = _decode(job.result)
    freed = megabytes(result.freed_bytes)
    return DeleteAnswer(
        model_name=deletion.name,
        message=f"{deletion.name} is deleted; {freed} MB are free again.",
        freed_mb=freed,
        still_loaded_on=list(deletion.holders),
    )


def _stored(
    services: RegistryServices,
    manifest: Manifest,
    record: ModelRecord | None,
    loaded_on: list[str],
) -> ModelInfoAnswer:
    return ModelInfoAnswer(
        name=manifest.name,
        state=ModelState.READY.value,
        source=manifest.source,
        model_id=manifest.model_id,
        revision=manifest.revision,
        task=manifest.task,
        size_mb=megabytes(manifest.size_bytes),
        disk_mb=megabytes(services.library.disk_bytes(manifest.name)),
        vocoder=manifest.vocoder.model_id if manifest.vocoder else None,
        warnings=list(manifest.warnings),
        loaded_on=loaded_on,
        downloaded_at=iso_time(manifest.created_at),
        download_id=record.download_id if record else "",
        message="",
        files=[StoredFile(path=f.path, size=f.size, sha256=f.sha256) for f in manifest.files],
    )


def _heard(services: RegistryServices, name: str) -> tuple[ModelRecord | None, list[str]]:
    """What the fleet says of the model; nothing while Redis is away."""
    try:
        record = services.records.find(name)
        holders = {h.replica.replica_id for h in services.board.holding(name)}
    except FleetError:
        return None, []
    return record, sorted(holders)


def _info(started: Started) -> DownloadInfo:
    request, plan, manifest = started.request, started.plan, started.manifest
    vocoder = plan.vocoder if plan else manifest.vocoder if manifest else None
    files = [f.target for f in plan.files] if plan else []
    if manifest is not None:
        files = [f.path for f in manifest.files]
    known = manifest or plan
    total = plan.bytes_total if plan else manifest.size_bytes if manifest else None
    return DownloadInfo(
        bytes_total=total,
        files=files,
        revision=known.revision if known else request.revision,
        task=known.task if known else request.task,
        vocoder_included=vocoder is not None,
        vocoder_model=vocoder.model_id if vocoder else None,
        warnings=list(known.warnings) if known else [],
    )


def _message(started: Started, info: DownloadInfo) -> str:
    name = started.request.name
    if started.status is StartedStatus.ALREADY_EXISTS:
        return " ".join([f"{name} is here already.", *info.warnings])
    if info.bytes_total is None:
        return f"{name} is being downloaded; its source is busy and is asked again."
    size = f"{len(info.files)} files, {megabytes(info.bytes_total):.0f} MB"
    return " ".join([f"{name} is being downloaded: {size}.", *info.warnings])

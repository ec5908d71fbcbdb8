"""All models as the fleet has them now: on disk, on their way, on replicas; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fleetserve.built_in import DESCRIPTIONS, SPEECH_MODELS
from fleetserve.manifest import Manifest
from fleetserve.model_records import ModelRecord, ModelState, canonical_name
from fleetserve.tasks import Task
from model_registry_svc.catalogue import Catalogue
from model_registry_svc.categories import category_of
from model_registry_svc.replicas import Holding

MB = 1_000_000
BUILT_IN = "example"
# As inference-svc, whose code it is, announces it.
BUILTIN_REVISION = "builtin-1"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model; sizes in MB of 10^6 bytes."""

    name: str
    display_name: str
    source: str
    model_id: str
    revision: str
    task: str
    category: str
    state: ModelState
    loaded_on: tuple[str, ...]
    size_mb: float
    hardware_requirements: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


def list_models(
    manifests: Iterable[Manifest],
    records: Iterable[ModelRecord],
    holdings: Iterable[Holding],
    catalogue: Catalogue,
) -> list[ModelEntry]:
    """Every model by name; the disk's word counts before the records'."""
    loaded_on: dict[str, set[str]] = {}
    for holding in holdings:
        key = canonical_name(holding.instance.name)
        loaded_on.setdefault(key, set()).add(holding.replica.replica_id)

    def loaded(name: str) -> tuple[str, ...]:
        return tuple(sorted(loaded_on.get(canonical_name(name), ())))

    entries = {BUILT_IN: _built_in(loaded(BUILT_IN))}
    entries |= {r.name: _from_files_of_ours(r, loaded(r.name)) for r in SPEECH_MODELS}
    for record in records:
        if record.state in {ModelState.DOWNLOADING, ModelState.FAILED}:
            entries[record.name] = _from_record(record, catalogue)
    for manifest in manifests:
        entries[manifest.name] = _from_manifest(manifest, loaded(manifest.name), catalogue)
    return [entries[name] for name in sorted(entries)]


def _built_in(loaded_on: tuple[str, ...]) -> ModelEntry:
    return ModelEntry(
        name=BUILT_IN,
        display_name="Example",
        source="built-in",
        model_id=BUILT_IN,
        revision=BUILTIN_REVISION,
        task=Task.TENSOR,
        category=category_of(Task.TENSOR),
        state=ModelState.READY,
        loaded_on=loaded_on,
        size_mb=0.0,
        metadata={"description": "A seeded MLP 10-64-32-1, for trying the fleet out."},
    )


def _from_files_of_ours(record: ModelRecord, loaded_on: tuple[str, ...]) -> ModelEntry:
    return ModelEntry(
        name=record.name,
        display_name=record.name,
        source=record.source,
        model_id=record.model_id,
        revision=record.revision,
        task=record.task,
        category=category_of(record.task),
        state=record.state,
        loaded_on=loaded_on,
        size_mb=megabytes(record.size_bytes),
        hardware_requirements={"min_memory_mb": megabytes(record.size_bytes)},
        metadata={"description": DESCRIPTIONS[record.name]},
    )


def manifest_of(record: ModelRecord) -> Manifest:
    """Of a model whose files come with Fleetserve, as if it had been downloaded."""
    return Manifest(
        name=record.name,
        source=record.source,
        model_id=record.model_id,
        revision=record.revision,
        task=record.task,
        files=(),
        size_bytes=record.size_bytes,
        created_at=record.created_at,
    )


def _from_record(record: ModelRecord, catalogue: Catalogue) -> ModelEntry:
    return ModelEntry(
        name=record.name,
        display_name=_display_name(record.name, record.source, record.model_id, catalogue),
        source=record.source,
        model_id=record.model_id,
        revision=record.revision,
        task=record.task,
        category=category_of(record.task),
        state=record.state,
        loaded_on=(),
        size_mb=megabytes(record.size_bytes),
        metadata={
            "download_id": record.download_id,
            "progress": round(record.progress * 100, 2),
            "message": record.message,
        },
    )


def _from_manifest(
    manifest: Manifest, loaded_on: tuple[str, ...], catalogue: Catalogue
) -> ModelEntry:
    weights = sum(f.size for f in manifest.files if not f.path.endswith((".json", ".txt")))
    return ModelEntry(
        name=manifest.name,
        display_name=_display_name(manifest.name, manifest.source, manifest.model_id, catalogue),
        source=manifest.source,
        model_id=manifest.model_id,
        revision=manifest.revision,
        task=manifest.task,
        category=category_of(manifest.task),
        state=ModelState.READY,
        loaded_on=loaded_on,
        size_mb=megabytes(manifest.size_bytes),
        hardware_requirements={
            "disk_mb": megabytes(manifest.size_bytes),
            "min_memory_mb": megabytes(weights),
        },
        metadata={
            "files": len(manifest.files),
            "downloaded_at": iso_time(manifest.created_at),
            "vocoder": manifest.vocoder.model_id if manifest.vocoder else None,
            "warnings": list(manifest.warnings),
            "two_stage_voice": manifest.two_stage_voice,
        },
    )


def _display_name(name: str, source: str, model_id: str, catalogue: Catalogue) -> str:
    entry = catalogue.find(source, model_id)
    return (entry.display_name if entry else "") or name


def megabytes(count: int) -> float:
    return round(count / MB, 3)


def iso_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")

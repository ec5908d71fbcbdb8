"""Gathers and shapes the answers of /models. All blocking."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TypeVar

from fleetserve.announcements import InstanceState
from fleetserve.errors import UnavailableError
from fleetserve.manifest import Manifest
from fleetserve.model_policies import ModelPolicy
from fleetserve.model_records import ModelState, canonical_name
from fleetserve.tasks import Task
from model_registry_svc.api.model_schemas import (
    AvailableAnswer,
    CacheAnswer,
    CachedModel,
    CatalogueModel,
    ManagedAnswer,
    ManagedModel,
    MemoryUsage,
    ModelDetails,
    ModelsAnswer,
)
from model_registry_svc.categories import CATEGORIES, category_of
from model_registry_svc.disk import folder_bytes, free_bytes
from model_registry_svc.overview import BUILT_IN, ModelEntry, iso_time, list_models, megabytes
from model_registry_svc.replicas import Holding
from model_registry_svc.services import RegistryServices

Item = TypeVar("Item")


def models_answer(services: RegistryServices) -> ModelsAnswer:
    """While Redis is away: what the disk says, and a warning."""
    warnings: list[str] = []
    records = _heard(services.records.all, warnings)
    holdings = _heard(services.board.holdings, warnings)
    policies = {p.name: p for p in _heard(lambda: services.policies.all().values(), warnings)}
    entries = list_models(services.library.manifests(), records, holdings, services.catalogue)
    names = [entry.name for entry in entries]
    return ModelsAnswer(
        timestamp=iso_time(services.clock.now_s()),
        total_models=len(names),
        models=names,
        available_models=[e.name for e in entries if e.state is ModelState.READY],
        model_info={e.name: _details(e, policies.get(e.name)) for e in entries},
        model_groups={k: list(v) for k, v in services.catalogue.model_groups.items()},
        specialized_models={
            f"{category}_models": [e.name for e in entries if e.category == category]
            for category in CATEGORIES
        },
        warnings=list(dict.fromkeys(warnings)),
    )


def _details(entry: ModelEntry, policy: ModelPolicy | None) -> ModelDetails:
    policy = policy or ModelPolicy(entry.name, pinned=entry.name == BUILT_IN)
    asked = {"pinned": policy.pinned, "keep_alive": policy.keep_alive_s}
    return ModelDetails.model_validate(asdict(entry) | asked)


def available_answer(services: RegistryServices) -> AvailableAnswer:
    """The catalogue, with what is here already marked."""
    here = {(m.source, m.model_id) for m in services.library.manifests()}
    catalogue = services.catalogue
    models = {
        name: CatalogueModel.model_validate(
            {
                **entry.model_dump(),
                "display_name": entry.display_name or name,
                "downloaded": (entry.source, entry.model_id) in here,
            }
        )
        for name, entry in catalogue.available_models.items()
    }
    categories: dict[str, list[str]] = {}
    for name, entry in catalogue.available_models.items():
        categories.setdefault(category_of(entry.task), []).append(name)
    return AvailableAnswer(
        available_models=models,
        total_available=len(models),
        categories=categories,
        popular_tts_models=list(catalogue.popular_tts_models),
        download_recommendations={
            k: list(v) for k, v in catalogue.download_recommendations.items()
        },
    )


def managed_answer(services: RegistryServices) -> ManagedAnswer:
    """Raises: UnavailableError: Redis is away, so replicas can't be heard."""
    by_name: dict[str, list[Holding]] = {}
    for holding in services.board.holdings():
        by_name.setdefault(canonical_name(holding.instance.name), []).append(holding)
    manifests = {canonical_name(m.name): m for m in services.library.manifests()}
    policies = {canonical_name(n): p for n, p in services.policies.all().items()}
    policies.setdefault(BUILT_IN, ModelPolicy(BUILT_IN, pinned=True))
    models = [
        _managed(services, manifests.get(key), by_name.get(key, []), policies.get(key))
        for key in sorted({*by_name, *manifests})
    ]
    return ManagedAnswer(
        total_models=len(models),
        downloaded_models=models,
        summary={
            "loaded": sum(m.loaded for m in models),
            "not_loaded": sum(not m.loaded for m in models),
            "allocated_mb": round(sum(m.memory_usage.allocated_mb for m in models), 3),
            "replicas": len({r for m in models for r in m.replicas}),
        },
    )


def cache_answer(services: RegistryServices) -> CacheAnswer:
    """Walks the volume: what is told is what is there."""
    library = services.library
    manifests = library.manifests()
    sizes = {m.name: library.disk_bytes(m.name) for m in manifests}
    speaking = [m for m in manifests if m.task == Task.TEXT_TO_SPEECH]
    return CacheAnswer(
        cache_directory=str(library.models_dir),
        total_models=len(manifests),
        total_size_mb=megabytes(folder_bytes(library.models_dir)),
        models=[
            CachedModel(
                name=m.name,
                revision=m.revision,
                size_mb=megabytes(sizes[m.name]),
                files=len(m.files),
                last_modified=iso_time(m.created_at),
            )
            for m in manifests
        ],
        disk_free_mb=megabytes(free_bytes(library.models_dir)),
        tts_specific={
            "models": [m.name for m in speaking],
            "size_mb": megabytes(sum(sizes[m.name] for m in speaking)),
            "with_vocoder": [m.name for m in speaking if m.vocoder],
        },
        cache_optimization={
            "cache_hit_rate": services.counts.hit_rate,
            "download_requests": services.counts.total,
            "auto_cleanup": False,
        },
    )


def _managed(
    services: RegistryServices,
    manifest: Manifest | None,
    holdings: list[Holding],
    policy: ModelPolicy | None,
) -> ManagedModel:
    ready = [h for h in holdings if h.instance.state is InstanceState.READY]
    dtypes = sorted({h.instance.dtype for h in ready if h.instance.dtype})
    policy = policy or ModelPolicy("")
    task = manifest.task if manifest else holdings[0].instance.task
    return ManagedModel(
        name=manifest.name if manifest else holdings[0].instance.name,
        loaded=bool(ready),
        device=", ".join(sorted({h.replica.device for h in ready if h.replica.device})),
        dtype=", ".join(dtypes),
        is_tts=task == Task.TEXT_TO_SPEECH,
        optimized=any(h.instance.tuning for h in ready),
        optimizations=sorted({h.instance.tuning for h in ready if h.instance.tuning}),
        pinned=policy.pinned,
        keep_alive=policy.keep_alive_s,
        revision=manifest.revision if manifest else holdings[0].instance.revision,
        previous_revision=(manifest.previous_revision or None) if manifest else None,
        memory_usage=MemoryUsage(
            allocated_mb=megabytes(sum(h.instance.bytes for h in ready)), reserved_mb=None
        ),
        parameters=services.library.parameters(manifest) if manifest else None,
        replicas=sorted({h.replica.replica_id for h in holdings}),
        last_used=_last_used(ready, services.clock.now_s()),
    )


def _last_used(ready: list[Holding], now_s: float) -> str | None:
    """In use counts as now; a load is no use."""
    ago = [h.instance.last_used_s_ago for h in ready if h.instance.uses]
    return iso_time(now_s - min(ago)) if ago else None


def _heard(ask: Callable[[], Iterable[Item]], warnings: list[str]) -> list[Item]:
    """What Redis says; nothing, and a warning, while it is away."""
    try:
        return list(ask())
    except UnavailableError as exc:
        warnings.append(exc.detail)
        return []

"""The bodies of /models but for downloads, as they are on the wire."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from model_registry_svc.catalogue import TtsFeatures

KEEP_ALIVE = (
    "Seconds unused after which it leaves; 0: after each use, -1: never, null: as the "
    "configuration says (autoscaler.model_idle_s)."
)


class ModelDetails(BaseModel):
    """One model as the fleet has it."""

    model_config = ConfigDict(from_attributes=True)

    display_name: str
    source: str
    model_id: str
    revision: str
    task: str
    category: str
    state: str = Field(description="ready, downloading or failed.")
    loaded_on: list[str] = Field(description="Replicas that hold it.")
    pinned: bool = Field(description="It never leaves by itself.")
    keep_alive: float | None = Field(description=KEEP_ALIVE)
    size_mb: float
    hardware_requirements: dict[str, Any]
    metadata: dict[str, Any]


class ModelsAnswer(BaseModel):
    """Every model: on disk, on its way, built in."""

    success: Literal[True] = True
    timestamp: str
    total_models: int
    models: list[str] = Field(description="Every name.")
    available_models: list[str] = Field(description="Those that answer requests now.")
    model_info: dict[str, ModelDetails]
    model_groups: dict[str, list[str]]
    specialized_models: dict[str, list[str]] = Field(
        description="Names by category: tts_models, stt_models, embedding_models and so on."
    )
    warnings: list[str] = Field(description="What could not be found out just now.")


class CatalogueModel(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    source: str
    model_id: str
    task: str
    description: str
    size_mb: float
    license: str
    tags: list[str]
    tts_features: TtsFeatures
    display_name: str
    downloaded: bool


class AvailableAnswer(BaseModel):
    """The catalogue: what models.json offers. Other models of the hub can be fetched too."""

    success: Literal[True] = True
    available_models: dict[str, CatalogueModel]
    total_available: int
    categories: dict[str, list[str]]
    popular_tts_models: list[str]
    download_recommendations: dict[str, list[str]]


class MemoryUsage(BaseModel):
    allocated_mb: float = Field(description="As the replicas count it, summed over them.")
    reserved_mb: float | None = Field(description="What an allocator keeps; null: not counted.")


class ManagedModel(BaseModel):
    name: str
    loaded: bool
    device: str
    dtype: str
    is_tts: bool
    optimized: bool = Field(description="Whether POST /server/optimize made it faster.")
    optimizations: list[str] = Field(description="What is in force, such as bf16.")
    pinned: bool = Field(description="It never leaves by itself.")
    keep_alive: float | None = Field(description=KEEP_ALIVE)
    revision: str = Field(description="What is published; replicas follow within seconds.")
    previous_revision: str | None = Field(description="What a rollback goes back to.")
    memory_usage: MemoryUsage
    parameters: int | None = Field(description="null where only a pickle would say.")
    replicas: list[str] = Field(description="That have it, or are loading it.")
    last_used: str | None = Field(description="ISO 8601; null: not since it was loaded.")


class ManagedAnswer(BaseModel):
    """What replicas hold."""

    success: Literal[True] = True
    total_models: int
    downloaded_models: list[ManagedModel]
    summary: dict[str, Any]


class CachedModel(BaseModel):
    name: str
    revision: str
    size_mb: float = Field(description="All that its folder takes.")
    files: int
    last_modified: str


class CacheAnswer(BaseModel):
    """What the models volume holds, measured now."""

    success: Literal[True] = True
    cache_directory: str
    total_models: int
    total_size_mb: float
    models: list[CachedModel]
    disk_free_mb: float
    tts_specific: dict[str, Any]
    cache_optimization: dict[str, Any]

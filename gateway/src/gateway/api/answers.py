"""Answers of the gateway's own routes, as OpenAPI shows them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    model_config = ConfigDict(extra="allow")
    success: bool = True


class Greeting(Answer):
    name: str
    version: str
    links: dict[str, str]
    quick_start: list[str]


class CheckAnswer(BaseModel):
    healthy: bool
    latency_ms: float
    detail: str = Field(description="What is wrong, or how well it is.")


class EngineStats(BaseModel):
    requests_processed: int
    avg_processing_time: float = Field(description="Seconds.")
    active_requests: int
    queue_size: int = Field(
        description="Requests held in this gateway, and inputs that wait at the replicas."
    )


class AutoscalerHealth(BaseModel):
    healthy: bool
    state: str
    components: dict[str, Any]


class HealthAnswer(Answer):
    healthy: bool = Field(description="Whether the fleet can serve.")
    status: Literal["ok", "degraded", "down"]
    timestamp: str
    checks: dict[str, CheckAnswer]
    engine_stats: EngineStats
    autoscaler: AutoscalerHealth


class PerformanceReport(BaseModel):
    throughput_fps: float = Field(description="Requests per second over the window.")
    latency_p50: float = Field(description="Seconds, measured in the gateway.")
    latency_p95: float
    latency_p99: float
    device_utilization: float | None = Field(description="0 to 1; null: no replica told it.")


class InfoAnswer(Answer):
    timestamp: str
    version: str
    python: str
    torch: str | None
    server_config: dict[str, Any]
    performance_metrics: PerformanceReport
    tts_service: dict[str, Any]
    services: list[dict[str, Any]]
    replicas: list[dict[str, Any]]


class Stats(BaseModel):
    requests_processed: int
    total_processing_time: float
    avg_processing_time: float
    active_requests: int
    queue_size: int = Field(
        description="Requests held in this gateway, and inputs that wait at the replicas."
    )
    memory_usage_mb: float


class JobStats(BaseModel):
    queued: int
    running: int


class ModelStats(BaseModel):
    requests: int
    errors: int
    throughput_fps: float
    latency_p50: float
    latency_p95: float
    latency_p99: float


class StatsAnswer(Answer):
    window_seconds: int
    stats: Stats
    jobs: JobStats | None = Field(description="Not finished ones; null: Redis is away.")
    performance_report: PerformanceReport
    per_model: dict[str, ModelStats]
    warnings: list[str]


class ConfigAnswer(Answer):
    configuration: dict[str, dict[str, Any]] = Field(
        description="section → key → {value, source}; secrets are redacted."
    )
    inference_config: dict[str, Any]
    server_config: dict[str, Any]
    logging_config: dict[str, Any]


class LogFileAnswer(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    service: str
    size_bytes: int
    line_count: int
    last_modified: str


class LogsAnswer(Answer):
    log_directory: str
    log_level: str
    available_log_files: list[LogFileAnswer]
    total_log_size_mb: float


class LogCleared(Answer):
    message: str
    freed_bytes: int


class ServerConfigAnswer(Answer):
    server: dict[str, Any]
    inference: dict[str, Any]
    batch: dict[str, Any]
    audio: dict[str, Any]
    devices: dict[str, str] = Field(description="Replica → the device it computes on.")
    capacity: dict[str, int] = Field(description="Replica → requests it takes at one time.")


class ServerMetricsAnswer(Answer):
    window_seconds: int
    requests: int
    errors: int
    in_flight: int
    held: int = Field(description="Requests that wait in this gateway for a replica.")
    queued: int = Field(description="Inputs that wait at replicas for their model.")
    memory_mb: float
    performance: PerformanceReport
    warnings: list[str]


class TtsMetricsAnswer(Answer):
    requests: int
    audio_seconds: float
    compute_seconds: float
    real_time_factor: float | None = Field(description="Compute over audio; null: none yet.")
    replicas: dict[str, dict[str, Any]]
    warnings: list[str]

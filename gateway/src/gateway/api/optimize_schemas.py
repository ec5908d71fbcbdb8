"""The bodies of /server/optimize, as they are on the wire."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.answers import Answer

MAX_TIMEOUT_S = 3600.0


class ToleranceBody(BaseModel):
    """What results may differ by; what is left out is as it stands here."""

    model_config = ConfigDict(extra="forbid")

    min_cosine: float = Field(0.999, ge=-1, le=1, description="Of each vector to float32's.")
    min_overlap: float = Field(
        0.99, ge=0, le=1, description="Of the ten nearest neighbours among the samples."
    )
    min_same: float = Field(
        0.995, ge=0, le=1, description="Share of inputs whose first answer is the same."
    )
    max_probability_error: float = Field(
        0.01, ge=0, description="Of scores; of other numbers relative to the largest."
    )


class OptimizeRequest(BaseModel):
    """What is to be made faster."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"model_name": "all-minilm-l6-v2", "candidates": ["bf16"]}]
        },
    )

    model_name: str | None = Field(None, description="Left out: every model that is loaded.")
    candidates: list[str] | None = Field(
        None,
        min_length=1,
        description="bf16, fp16, int8, aot, compile, tensorrt, several joined by + such as "
        "bf16+aot; left out: those worth trying on the device.",
    )
    tolerance: ToleranceBody = Field(default_factory=ToleranceBody)
    wait: bool = Field(True, description="false: 202 at once; GET shows how far it is.")
    timeout: float = Field(
        600.0, gt=0, le=MAX_TIMEOUT_S, description="Longest wait in seconds; then 202."
    )


class MeasurementRow(BaseModel):
    """One candidate beside float32 on the same inputs."""

    model: str
    hardware: str
    candidate: str
    ms: float | None = Field(description="Mean compute time of one input; null: not tried.")
    speedup: float | None = Field(description="2.0 is twice as fast as float32.")
    max_error: float | None = Field(description="Largest difference of one number.")
    within_tolerance: bool | None
    chosen: bool
    measures: dict[str, float] = Field(description="Such as min_cosine and top10_overlap.")
    unavailable: str = Field(description="Why it could not be tried.")


class ModelOptimization(BaseModel):
    """How one model fared."""

    status: str = Field(
        description="none, waiting, measuring, switching, done, failed, cancelled or skipped."
    )
    step: str = Field(description="What is being done now, in words.")
    applied: list[str] = Field(description="What is in force.")
    speedup: float | None
    samples: int
    replicas: list[str]
    skipped: str
    error: str
    status_url: str


class OptimizeAnswer(Answer):
    """200 when everything is done, 202 while something goes on."""

    status: str = Field(description="done or measuring.")
    message: str
    memory_freed_mb: float = Field(description="On the replicas that measured; may be negative.")
    models_optimized: int
    optimizations_applied: list[str] = Field(description="model: what.")
    measurements: list[MeasurementRow]
    models: dict[str, ModelOptimization]


class OptimizationAnswer(Answer):
    """The latest optimisation of one model, and what is kept for each kind of hardware."""

    model: str
    status: str
    step: str
    measurements: list[MeasurementRow]
    replicas: list[str]
    tunings: list[dict[str, Any]]


class UndoneAnswer(Answer):
    message: str
    model: str
    removed: int = Field(description="Tunings that were forgotten.")
    replicas: list[str] = Field(description="Where the model is as it was.")

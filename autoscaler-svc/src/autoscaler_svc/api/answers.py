"""The answers of /autoscaler/…, as they go over the wire."""

from typing import Any, Literal

from pydantic import BaseModel, Field


class AutoscalerReplica(BaseModel):
    """One replica as the autoscaler sees it."""

    replica_id: str = Field(examples=["inference-svc-2"])
    unit: str | None = Field(description="The engine's name for it; null for a stranger.")
    state: Literal["starting", "ready", "leaving", "stopped"]
    managed: bool = Field(description="The autoscaler made it; else the fleet itself did.")
    in_flight: int
    models: list[str] = Field(description="Loaded and ready there.")
    device: str
    not_ready_s: float = Field(description="For how long it has not been ready; 0 while it is.")


class AutoscalerBounds(BaseModel):
    """Between what numbers the decision was made, and what sets them."""

    lower: int
    lower_reason: str = Field(examples=["min_replicas"])
    upper: int
    upper_reason: str = Field(examples=["cores"])


class AutoscalerService(BaseModel):
    """One kind of replica now."""

    desired_replicas: int
    current_replicas: int = Field(description="Ready or about to be.")
    ready_replicas: int
    starting_replicas: int
    leaving_replicas: int
    load: float = Field(description="Mean requests in flight or waiting, in the last second.")
    stable_load: float = Field(description="The same over the stable window.")
    panic_load: float = Field(description="The same over the panic window.")
    held_requests: int = Field(description="Wait now, since no replica can serve them.")
    cause: str = Field(examples=["steady"])
    reason: str = Field(description="Why so many are desired.")
    limited_by: str | None = Field(description="What keeps it from being more.")
    bounds: AutoscalerBounds
    asked_by_hand: int | None = Field(description="The last number asked for; null: none was.")
    trouble: str = Field(description="Why a replica could not be started; empty: none failed.")
    replicas: list[AutoscalerReplica]


class AutoscalerModel(BaseModel):
    """One model now."""

    service: str
    state: str = Field(examples=["ready"])
    instances: int = Field(description="Replicas that have it ready.")
    loading: int
    replicas: list[str]
    load: float
    held_requests: int
    asked_by_hand: int | None
    resident: bool = Field(description="It is loaded again when its replica is lost.")


class AutoscalerLeader(BaseModel):
    """Who acts; others watch."""

    replica_id: str
    is_this: bool


class AutoscalerStatsAnswer(BaseModel):
    """What there is, what is wanted, and why."""

    success: Literal[True] = True
    timestamp: str
    enabled: bool
    state: Literal["running", "watching", "waiting"]
    problem: str = Field(description="Why nothing is decided now; empty while something is.")
    leader: AutoscalerLeader
    services: dict[str, AutoscalerService]
    models: dict[str, AutoscalerModel]
    totals: dict[str, int] = Field(description="Replicas and instances of the whole fleet.")
    counters: dict[str, int] = Field(description="Decisions by kind since this process started.")
    cold_starts: int
    last_decision: "ScalingDecision | None"


class AutoscalerComponent(BaseModel):
    healthy: bool
    detail: str


class AutoscalerHealthAnswer(BaseModel):
    """Whether the autoscaler can do its work."""

    success: bool
    healthy: bool
    state: Literal["running", "watching", "waiting", "disabled"]
    timestamp: str
    components: dict[str, AutoscalerComponent]
    asleep: list[str] = Field(description="Services at zero on purpose, until a request comes.")


class ScaleStep(BaseModel):
    """Something that is done for it."""

    action: str = Field(examples=["start_replica"])
    service: str = Field(examples=["inference-svc"])
    count: int
    model: str | None = None
    detail: str = ""


class ScaleTarget(BaseModel):
    """One target of the call."""

    name: str = Field(examples=["example"])
    service: str
    previous_scale: int
    requested_scale: int
    target_scale: int
    limited_by: str | None


class ScaleAnswer(BaseModel):
    """What was taken; where several targets were named, the numbers are their sums."""

    success: Literal[True] = True
    scaling_id: str = Field(examples=["scale-5f0c9a1b2d3e"])
    status: Literal["accepted", "completed"]
    action: str | None
    model_name: str | None = Field(description="The one that was named; null for several.")
    previous_scale: int = Field(description="Instances that were ready before.")
    target_scale: int = Field(description="Instances that there will be.")
    requested_scale: int
    limited_by: str | None = Field(description="The setting that kept it from being more.")
    steps: list[ScaleStep]
    targets: list[ScaleTarget]
    seconds: float = Field(description="How long it took; so far, where it was not waited for.")


class ScalingDecision(BaseModel):
    """A decision that was made."""

    id: str
    timestamp: str
    kind: str = Field(examples=["scale_up"])
    service: str
    subject: str = Field(description="The service, or the model that it is about.")
    previous: int
    target: int
    cause: str = Field(examples=["panic"])
    reason: str
    origin: str = Field(description="load, manual or repair.")
    limited_by: str | None
    scaling_id: str | None
    inputs: dict[str, float | str | None]


class ScalingHistoryAnswer(BaseModel):
    """Decisions, the newest first."""

    success: Literal[True] = True
    timestamp: str
    total: int
    history: list[ScalingDecision]


class AutoscalerSeries(BaseModel):
    """One kind of replica over the window, a point for each tick."""

    timestamps: list[float] = Field(description="Seconds since the epoch.")
    desired_replicas: list[int]
    ready_replicas: list[int]
    load: list[float]
    held_requests: list[int]


class ColdStartEntry(BaseModel):
    """A replica or a model that became ready."""

    timestamp: str
    service: str
    replica_id: str
    model: str | None = Field(description="Null for the replica's own start.")
    seconds: float


class AutoscalerMetricsAnswer(BaseModel):
    """Measured over the window."""

    success: Literal[True] = True
    timestamp: str
    window_seconds: int
    counters: dict[str, int]
    gauges: dict[str, float]
    time_series: dict[str, AutoscalerSeries]
    scaling_events: list[ScalingDecision]
    cold_starts: list[ColdStartEntry]


class AutoscalerConfigAnswer(BaseModel):
    """The settings that hold, and where each comes from."""

    success: Literal[True] = True
    timestamp: str
    config: dict[str, Any]
    sources: dict[str, str] = Field(
        description='Per key: "default", the file\'s line, the environment\'s name, or "api".'
    )
    changed: list[str] = Field(description="Keys that this call has changed.")

"""The configuration of a fleet: the sections of config.yaml, their keys, ranges and defaults."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerConfig(Section):
    """How the gateway listens and how much it takes in."""

    port: Port = 8000
    bind: str = "127.0.0.1"
    max_file_mb: int = Field(100, ge=1, description="Largest request body in MiB; beyond it, 413.")
    spool_above_kib: int = Field(8192, ge=64, description="Bodies above this go to a file.")
    buffered_mib: int = Field(512, ge=1, description="All bodies held at one time, in MiB.")
    timeout_s: Seconds = 30.0
    audio_timeout_s: Seconds = 300.0
    body_timeout_s: Seconds = Field(
        30.0, description="Time for each 64 KiB of a body to arrive; beyond it, 408."
    )
    hold_requests: int = Field(256, ge=0, description="Requests held for a model not yet there.")
    hold_mib: int = Field(256, ge=0, description="Bytes of the held requests, in MiB.")
    hold_s: Seconds = Field(120.0, description="Longest time a request is held.")
    max_in_flight: int = Field(1024, ge=1, description="Requests in the gateway; beyond it, 503.")


class InferenceConfig(Section):
    """Where models run."""

    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    torch_threads: int = Field(0, ge=0, description="0: this replica's share of the cores.")
    memory_mib: int = Field(0, ge=0, description="Room for models in a replica; 0: measured.")
    kv_cache_mib: int = Field(
        1024, ge=1, description="Keys and values of the texts that one model writes, in MiB."
    )
    max_queue: int = Field(512, ge=1, description="Requests waiting in one replica.")
    max_queue_mib: int = Field(256, ge=1, description="Bytes waiting in one replica, in MiB.")
    stuck_s: Seconds = Field(120.0, description="No compute progress for so long: replaced.")
    allow_remote_code: bool = False
    enable_profiling: bool = False
    replicas: int = Field(1, ge=1, le=64, description="Inference replicas at the start.")


class BatchConfig(Section):
    """Bounds of the batcher; what it does between them it learns."""

    max_size: int = Field(32, ge=1, le=1024)
    max_padded_tokens: int = Field(16384, ge=64)


class AudioConfig(Section):
    max_audio_seconds: int = Field(7200, ge=1)
    max_text_chars: int = Field(5000, ge=1)
    codecs: bool = Field(True, description="Decode m4a, aac, webm … by PyAV.")
    speech_model: str = Field(
        "tts-1",
        min_length=1,
        description="Speaks what a voice of two stages has written: a model, or an alias of "
        "models.json, of which the first that is here is meant; if none is, tiny_tts.",
    )
    ctranslate2_type: Literal["default", "float32", "int8"] = Field(
        "default", description="What Whisper by CTranslate2 computes in; default: as its files."
    )
    replicas: int = Field(1, ge=1, le=64, description="Audio replicas at the start.")


class ModelsConfig(Section):
    hf_endpoint: str = Field("", description="A hub to use instead of the public one.")
    pytorch_endpoint: str = Field(
        "", description="Where torchvision's weights are instead of the public address."
    )
    auto_download: Literal["never", "permitted", "everyone"] = Field(
        "permitted",
        description="Whose requests have a model of the catalogue fetched that is not here: "
        "permitted are those who may POST /models/download (with auth, the scope models:write).",
    )
    min_free_mib: int = Field(512, ge=0, description="Disk that downloads leave free.")
    parallel_files: int = Field(4, ge=1, le=16)
    parallel_downloads: int = Field(2, ge=1, le=16, description="Downloads a worker does at once.")
    allow_pickle: bool = Field(False, description="Take .bin weights outside the catalogue.")
    allow_private_urls: bool = Field(False, description="Fetch from private addresses too.")
    local_roots: tuple[str, ...] = Field((), description="Folders that models are imported from.")


class JobsConfig(Section):
    """Requests that are answered later."""

    max_queued: int = Field(1000, ge=1, le=10_000, description="Unfinished jobs; beyond it, 503.")
    max_queued_each: int = Field(500, ge=1, description="Of one caller, while auth is on.")
    parallel_jobs: int = Field(4, ge=1, le=64, description="Jobs a worker does at once.")
    parallel_requests: int = Field(
        8, ge=1, le=256, description="Requests of all its jobs that a worker has in the fleet."
    )
    timeout_s: Seconds = Field(3600.0, description="For each request that names none.")
    keep_s: float = Field(86_400.0, ge=60, description="How long finished jobs are kept.")
    disk_mib: int = Field(
        4096, ge=1, description="Bodies and results; beyond it the oldest results go."
    )
    allow_private_webhooks: bool = Field(False, description="Post to private addresses too.")


class AutoscalerConfig(Section):
    """How many replicas of each kind there are, and when models leave."""

    enabled: bool = Field(True, description="Start and stop replicas by load.")
    min_replicas: int = Field(
        1, ge=0, le=64, description="Of each kind, unless scale_to_zero takes the last one."
    )
    max_replicas: int = Field(
        0,
        ge=0,
        le=64,
        description="Of each kind; 0: by load one for each core or GPU, by hand 10.",
    )
    target_in_flight: float = Field(
        8.0, gt=0, description="Requests in one replica that are aimed at."
    )
    interval_s: float = Field(1.0, gt=0, le=60, description="Time between two decisions.")
    stable_window_s: float = Field(
        30.0, gt=0, le=3600, description="The load over this time decides in calm."
    )
    panic_window_s: float = Field(
        6.0, gt=0, le=3600, description="The load over this time decides when it doubles."
    )
    scale_down_delay_s: float = Field(
        30.0, ge=0, le=86_400, description="Less is wanted for so long before a replica goes."
    )
    scale_to_zero: bool = Field(False, description="Stop the last replica too.")
    idle_to_zero_s: Seconds = Field(600.0, description="Nothing for so long, with scale_to_zero.")
    start_timeout_s: Seconds = Field(
        180.0, description="A replica that is not ready for so long is replaced."
    )
    model_idle_s: float = Field(
        0.0, ge=0, description="Unload models unused for so long; 0: only when room is wanted."
    )
    reserve_mib: int = Field(512, ge=0, description="Memory that new replicas leave free.")


class SecurityConfig(Section):
    enable_auth: bool = False
    allow_open: bool = Field(False, description="Serve beyond loopback without auth.")
    allowed_hosts: tuple[str, ...] = Field(
        ("localhost", "127.0.0.1", "[::1]"), description="Host headers taken; '*' takes all."
    )


class LoggingConfig(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    stdout: bool = True
    file_mib: int = Field(50, ge=1, description="A log file's size before it rotates.")
    files: int = Field(5, ge=1, description="Rotated files kept per service.")


class FleetConfig(Section):
    """All sections; every key has a default, so an empty file is a whole configuration."""

    server: ServerConfig = ServerConfig()
    inference: InferenceConfig = InferenceConfig()
    batch: BatchConfig = BatchConfig()
    audio: AudioConfig = AudioConfig()
    models: ModelsConfig = ModelsConfig()
    jobs: JobsConfig = JobsConfig()
    autoscaler: AutoscalerConfig = AutoscalerConfig()
    security: SecurityConfig = SecurityConfig()
    logging: LoggingConfig = LoggingConfig()

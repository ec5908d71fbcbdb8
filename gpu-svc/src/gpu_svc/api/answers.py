"""The answers of /gpu/…, as they go over the wire."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from gpu_svc.estimate import Precision

Percent = Annotated[float, Field(ge=0, le=100)]


class GpuComputeCapability(BaseModel):
    """What the GPU computes natively, by its compute capability."""

    major: int
    minor: int
    version: str = Field(examples=["9.0"])
    supports_fp16: bool
    supports_bf16: bool
    supports_int8: bool
    supports_fp8: bool
    supports_tensor_cores: bool
    supports_tf32: bool


class GpuProcessEntry(BaseModel):
    """A process that computes on the GPU, of this fleet or not."""

    pid: int
    name: str = Field(description="The program, empty where its container hides it.")
    used_memory_mb: float | None = Field(description="MiB; null where the driver hides it.")


class GpuEntry(BaseModel):
    """One GPU now; null is what its driver does not tell."""

    id: int = Field(description="NVML's index, the order of the PCI bus.")
    name: str = Field(examples=["NVIDIA H200"])
    uuid: str
    vendor: Literal["NVIDIA"] = "NVIDIA"
    architecture: str = Field(examples=["Hopper"])
    memory_mb: float = Field(description="All of its memory, in MiB.")
    available_memory_mb: float = Field(description="What is free now, in MiB.")
    utilization: Percent | None = Field(description="Share of time with work on it, in percent.")
    temperature_c: float | None
    power_w: float | None
    power_limit_w: float | None
    driver: str = Field(examples=["570.133.20"])
    compute_capability: GpuComputeCapability
    pytorch_device: str | None = Field(
        description="Its name in torch, null where CUDA_VISIBLE_DEVICES hides it."
    )
    pytorch_support: bool | None = Field(
        description="Whether the fleet's torch has kernels for it; null when no torch is known of."
    )
    pytorch_detail: str
    mig_enabled: bool | None
    suitable_for_inference: bool
    unsuitable_reason: str = Field(description="Empty for a suitable GPU.")
    recommended_precisions: list[Precision] = Field(description="The best first.")
    processes: list[GpuProcessEntry]


class CpuEntry(BaseModel):
    """The processor as the service may use it; empty where it could not be read."""

    name: str
    architecture: str = Field(examples=["x86_64"])
    logical_cores: int
    available_cores: float = Field(description="Within affinity and the container's quota.")
    memory_mb: float | None
    available_memory_mb: float | None
    features: list[str] = Field(examples=[["avx2", "avx512f", "amx_bf16"]])
    load_1m: float | None


class MpsEntry(BaseModel):
    """Apple's GPU under Metal."""

    available: bool
    name: str
    memory_mb: float | None
    reason: str = Field(description="Why it is not available; empty where it is.")


class BenchmarkEntry(BaseModel):
    """How fast a device copies its own memory, measured now or within the last minute."""

    device: str = Field(description='"cpu" or a GPU\'s UUID.')
    copy_gb_per_s: float | None = Field(description="10^9 bytes read plus written per second.")
    seconds: float
    detail: str


class GpuDetectAnswer(BaseModel):
    """All devices of the machine."""

    success: Literal[True] = True
    timestamp: str
    gpus: list[GpuEntry]
    total_gpus: int
    suitable_gpus: int
    cpu: CpuEntry | None
    mps: MpsEntry
    notes: list[str] = Field(description="Why a kind of device is missing, and the like.")
    benchmarks: list[BenchmarkEntry] | None = Field(description="With include_benchmarks=true.")


class GpuFit(BaseModel):
    """An estimate from sizes; the batch that is really used is learned while serving."""

    fits: bool
    weights_mb: float
    needed_mb: float = Field(description="Weights, the process's own share and one item.")
    usable_mb: float = Field(description="Free memory without a reserve of 10 %.")
    estimated_max_batch_size: int


class GpuRankEntry(BaseModel):
    """One GPU's place in the choice."""

    id: int
    name: str
    score: float
    eligible: bool
    reason: str


class GpuBestAnswer(BaseModel):
    """The best GPU for a model, or for any when none is named."""

    success: Literal[True] = True
    timestamp: str
    best_gpu: GpuEntry | None
    score: float = Field(description="0 to 100: free memory, idleness, generation, precision.")
    reason: str
    estimated_max_batch_size: int | None = Field(description="Null when no model is named.")
    fits: bool | None = Field(description="On the best GPU; null when no model is named.")
    precision: Precision
    model_size_mb: float | None = Field(description="The size counted with, as float32.")
    fit: GpuFit | None
    cpu_fit: GpuFit | None = Field(description="The same on the CPU's memory.")
    ranking: list[GpuRankEntry]


class GpuDeviceConfig(BaseModel):
    """Settings worth using on the device; the list of recommendations says why."""

    device_type: Literal["cuda", "mps", "cpu"]
    device_id: int | None = Field(description="N of cuda:N, null for the others.")
    use_fp16: bool
    use_bf16: bool
    use_int8: bool
    use_tensorrt: bool
    use_torch_compile: bool


class GpuMemoryRecommendations(BaseModel):
    """In MiB; null where the system does not tell."""

    total_mb: float | None
    available_mb: float | None
    reserve_mb: float
    overhead_mb: float = Field(description="What a process with torch takes before any model.")
    room_for_models_mb: float | None
    notes: list[str]


class GpuRecommendation(BaseModel):
    optimization: str = Field(examples=["torch_compile"])
    recommended: bool
    reason: str


class GpuConfigAnswer(BaseModel):
    """The device that DEVICE picks on this machine, and what to set for it."""

    success: Literal[True] = True
    timestamp: str
    requested_device: str = Field(examples=["auto"])
    pytorch_device: str = Field(examples=["cuda:0"])
    device_config: GpuDeviceConfig
    memory_recommendations: GpuMemoryRecommendations
    optimization_recommendations: list[GpuRecommendation]


class GpuReportAnswer(BaseModel):
    """Everything in one: the devices, the best GPU, the device in use or why there is none."""

    success: Literal[True] = True
    timestamp: str
    detect: GpuDetectAnswer
    best: GpuBestAnswer
    config: GpuConfigAnswer | None
    config_problem: str = Field(description="Why DEVICE can't be had; empty where it can.")

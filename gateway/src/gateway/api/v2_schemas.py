"""KServe V2's bodies as OpenAPI shows them. Replicas validate; these describe."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Datatype = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64",
    "FP16", "BF16", "FP32", "FP64", "BYTES",
]  # fmt: skip
INFER_EXAMPLES: dict[str, dict[str, Any]] = {
    "example": {
        "summary": "The built-in model, two vectors",
        "value": {
            "id": "42",
            "inputs": [
                {
                    "name": "input",
                    "datatype": "FP32",
                    "shape": [2, 10],
                    "data": [1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 6, 7, 8, 9, 10, 0, 0, 0, 0, 0],
                }
            ],
        },
    },
}
INDEX_EXAMPLES: dict[str, dict[str, Any]] = {
    "all": {"summary": "Every model", "value": {}},
    "ready": {"summary": "Those that are loaded", "value": {"ready": True}},
}


class V2Server(BaseModel):
    name: str
    version: str
    extensions: list[str]


class V2Live(BaseModel):
    live: bool


class V2Ready(BaseModel):
    ready: bool


class V2ModelReady(BaseModel):
    name: str
    ready: bool


class V2Tensor(BaseModel):
    name: str
    datatype: Datatype
    shape: list[int] = Field(description="-1: of any size; the first is the batch.")


class V2Model(BaseModel):
    name: str
    versions: list[str] = Field(description="The revision that serves.")
    platform: str
    inputs: list[V2Tensor]
    outputs: list[V2Tensor]


class V2InputTensor(V2Tensor):
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="`binary_data_size`: bytes behind the JSON."
    )
    data: list[Any] | None = Field(None, description="Flat or nested; without binary_data_size.")


class V2OutputWanted(BaseModel):
    name: str
    parameters: dict[str, Any] = Field(default_factory=dict, description="`binary_data`.")


class V2InferRequest(BaseModel):
    model_config = ConfigDict(title="V2InferRequest")
    id: str = Field("", description="Comes back in the answer.")
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="`timeout` (µs), `priority` (1 is the most urgent), `binary_data_output`;"
        " the rest is for the model.",
    )
    inputs: list[V2InputTensor]
    outputs: list[V2OutputWanted] = Field(
        default_factory=list, description="Which are wanted; empty: all."
    )


class V2OutputTensor(V2Tensor):
    parameters: dict[str, Any] = Field(default_factory=dict, description="`binary_data_size`.")
    data: list[Any] | None = None


class V2InferAnswer(BaseModel):
    model_name: str
    model_version: str
    id: str = ""
    outputs: list[V2OutputTensor]


class V2IndexRequest(BaseModel):
    ready: bool = Field(False, description="Only models that are loaded.")


class V2IndexEntry(BaseModel):
    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str = Field(description="Why it is not loaded.")


class V2Spent(BaseModel):
    count: int
    ns: int


class V2InferenceStats(BaseModel):
    success: V2Spent = Field(description="From receipt to result.")
    fail: V2Spent
    queue: V2Spent = Field(description="Until the request's first batch began.")
    compute_input: V2Spent = Field(description="Reading, tokenising, and loading where need be.")
    compute_infer: V2Spent = Field(description="All batches that the request was in.")
    compute_output: V2Spent = Field(description="Writing the answer.")
    cache_hit: V2Spent = Field(description="0: there is no cache of answers.")
    cache_miss: V2Spent


class V2BatchStats(BaseModel):
    batch_size: int
    compute_input: V2Spent = Field(description="0: inputs are prepared outside of batches.")
    compute_infer: V2Spent
    compute_output: V2Spent


class V2MemoryUsage(BaseModel):
    type: str
    id: int
    byte_size: int


class V2ModelStatistics(BaseModel):
    name: str
    version: str
    last_inference: int = Field(description="Milliseconds since the epoch; 0: none yet.")
    inference_count: int = Field(description="Inputs; a request may have several.")
    execution_count: int = Field(description="Batches; of text generation steps.")
    inference_stats: V2InferenceStats
    response_stats: dict[str, Any] = Field(description="Empty.")
    batch_stats: list[V2BatchStats]
    memory_usage: list[V2MemoryUsage]


class V2Statistics(BaseModel):
    model_stats: list[V2ModelStatistics]


class V2ConfigTensor(BaseModel):
    name: str
    data_type: str
    dims: list[int] = Field(description="Without the batch; -1: of any size.")


class V2ModelConfig(BaseModel):
    name: str
    platform: str
    backend: str
    version_policy: dict[str, Any]
    max_batch_size: int
    input: list[V2ConfigTensor]
    output: list[V2ConfigTensor]
    instance_group: list[dict[str, Any]]
    dynamic_batching: dict[str, Any]
    parameters: dict[str, Any]


class V2Error(BaseModel):
    error: str

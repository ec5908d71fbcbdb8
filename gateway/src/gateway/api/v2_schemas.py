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


class V2Error(BaseModel):
    error: str

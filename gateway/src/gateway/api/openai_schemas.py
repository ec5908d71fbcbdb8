"""OpenAI's bodies as OpenAPI shows them. Replicas validate; these describe."""

from typing import Any, Literal

from pydantic import BaseModel, Field

EMBEDDINGS_EXAMPLES: dict[str, dict[str, Any]] = {
    "texts": {
        "summary": "Two texts (POST /models/download first)",
        "value": {"model": "all-minilm-l6-v2", "input": ["Good morning.", "How do you do?"]},
    },
    "base64": {
        "summary": "One text, its vector as base64 of float32",
        "value": {
            "model": "all-minilm-l6-v2",
            "input": "Good morning.",
            "encoding_format": "base64",
        },
    },
}


class OpenaiModel(BaseModel):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    root: str = Field(description="The model behind another name.")
    task: str


class OpenaiModels(BaseModel):
    object: Literal["list"]
    data: list[OpenaiModel]


class OpenaiFault(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenaiError(BaseModel):
    error: OpenaiFault


class EmbeddingsRequest(BaseModel):
    model: str = Field(description="GET /v1/models lists them.")
    input: str | list[str] | list[int] | list[list[int]] = Field(
        description="A text, several, or token ids of the model's own tokenizer."
    )
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(
        None, ge=1, description="Fewer than the model has, where it was trained for that."
    )
    timeout: float | None = Field(None, gt=0, description="Seconds; ours.")
    priority: int = Field(0, ge=0, le=10, description="Ours.")


class Embedding(BaseModel):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class EmbeddingsAnswer(BaseModel):
    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage

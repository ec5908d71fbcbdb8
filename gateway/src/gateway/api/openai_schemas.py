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
CHAT_EXAMPLES: dict[str, dict[str, Any]] = {
    "chat": {
        "summary": "An answer (POST /models/download first)",
        "value": {
            "model": "smollm2",
            "messages": [{"role": "user", "content": "Hello!"}],
            "max_completion_tokens": 16,
        },
    },
}
COMPLETION_EXAMPLES: dict[str, dict[str, Any]] = {
    "text": {
        "summary": "A text goes on (POST /models/download first)",
        "value": {"model": "gpt2", "prompt": "Once upon a time", "max_tokens": 16, "seed": 7},
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


class StreamOptions(BaseModel):
    include_usage: bool = False


class GenerationRequest(BaseModel):
    model: str = Field(description="GET /v1/models lists them.")
    max_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(
        None, ge=0, le=2, description="0: the likeliest token. Left out: as the model's files say."
    )
    top_p: float | None = Field(None, gt=0, le=1)
    n: int = Field(1, ge=1, le=128)
    stop: str | list[str] | None = Field(None, description="At most 4 strings.")
    seed: int | None = Field(None, description="The same text again, whatever runs beside it.")
    stream: bool = False
    stream_options: StreamOptions | None = None
    top_k: int | None = Field(None, ge=0, description="Ours, as are the rest.")
    min_p: float | None = Field(None, ge=0, le=1)
    repetition_penalty: float | None = Field(None, gt=0)
    min_tokens: int = Field(0, ge=0)
    timeout: float | None = Field(None, gt=0, description="Seconds.")
    priority: int = Field(0, ge=0, le=10)


class ChatRequest(GenerationRequest):
    messages: list[dict[str, Any]] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    logprobs: bool = False
    top_logprobs: int | None = Field(None, ge=0, le=20)


class CompletionRequest(GenerationRequest):
    prompt: str | list[str]
    logprobs: int | None = Field(None, ge=0, le=5)
    echo: bool = Field(False, description="The prompt before the text.")


class CompletionUsage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatMessage(BaseModel):
    role: Literal["assistant"]
    content: str
    refusal: None = None


class ChatChoice(BaseModel):
    index: int
    message: ChatMessage
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length"]


class ChatAnswer(BaseModel):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChoice]
    usage: CompletionUsage


class CompletionChoice(BaseModel):
    index: int
    text: str
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length"]


class CompletionAnswer(BaseModel):
    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChoice]
    usage: CompletionUsage

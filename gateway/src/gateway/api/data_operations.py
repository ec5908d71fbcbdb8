"""The data routes' pages in the OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from gateway.api import data_schemas as schemas
from gateway.api import openai_audio_schemas as openai_audio
from gateway.api import openai_schemas as openai
from gateway.api import v2_schemas as v2

REF = "#/components/schemas/"
ERRORS = {
    "400": "The body can't be read.",
    "404": "No such model; the detail says how to get it.",
    "413": "The body is too large.",
    "422": "A field is wrong; the detail names it.",
    "503": "Not now; Retry-After says when.",
    "504": "The time given was over.",
}
# The other protocols know no 422.
FOREIGN_ERRORS = {
    **{status: text for status, text in ERRORS.items() if status != "422"},
    "400": "The body can't be read, or a field is wrong.",
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file", "model_name"],
            "properties": {
                "file": {"type": "string", "format": "binary"},
                "model_name": {"type": "string"},
            },
        }
    }
}
_EVENTS = {"text/event-stream": {"schema": {"type": "string"}}}
_TEXTS = {"text/plain": {"schema": {"type": "string"}}}
_TRANSCRIPTS = (
    "`json` has `text` and `usage` of these fields, `verbose_json` all, the other formats are text."
)
_TENSORS = {"application/octet-stream": _BINARY}
_INFER = (
    "With `Inference-Header-Content-Length` the JSON has that many bytes, and behind it come the"
    " tensors whose `parameters` have a `binary_data_size`, in their order; answers likewise."
)

JOB_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "Prefer",
        "in": "header",
        "description": "`respond-async`: 202 at once, and GET /jobs/{job_id} has the answer.",
        "schema": {"type": "string"},
    },
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Of a job: a repeat with the same key gives the same one.",
        "schema": {"type": "string"},
    },
    {
        "name": "webhook_url",
        "in": "query",
        "description": "Of a job, here or in the body: told of the end, with a signature.",
        "schema": {"type": "string"},
    },
]


@dataclass(frozen=True, slots=True)
class DataOperation:
    """One data route's page. ``also_…``: other content types, beside JSON.

    Attributes:
        form: The fields of a multipart form, where it takes one and no JSON.
        answer: None: it answers other types alone.
    """

    path: str
    summary: str
    tag: str
    request: type[BaseModel] | None
    answer: type[BaseModel] | None
    examples: Mapping[str, Any] = field(default_factory=dict)
    method: str = "post"
    description: str = ""
    error: type[BaseModel] = schemas.ErrorAnswer
    errors: Mapping[str, str] = field(default_factory=lambda: ERRORS)
    also_takes: Mapping[str, Any] = field(default_factory=dict)
    also_answers: Mapping[str, Any] = field(default_factory=dict)
    form: type[BaseModel] | None = None
    takes_jobs: bool = False


NATIVE = (
    DataOperation(
        "/predict",
        "Run a model",
        "core",
        schemas.PredictRequest,
        schemas.PredictAnswer,
        schemas.PREDICT_EXAMPLES,
        also_takes=_FORM,
        also_answers=_EVENTS,
        takes_jobs=True,
    ),
    DataOperation(
        "/synthesize",
        "Text to speech",
        "audio",
        schemas.SynthesizeRequest,
        schemas.SynthesizeAnswer,
        schemas.SYNTHESIZE_EXAMPLES,
        also_answers={"audio/*": _BINARY, **_EVENTS},
        takes_jobs=True,
    ),
    DataOperation(
        "/transcribe",
        "Speech to text",
        "audio",
        schemas.TranscribeRequest,
        schemas.TranscribeAnswer,
        schemas.TRANSCRIBE_EXAMPLES,
        also_takes=_FORM,
        takes_jobs=True,
    ),
)


def _openai(
    path: str,
    summary: str,
    request: type[BaseModel],
    answer: type[BaseModel],
    examples: Mapping[str, Any],
    *,
    streams: bool,
) -> DataOperation:
    return DataOperation(
        path,
        f"OpenAI: {summary}",
        "compatible",
        request,
        answer,
        examples,
        error=openai.OpenaiError,
        errors=FOREIGN_ERRORS,
        also_answers=_EVENTS if streams else {},
    )


def _hear(path: str, summary: str, form: type[BaseModel], *, streams: bool) -> DataOperation:
    return DataOperation(
        path,
        f"OpenAI: {summary}",
        "compatible",
        None,
        openai_audio.VerboseTranscript,
        description=_TRANSCRIPTS,
        error=openai.OpenaiError,
        errors=FOREIGN_ERRORS,
        form=form,
        also_answers=_TEXTS | (_EVENTS if streams else {}),
    )


OPENAI = (
    _openai(
        "/v1/embeddings",
        "vectors of texts",
        openai.EmbeddingsRequest,
        openai.EmbeddingsAnswer,
        openai.EMBEDDINGS_EXAMPLES,
        streams=False,
    ),
    _openai(
        "/v1/chat/completions",
        "an answer in a chat",
        openai.ChatRequest,
        openai.ChatAnswer,
        openai.CHAT_EXAMPLES,
        streams=True,
    ),
    _openai(
        "/v1/completions",
        "a text goes on",
        openai.CompletionRequest,
        openai.CompletionAnswer,
        openai.COMPLETION_EXAMPLES,
        streams=True,
    ),
    DataOperation(
        "/v1/audio/speech",
        "OpenAI: text to speech",
        "compatible",
        openai_audio.SpeechRequest,
        None,
        openai_audio.SPEECH_EXAMPLES,
        error=openai.OpenaiError,
        errors=FOREIGN_ERRORS,
        also_answers={"audio/*": _BINARY, **_EVENTS},
    ),
    _hear(
        "/v1/audio/transcriptions",
        "speech to text",
        openai_audio.TranscriptionRequest,
        streams=True,
    ),
    _hear(
        "/v1/audio/translations",
        "speech to English text",
        openai_audio.TranslationRequest,
        streams=False,
    ),
)


def _infer(path: str, summary: str) -> DataOperation:
    return DataOperation(
        path,
        summary,
        "compatible",
        v2.V2InferRequest,
        v2.V2InferAnswer,
        v2.INFER_EXAMPLES,
        description=_INFER,
        error=v2.V2Error,
        errors=FOREIGN_ERRORS,
        also_takes=_TENSORS,
        also_answers=_TENSORS,
    )


def _describe(path: str, summary: str, answer: type[BaseModel] = v2.V2Model) -> DataOperation:
    return DataOperation(
        path,
        summary,
        "compatible",
        None,
        answer,
        method="get",
        error=v2.V2Error,
        errors=FOREIGN_ERRORS,
    )


_MODEL = "/v2/models/{model}"
_VERSION = f"{_MODEL}/versions/{{version}}"
V2 = (
    _describe(_MODEL, "V2: what tensors a model takes and gives"),
    _describe(f"{_MODEL}/config", "V2: how a model is run", v2.V2ModelConfig),
    _infer(f"{_MODEL}/infer", "V2: run a model"),
    _describe(_VERSION, "V2: what tensors this version of a model takes and gives"),
    _describe(f"{_VERSION}/config", "V2: how this version is run", v2.V2ModelConfig),
    _infer(f"{_VERSION}/infer", "V2: run this version of a model"),
)
OPERATIONS = (*NATIVE, *OPENAI, *V2)

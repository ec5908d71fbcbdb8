"""The data routes as OpenAPI shows them. Replicas validate; these describe."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PREDICT_EXAMPLES: dict[str, dict[str, Any]] = {
    "example": {
        "summary": "The built-in model",
        "value": {"model_name": "example", "inputs": [1, 2, 3, 4, 5]},
    },
    "example_batch": {
        "summary": "A list of inputs gives a list of results",
        "value": {"model_name": "example", "inputs": [[1, 2, 3], [4, 5, 6]], "priority": 5},
    },
    "embedding": {
        "summary": "Sentence embeddings (POST /models/download first)",
        "value": {
            "model_name": "all-minilm-l6-v2",
            "inputs": ["Good morning.", "How do you do?"],
        },
    },
    "text": {
        "summary": "Continue a text (POST /models/download first); add stream for events",
        "value": {
            "model_name": "smollm2",
            "inputs": "Once upon a time",
            "parameters": {"max_new_tokens": 20, "temperature": 0.7, "seed": 1},
        },
    },
    "chat": {
        "summary": "Answer a chat",
        "value": {
            "model_name": "smollm2",
            "inputs": [{"role": "user", "content": "Which is the longest river?"}],
            "parameters": {"max_new_tokens": 20},
        },
    },
}
SYNTHESIZE_EXAMPLES: dict[str, dict[str, Any]] = {
    "speecht5": {
        "summary": "SpeechT5 with its default voice",
        "value": {
            "model_name": "speecht5_tts",
            "inputs": "Hello, this is a test of the text-to-speech system.",
        },
    },
    "seeded": {
        "summary": "The same audio each time",
        "value": {
            "model_name": "speecht5_tts",
            "inputs": "The same words, the same voice, the same audio.",
            "voice": "neutral",
            "seed": 7,
        },
    },
}
# 0.1 s of silence at 8 kHz: a whole WAV file, and one that any transcription answers with no text.
_SILENCE = "UklGRmQGAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YUAGAAAA" + "A" * 2132
TRANSCRIBE_EXAMPLES: dict[str, dict[str, Any]] = {
    "silence": {
        "summary": "A WAV file as base64; silence gives empty text",
        "value": {"model_name": "whisper-base", "inputs": _SILENCE},
    },
}


class PredictRequest(BaseModel):
    model_name: str = Field(description="GET /models lists them; `example` is built in.")
    inputs: Any = Field(description="One input, or a list of inputs for a batch.")
    token: str | None = Field(None, description="A credential, where no header can be sent.")
    priority: int = Field(0, ge=0, le=10)
    timeout: float = Field(30.0, gt=0, description="Seconds, for holding, queue and compute.")
    enable_batching: bool = True
    parameters: dict[str, Any] = Field(default_factory=dict, description="What the task takes.")
    stream: bool = Field(False, description="Text generation: events as the text is written.")


class ModelInfo(BaseModel):
    model_config = ConfigDict(extra="allow")
    model: str
    device: str
    task: str
    revision: str
    dtype: str
    input_type: Literal["single", "batch"]
    input_count: int


class BatchInfo(BaseModel):
    model_config = ConfigDict(extra="allow")
    batch_size: int
    queue_ms: float
    compute_ms: float
    padded_fraction: float
    cold_start: bool
    replica: str


class PredictAnswer(BaseModel):
    success: bool
    result: Any
    processing_time: float = Field(description="Seconds.")
    model_info: ModelInfo
    batch_info: BatchInfo
    warnings: list[str] = Field(
        default_factory=list, description="Inputs that were cut, and how; only where there are any."
    )


class SynthesizeRequest(BaseModel):
    model_name: str = Field(description="Or `model`.")
    inputs: str = Field(max_length=5000, description="Or `text`.")
    input_type: Literal["text", "ssml"] | None = Field(
        None, description="Left out: ssml where the text begins with `<speak>`."
    )
    voice: str | None = None
    speaker_embedding: list[float] | None = Field(None, min_length=512, max_length=512)
    speed: float = Field(1.0, ge=0.5, le=2.0)
    pitch: float = Field(1.0, ge=0.5, le=2.0, description="A frequency ratio.")
    volume: float = Field(1.0, ge=0.1, le=2.0, description="A linear factor.")
    normalize_lufs: float | None = Field(
        None, ge=-60.0, le=-5.0, description="Integrated loudness by ITU-R BS.1770."
    )
    language: str | None = None
    emotion: str | None = None
    output_format: Literal["wav", "mp3", "flac", "ogg", "opus", "aac", "pcm"] = "wav"
    sample_rate: int | None = Field(None, ge=8000, le=48000, description="In Hz.")
    seed: int | None = None
    stream: bool = Field(
        False, description="Sends the sound sentence by sentence, while it is made."
    )
    stream_format: Literal["audio", "sse"] | None = Field(
        None, description="How it is sent while it is made: the file's bytes, or events."
    )
    return_timestamps: bool = Field(
        False, description="Tells when each part is said, and its words where the model can."
    )
    parameters: dict[str, Any] | None = Field(
        None, description="Of a voice of two stages: how its text is written, as /predict has it."
    )
    speech_model: str | None = Field(
        None, description="Of a voice of two stages: the model that speaks."
    )


class SynthesizeAnswer(BaseModel):
    model_config = ConfigDict(extra="allow")
    success: bool
    audio_data: str = Field(description="Base64 of a whole file.")
    audio_format: str
    duration: float = Field(description="Seconds.")
    sample_rate: int
    channels: int
    processing_time: float
    real_time_factor: float
    model_info: dict[str, Any]
    warnings: list[str]
    timestamps: list[dict[str, Any]] | None = Field(
        None,
        description="With `return_timestamps`: `text`, `start` and `end` of each part, in seconds "
        "of the whole audio, and its `words` (`word`, `start`, `end`); none where the model can't "
        "tell them.",
    )
    stages: list[dict[str, Any]] | None = Field(
        None,
        description="Of a voice of two stages: model, task, revision, time (seconds) of each, and "
        "the text that the first one wrote.",
    )


class TranscribeRequest(BaseModel):
    inputs: str = Field(description="Base64 or a data URL of an audio file.")
    model_name: str = Field(description="Or `model`.")
    language: str = "auto"
    task: Literal["transcribe", "translate"] = "transcribe"
    enable_timestamps: bool = True
    timestamp_granularities: list[Literal["segment", "word"]] = Field(
        default_factory=lambda: ["segment"]  # type: ignore[arg-type, unused-ignore]
    )
    beam_size: int | None = None
    temperature: float = 0.0
    initial_prompt: str | None = None
    vad: bool = True
    response_format: Literal["json", "text", "srt", "vtt", "verbose_json"] = "json"
    stream: bool = False


class TranscribeAnswer(BaseModel):
    model_config = ConfigDict(extra="allow")
    success: bool
    text: str
    segments: list[dict[str, Any]]
    language: str
    confidence: float | None
    duration: float
    processing_time: float
    model_info: dict[str, Any]


class ErrorAnswer(BaseModel):
    """Every error, with a true HTTP status."""

    success: Literal[False]
    error: str
    detail: str
    code: str
    request_id: str

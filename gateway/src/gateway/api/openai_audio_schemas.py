"""OpenAI's bodies of speech as OpenAPI shows them. Replicas validate; these describe."""

from typing import Any, Literal

from pydantic import BaseModel, Field

SPEECH_EXAMPLES: dict[str, dict[str, Any]] = {
    "speech": {
        "summary": "A sentence as mp3 (POST /models/download first)",
        "value": {"model": "tts-1", "voice": "alloy", "input": "Good morning."},
    },
    "events": {
        "summary": "The same as events",
        "value": {
            "model": "tts-1",
            "voice": "alloy",
            "input": "Good morning.",
            "response_format": "pcm",
            "stream_format": "sse",
        },
    },
}


class SpeechRequest(BaseModel):
    model: str = Field(description="tts-1, tts-1-hd, gpt-4o-mini-tts, or a name of ours.")
    input: str
    voice: str | dict[str, str] | None = Field(
        None, description="GET /audio/voices lists them; alloy and its like are other names."
    )
    instructions: str = Field("", description="Taken, and not followed: a header says so.")
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm", "ogg"] = "mp3"
    speed: float = Field(1.0, ge=0.25, le=4.0)
    stream_format: Literal["audio", "sse"] = "audio"
    pitch: float = Field(1.0, ge=0.5, le=2.0, description="Ours, as are the rest.")
    volume: float = Field(1.0, ge=0.1, le=2.0)
    normalize_lufs: float | None = None
    language: str = "en"
    emotion: str | None = None
    sample_rate: int = Field(24000, ge=8000, le=48000)
    seed: int | None = Field(None, ge=0)
    timeout: float | None = Field(None, gt=0, description="Seconds.")
    priority: int = Field(0, ge=0, le=10)
    parameters: dict[str, Any] | None = Field(
        None, description="Of a voice of two stages, as is speech_model: see POST /synthesize."
    )
    speech_model: str | None = None


class TranslationRequest(BaseModel):
    file: str = Field(json_schema_extra={"format": "binary"})
    model: str = Field(description="whisper-1, gpt-4o-transcribe, or a name of ours.")
    prompt: str = ""
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] = "json"
    temperature: float = Field(0.0, ge=0.0, le=1.0)
    beam_size: int = Field(1, ge=1, description="Ours, as are timeout, priority and vad.")
    vad: bool = Field(True, description="Silence is not given to the model.")
    timeout: float | None = Field(None, gt=0, description="Seconds.")
    priority: int = Field(0, ge=0, le=10)


class TranscriptionRequest(TranslationRequest):
    language: str | None = Field(None, description="Left out: found out.")
    timestamp_granularities: list[Literal["segment", "word"]] | None = Field(
        None, description="Only with verbose_json."
    )
    stream: bool = Field(False, description="Events; only with json and text.")
    chunking_strategy: Literal["auto"] | None = None


class DurationUsage(BaseModel):
    type: Literal["duration"]
    seconds: float


class OpenaiTranscript(BaseModel):
    text: str
    usage: DurationUsage


class OpenaiSegment(BaseModel):
    id: int
    seek: int = Field(description="Where it starts, in hundredths of a second.")
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: None = Field(description="Silence is found before the model is asked.")


class OpenaiWord(BaseModel):
    word: str
    start: float
    end: float


class VerboseTranscript(OpenaiTranscript):
    task: Literal["transcribe", "translate"]
    language: str = Field(description="The text's, by its English name.")
    duration: float
    segments: list[OpenaiSegment] | None = None
    words: list[OpenaiWord] | None = None

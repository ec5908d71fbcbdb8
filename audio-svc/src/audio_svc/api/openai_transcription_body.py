"""The forms of /v1/audio/transcriptions and /v1/audio/translations, with OpenAI's names."""

from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import Field, field_validator

from audio_svc.api.reading import check_fields
from audio_svc.api.routing import RoutedBody
from audio_svc.api.transcribe_body import (
    MAX_PROMPT_CHARS,
    Granularity,
    ResponseFormat,
    TranscribeBody,
)
from audio_svc.listening import AUTO
from audio_svc.transcription.base import SpeechTask
from fleetserve.errors import InvalidFieldError

PLAIN = (ResponseFormat.JSON, ResponseFormat.TEXT)
_ROUTED = {"model_name", "priority", "timeout"}
_SAME = _ROUTED | {"language", "temperature", "response_format", "beam_size", "vad"}


class TranslationForm(RoutedBody):
    """``beam_size`` and ``vad`` are ours, as POST /transcribe has them."""

    task: ClassVar[SpeechTask] = SpeechTask.TRANSLATE

    prompt: Annotated[str, Field(max_length=MAX_PROMPT_CHARS)] = ""
    response_format: ResponseFormat = ResponseFormat.JSON
    temperature: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    beam_size: Any = None
    vad: Any = None

    @property
    def streams(self) -> bool:
        return False

    @property
    def times(self) -> tuple[Granularity, ...]:
        """What verbose_json is to tell."""
        return (Granularity.SEGMENT,)

    def native(self) -> TranscribeBody:
        """The same order in our own terms.

        Raises: InvalidFieldError: what is wrong with it.
        """
        return check_fields(
            TranscribeBody,
            {
                **self.model_dump(include=_SAME),
                "task": self.task,
                "initial_prompt": self.prompt,
                "timestamp_granularities": self.times,
            },
        )


class TranscriptionForm(TranslationForm):
    """``chunking_strategy`` may be left out or auto: silence is found either way."""

    task: ClassVar[SpeechTask] = SpeechTask.TRANSCRIBE

    language: Annotated[str, Field(max_length=32)] = AUTO
    timestamp_granularities: tuple[Granularity, ...] = ()
    stream: bool = False
    chunking_strategy: Literal["auto"] | None = None

    @field_validator("timestamp_granularities", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        """One name, several with commas, or a JSON list in a form's field."""
        if not isinstance(value, str):
            return value
        return orjson.loads(value) if value.startswith("[") else value.split(",")

    @property
    def streams(self) -> bool:
        return self.stream

    @property
    def times(self) -> tuple[Granularity, ...]:
        return self.timestamp_granularities or (Granularity.SEGMENT,)

    def native(self) -> TranscribeBody:
        if self.timestamp_granularities and self.response_format != ResponseFormat.VERBOSE_JSON:
            raise InvalidFieldError(
                "timestamp_granularities", "only response_format verbose_json tells times"
            )
        if self.stream and self.response_format not in PLAIN:
            raise InvalidFieldError(
                "response_format", f"a stream has text alone: {' or '.join(PLAIN)}"
            )
        return super().native()

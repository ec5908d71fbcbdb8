"""The fields of POST /transcribe, from a form or from JSON, as API.md has them."""

from enum import StrEnum
from typing import Annotated, Any

import orjson
from pydantic import Field, field_validator

from audio_svc.api.routing import RoutedBody
from audio_svc.audio.sound_files import SoundFile
from audio_svc.listening import AUTO
from audio_svc.transcription.base import SpeechTask, TranscriptionOptions
from fleetserve.errors import InvalidFieldError
from fleetserve.multipart import Form

MAX_PROMPT_CHARS = 4000
FILE_FIELD = "file"


class ResponseFormat(StrEnum):
    JSON = "json"
    TEXT = "text"
    SRT = "srt"
    VTT = "vtt"
    VERBOSE_JSON = "verbose_json"


class Granularity(StrEnum):
    SEGMENT = "segment"
    WORD = "word"


class TranscribeBody(RoutedBody):
    """``inputs`` is base64 or a data URL; in a form the file takes its place."""

    inputs: str | None = Field(None, repr=False)
    language: Annotated[str, Field(max_length=32)] = AUTO
    task: SpeechTask = SpeechTask.TRANSCRIBE
    enable_timestamps: bool = True
    timestamp_granularities: tuple[Granularity, ...] = (Granularity.SEGMENT,)
    beam_size: Annotated[int, Field(ge=1, le=32)] = 1
    temperature: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    initial_prompt: Annotated[str, Field(max_length=MAX_PROMPT_CHARS)] = ""
    vad: bool = True
    response_format: ResponseFormat = ResponseFormat.JSON
    stream: bool = False

    @field_validator("timestamp_granularities", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        """One name, several with commas, or a JSON list in a form's field."""
        if not isinstance(value, str):
            return value
        if value.startswith("["):
            return orjson.loads(value)
        return [part.strip() for part in value.split(",")]

    @property
    def words(self) -> bool:
        return Granularity.WORD in self.timestamp_granularities

    def options(self) -> TranscriptionOptions:
        """How to listen; the language is settled with the engine.

        Raises: InvalidFieldError: fields that contradict each other, or can't be done here.
        """
        needs_times = self.response_format in (ResponseFormat.SRT, ResponseFormat.VTT)
        if not self.enable_timestamps and (self.words or needs_times):
            raise InvalidFieldError(
                "enable_timestamps", "subtitles and word times can't be made without timestamps"
            )
        return TranscriptionOptions(
            task=self.task,
            timestamps=self.enable_timestamps,
            words=self.words,
            beam_size=self.beam_size,
            temperature=self.temperature,
            prompt=self.initial_prompt.strip(),
        )


def fields_of_form(form: Form) -> dict[str, Any]:
    """The text fields; of a repeated one the last, but for the list of granularities."""
    fields: dict[str, Any] = {}
    for name, values in form.fields.items():
        plain = name.removesuffix("[]")
        is_list = plain == "timestamp_granularities" and len(values) > 1
        fields[plain] = values if is_list else values[-1]
    return fields


def file_of_form(form: Form) -> SoundFile:
    """Raises: InvalidFieldError: there is no file, or another than ``file``."""
    sent: dict[str, SoundFile] = {**form.files, **form.spooled}
    for name in sent:
        if name != FILE_FIELD:
            raise InvalidFieldError(name, f"the sound file belongs into the field {FILE_FIELD!r}")
    if FILE_FIELD not in sent:
        raise InvalidFieldError(FILE_FIELD, "is missing: send the sound file as multipart form")
    return sent[FILE_FIELD]

"""The body of POST /synthesize, as API.md has it."""

from enum import StrEnum
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from audio_svc.api.routing import RoutedBody, join_names
from audio_svc.audio.encoding import FORMATS, AudioFormat
from audio_svc.audio.stream_encoding import check_streamed
from audio_svc.speaking import SpeechOrder
from audio_svc.text.ssml import is_ssml
from fleetserve.errors import InvalidFieldError, PayloadTooLargeError

Factor = Annotated[float, Field(ge=0.5, le=2.0)]
MAX_SEED = 2**63 - 1
Embedding = Annotated[list[float], Field(min_length=1, max_length=4096)]


class StreamFormat(StrEnum):
    """How speech is sent while it is made: the file's bytes, or events with parts of it."""

    AUDIO = "audio"
    SSE = "sse"


class InputType(StrEnum):
    TEXT = "text"
    SSML = "ssml"


class SynthesizeBody(RoutedBody):
    """``output_format`` None: what the Accept header asks for, else wav.

    ``input_type`` None: ssml where the text begins with <speak>.
    """

    inputs: str
    input_type: InputType | None = None
    voice: str | None = None
    speaker_embedding: Embedding | None = None
    speed: Factor = 1.0
    pitch: Factor = 1.0
    volume: Annotated[float, Field(ge=0.1, le=2.0)] = 1.0
    normalize_lufs: Annotated[float, Field(ge=-60.0, le=-5.0)] | None = None
    language: str | None = None
    emotion: str | None = None
    output_format: str | None = None
    sample_rate: Annotated[int, Field(ge=8000, le=48000)] | None = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    stream: bool = False
    stream_format: StreamFormat | None = None
    return_timestamps: bool = False

    @model_validator(mode="before")
    @classmethod
    def _join_texts(cls, fields: Any) -> Any:
        """Clients of the older style write text for inputs."""
        return join_names(fields, ("inputs", "text"))

    @property
    def is_ssml(self) -> bool:
        return is_ssml(self.inputs) if self.input_type is None else self.input_type == "ssml"

    def streamed(self, *, events_accepted: bool) -> StreamFormat | None:
        """How it is sent while it is made; None: whole. To name the way is to ask for it."""
        if self.stream_format is not None:
            return self.stream_format
        if events_accepted:
            return StreamFormat.SSE
        return StreamFormat.AUDIO if self.stream else None

    def order(
        self, audio_format: AudioFormat, max_chars: int, streamed: StreamFormat | None = None
    ) -> SpeechOrder:
        """What is asked for.

        Raises: PayloadTooLargeError: the text is too long; InvalidFieldError: something is
        asked for that no engine here can do.
        """
        if len(self.inputs) > max_chars:
            raise PayloadTooLargeError(
                f"inputs: {len(self.inputs)} characters; at most {max_chars} are spoken at once."
            )
        if streamed is not None:
            self._check_streamed(audio_format, streamed)
        embedding = self.speaker_embedding
        return SpeechOrder(
            text=self.inputs,
            audio_format=audio_format,
            voice=self.voice,
            embedding=None if embedding is None else np.array(embedding, np.float32),
            language=self.language,
            emotion=self.emotion,
            speed=self.speed,
            pitch=self.pitch,
            volume=self.volume,
            loudness_lufs=self.normalize_lufs,
            sample_rate_hz=self.sample_rate,
            seed=self.seed,
            by_sentence=streamed is not None,
            ssml=self.is_ssml,
        )

    def _check_streamed(self, audio_format: AudioFormat, streamed: StreamFormat) -> None:
        check_streamed(audio_format)
        if self.normalize_lufs is not None:
            raise InvalidFieldError(
                "normalize_lufs",
                "is measured over the whole speech, so it can't be streamed; volume can",
            )
        if self.return_timestamps and streamed is StreamFormat.AUDIO:
            raise InvalidFieldError(
                "return_timestamps",
                "there is no place for them in a stream of sound; stream_format sse has one",
            )


def find_format(name: str) -> AudioFormat:
    """Raises: InvalidFieldError: no such format, and which there are."""
    found = FORMATS.get(name.lower())
    if found is None:
        if name.lower() == "aac":
            raise InvalidFieldError(
                "output_format",
                "aac is made by the extra 'codecs' (PyAV), which is left out here (CODECS=0); "
                f"there are {', '.join(FORMATS)}",
            )
        raise InvalidFieldError(
            "output_format", f"{name!r} can't be made here; there are {', '.join(FORMATS)}"
        )
    return found

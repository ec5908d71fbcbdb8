"""The body of POST /v1/audio/speech: OpenAI's names and ranges, and what is ours beside them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from audio_svc.api.reading import check_fields
from audio_svc.api.routing import RoutedBody
from audio_svc.api.synthesize_body import StreamFormat, SynthesizeBody
from audio_svc.audio.encoding import FORMATS
from fleetserve.errors import InvalidFieldError

RATE_HZ = 24000  # Of everything that OpenAI speaks; pcm has no header that could tell another.
DEFAULT_FORMAT = "mp3"
TOO_LONG = "string_above_max_length"


class VoiceId(BaseModel):
    """How clients name a voice that they uploaded."""

    id: str


class OpenaiSpeechBody(RoutedBody):
    """``instructions`` are taken and not followed: no engine here can, and the answer says so.

    From ``pitch`` on the fields are ours, as POST /synthesize has them, and checked as there.
    """

    input: str
    voice: str | VoiceId | None = None
    instructions: str = ""
    response_format: str = DEFAULT_FORMAT
    speed: Annotated[float, Field(ge=0.25, le=4.0)] = 1.0
    stream_format: StreamFormat = StreamFormat.AUDIO
    pitch: Any = None
    volume: Any = None
    normalize_lufs: Any = None
    language: Any = None
    emotion: Any = None
    sample_rate: Any = None
    seed: Any = None

    @property
    def voice_name(self) -> str | None:
        return self.voice.id if isinstance(self.voice, VoiceId) else self.voice

    def native(self, max_chars: int) -> SynthesizeBody:
        """The same order in our own terms, but for its speed, which reaches farther here.

        Raises: InvalidFieldError: what is wrong with it.
        """
        if len(self.input) > max_chars:
            raise InvalidFieldError(
                "input", f"has {len(self.input)} characters; at most {max_chars}", code=TOO_LONG
            )
        if self.response_format not in FORMATS:
            raise InvalidFieldError(
                "response_format",
                f"{self.response_format!r} can't be made here; there are {', '.join(FORMATS)}",
            )
        ours = self.model_dump(include=_OURS)
        return check_fields(
            SynthesizeBody,
            {
                **ours,
                "model_name": self.model_name,
                "inputs": self.input,
                "voice": self.voice_name,
                "output_format": self.response_format,
                "sample_rate": RATE_HZ if self.sample_rate is None else self.sample_rate,
                "priority": self.priority,
                "timeout": self.timeout,
            },
        )


_OURS = {"pitch", "volume", "normalize_lufs", "language", "emotion", "seed"}

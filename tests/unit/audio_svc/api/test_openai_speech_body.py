from typing import Any

import pytest

from audio_svc.api.openai_speech_body import RATE_HZ, OpenaiSpeechBody
from audio_svc.api.reading import check_fields
from fleetserve.errors import InvalidFieldError

MAX_CHARS = 20


def read(**fields: Any) -> OpenaiSpeechBody:
    return check_fields(OpenaiSpeechBody, {"model": "m", "input": "Hello.", **fields})


def test_defaults_are_openais() -> None:
    body = read()
    native = body.native(MAX_CHARS)
    assert (native.model_name, native.inputs, native.voice) == ("m", "Hello.", None)
    assert (native.output_format, native.sample_rate, body.speed) == ("mp3", RATE_HZ, 1.0)


def test_what_is_ours_is_passed_on() -> None:
    ours = {"pitch": 1.5, "volume": 0.5, "language": "en", "seed": 3, "sample_rate": 8000}
    native = read(**ours, timeout=3.0, priority=2).native(MAX_CHARS)
    assert {name: getattr(native, name) for name in ours} == ours
    assert (native.timeout, native.priority) == (3.0, 2)


@pytest.mark.parametrize("voice", ["alloy", {"id": "alloy"}])
def test_voice_is_a_name_or_an_object_with_one(voice: Any) -> None:
    assert read(voice=voice).voice_name == "alloy"


@pytest.mark.parametrize("speed", [0.25, 4.0])
def test_speed_reaches_as_far_as_openais(speed: float) -> None:
    assert read(speed=speed).speed == speed


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"speed": 0.2}, "speed", "0.25"),
        ({"speed": 4.1}, "speed", "4"),
        ({"stream_format": "mp3"}, "stream_format", "sse"),
        ({"response_format": "midi"}, "response_format", "mp3"),
        ({"input": "a" * (MAX_CHARS + 1)}, "input", "at most 20"),
        ({"pitch": 3.0}, "pitch", "2"),
        ({"speeed": 1}, "speeed", "no such field"),
    ],
)
def test_wrong_field_is_named(fields: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidFieldError, match=says) as raised:
        read(**fields).native(MAX_CHARS)
    assert raised.value.field == field

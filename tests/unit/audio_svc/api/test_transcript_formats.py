from typing import Any

import orjson
import pytest

from audio_svc.api.transcribe_body import ResponseFormat
from audio_svc.api.transcript_formats import json_content, render
from audio_svc.listener import Hearing
from audio_svc.listening import Transcript
from audio_svc.transcription.base import Segment, TranscriptionOptions, Word
from fleetserve.replica.exchange import Timing
from fleetserve.replica.models import ModelSpec


@pytest.fixture
def hearing() -> Hearing:
    words = (Word("Hello", 0.0, 0.5), Word("there.", 0.5, 1.25))
    segment = Segment(0.0, 1.25, " Hello there.", -0.5, "en", 0.9, (1, 2, 3), words)
    return Hearing(
        spec=ModelSpec("whisper-base", "r1", "automatic-speech-recognition", 1),
        dtype="float32",
        device="cpu",
        options=TranscriptionOptions(words=True),
        transcript=Transcript("Hello there.", (segment,), "en", 0.6, ("mind",)),
        duration_s=1.5,
        timing=Timing(),
        processing_s=0.25,
        cold_start=False,
    )


def test_json_has_every_field_of_the_contract(hearing: Hearing) -> None:
    raw, media = render(hearing, ResponseFormat.JSON)
    assert media == "application/json"
    content: dict[str, Any] = orjson.loads(raw)
    assert content["success"] is True
    assert content["text"] == "Hello there."
    assert (content["language"], content["confidence"]) == ("en", 0.6)
    assert (content["duration"], content["processing_time"]) == (1.5, 0.25)
    assert content["model_info"]["model"] == "whisper-base"
    assert content["model_info"]["device"] == "cpu"
    assert content["warnings"] == ["mind"]
    (segment,) = content["segments"]
    assert segment["text"] == "Hello there."
    assert (segment["start"], segment["end"]) == (0.0, 1.25)
    assert 0 < segment["confidence"] < 1
    assert segment["words"][1] == {"word": "there.", "start": 0.5, "end": 1.25}


def test_verbose_json_adds_what_openais_clients_look_for(hearing: Hearing) -> None:
    content = json_content(hearing, ResponseFormat.VERBOSE_JSON)
    assert content["task"] == "transcribe"
    assert content["language_probability"] == 0.9
    assert [word["word"] for word in content["words"]] == ["Hello", "there."]
    (segment,) = content["segments"]
    assert segment["id"] == 0
    assert segment["tokens"] == [1, 2, 3]
    assert segment["avg_logprob"] == -0.5
    assert segment["compression_ratio"] > 0


@pytest.mark.parametrize(
    ("wanted", "media", "start"),
    [
        (ResponseFormat.TEXT, "text/plain", "Hello there.\n"),
        (ResponseFormat.SRT, "application/x-subrip", "1\n00:00:00,000 --> 00:00:01,250\nHello"),
        (ResponseFormat.VTT, "text/vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nHello"),
    ],
)
def test_text_formats_are_plain_text(
    hearing: Hearing, wanted: ResponseFormat, media: str, start: str
) -> None:
    raw, made = render(hearing, wanted)
    assert made == f"{media}; charset=utf-8"
    assert raw.decode().startswith(start)

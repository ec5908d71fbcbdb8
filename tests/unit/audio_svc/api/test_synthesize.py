import base64
import io
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import soundfile

from audio_svc.api.synthesize import MAX_BODY_BYTES, SynthesizeRoute
from audio_svc.open_speech import SpeechStreamer
from audio_svc.speaker import Speaker
from audio_svc.speech.memory import EMBEDDING_SIZE
from fleetserve.errors import (
    InvalidFieldError,
    ModelNotFoundError,
    NotAcceptableError,
    PayloadTooLargeError,
    UnsupportedMediaError,
)
from fleetserve.replica.exchange import ReplicaRequest
from tests.unit.audio_svc.memory_models import REVISION
from tests.unit.audio_svc.requests import RequestMaker, content_of

MAX_CHARS = 5000
HELLO = {"model_name": "tone", "inputs": "Hello.", "seed": 1}
ANSWER_FIELDS = {
    "success",
    "audio_data",
    "audio_format",
    "duration",
    "sample_rate",
    "channels",
    "processing_time",
    "real_time_factor",
    "model_info",
    "warnings",
}
INFO_FIELDS = {"model", "model_name", "actual_model", "revision", "voice", "language", "device"}


@pytest.fixture
def route(speaker: Speaker, streamer: SpeechStreamer) -> SynthesizeRoute:
    return SynthesizeRoute(speaker, streamer, MAX_CHARS)


async def test_answer_has_every_field_of_the_contract(
    route: SynthesizeRoute, make_request: RequestMaker
) -> None:
    answer = await route(make_request.json(HELLO))
    content = content_of(answer)
    assert set(content) >= ANSWER_FIELDS
    info = content["model_info"]
    assert set(info) >= INFO_FIELDS
    assert (info["model"], info["actual_model"]) == ("tone", "tests/tone")
    assert (info["revision"], info["voice"], info["language"]) == (REVISION, "default", "en")
    assert content["real_time_factor"] == pytest.approx(
        content["processing_time"] / content["duration"], rel=1e-3
    )
    assert answer.model == "tone"
    assert answer.timing is not None
    assert b"compute" in answer.timing.header()


async def test_audio_data_is_a_whole_wav_of_the_told_length(
    route: SynthesizeRoute, make_request: RequestMaker
) -> None:
    content = content_of(await route(make_request.json(HELLO)))
    samples, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(content["audio_data"])))
    assert content["audio_format"] == "wav"
    assert (rate_hz, samples.ndim) == (content["sample_rate"], content["channels"])
    assert len(samples) / rate_hz == pytest.approx(content["duration"])


@pytest.mark.parametrize(
    ("accept", "media", "magic"),
    [("audio/*", "audio/wav", b"RIFF"), ("audio/flac", "audio/flac", b"fLaC")],
)
async def test_file_itself_is_answered_on_request(
    route: SynthesizeRoute, make_request: RequestMaker, accept: str, media: str, magic: bytes
) -> None:
    answer = await route(make_request.json(HELLO, {"Accept": accept}))
    assert isinstance(answer.body, bytes)
    assert answer.body.startswith(magic)
    assert answer.content_type == media
    headers = dict(answer.headers)
    assert float(headers[b"x-audio-duration"]) > 0
    assert headers[b"x-audio-sample-rate"] == b"16000"


async def test_older_names_and_the_gateways_model_are_taken(
    route: SynthesizeRoute, make_request: RequestMaker
) -> None:
    older = content_of(await route(make_request.json({"model": "tone", "text": "Hello."})))
    assert older["success"]
    resolved = make_request.json({"inputs": "Hello."}, {"x-fleet-model": "tone"})
    assert content_of(await route(resolved))["success"]


async def test_times_of_breaths_are_told_on_request(
    route: SynthesizeRoute, make_request: RequestMaker
) -> None:
    content = content_of(await route(make_request.json({**HELLO, "return_timestamps": True})))
    (time,) = content["timestamps"]
    assert time["text"] == "Hello."
    assert time["end"] == pytest.approx(content["duration"], abs=1e-3)


async def test_own_embedding_is_told_as_the_voice(
    route: SynthesizeRoute, make_request: RequestMaker
) -> None:
    vector = np.full(EMBEDDING_SIZE, 0.1).tolist()
    content = content_of(await route(make_request.json({**HELLO, "speaker_embedding": vector})))
    assert content["model_info"]["voice"] == "speaker_embedding"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"inputs": "x" * 5001}, PayloadTooLargeError),
        ({"model_name": "nobody"}, ModelNotFoundError),
        ({"model_name": "fixed"}, InvalidFieldError),
        ({"voice": "bob"}, InvalidFieldError),
        ({"output_format": "wma"}, InvalidFieldError),
        ({"stream": True, "normalize_lufs": -16}, InvalidFieldError),
        ({"stream": True, "voice": "bob"}, InvalidFieldError),
        ({"stream_format": "words"}, InvalidFieldError),
        ({"surprise": 1}, InvalidFieldError),
    ],
)
async def test_wrong_request_is_refused(
    route: SynthesizeRoute,
    make_request: RequestMaker,
    fields: dict[str, Any],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        await route(make_request.json({**HELLO, **fields}))


async def test_body_that_no_text_needs_is_too_large(
    route: SynthesizeRoute, make_request: RequestMaker
) -> None:
    with pytest.raises(PayloadTooLargeError, match="bytes"):
        await route(make_request.raw(b" " * (MAX_BODY_BYTES + 1), "application/json"))


async def test_only_json_is_taken(route: SynthesizeRoute, make_request: RequestMaker) -> None:
    with pytest.raises(UnsupportedMediaError, match="application/json"):
        await route(make_request.raw(b"Hello.", "text/plain"))


@pytest.mark.parametrize(
    ("fields", "accept", "media"),
    [
        ({"stream": True}, "*/*", "audio/wav"),
        ({"stream": True, "output_format": "mp3"}, "application/json", "audio/mpeg"),
        ({"stream": True}, "audio/flac", "audio/flac"),
        ({"stream_format": "audio"}, "*/*", "audio/wav"),
        ({"stream_format": "sse"}, "audio/wav", "text/event-stream"),
        ({}, "text/event-stream", "text/event-stream"),
        ({"stream": True}, "text/event-stream", "text/event-stream"),
    ],
)
async def test_speech_is_streamed_as_it_is_asked_for(
    route: SynthesizeRoute,
    make_request: RequestMaker,
    fields: dict[str, Any],
    accept: str,
    media: str,
) -> None:
    answer = await route(make_request.json({**HELLO, **fields}, {"Accept": accept}))
    assert answer.content_type == media
    assert isinstance(answer.body, AsyncIterator)
    chunks = [chunk async for chunk in answer.body]
    assert len(b"".join(chunks)) > 500
    await answer.body.aclose()  # type: ignore[attr-defined]


async def test_format_and_accept_header_must_agree(
    route: SynthesizeRoute, make_request: RequestMaker
) -> None:
    request = make_request.json({**HELLO, "output_format": "mp3"}, {"Accept": "audio/flac"})
    with pytest.raises(NotAcceptableError):
        await route(request)


async def test_bodys_timeout_sets_the_deadline(
    route: SynthesizeRoute, make_request: RequestMaker
) -> None:
    request: ReplicaRequest = make_request.json({**HELLO, "timeout": 5})
    await route(request)
    assert request.deadline_s == pytest.approx(request.received_s + 5)

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from audio_svc.api.transcribe import TranscribeRoute
from audio_svc.listener import Listener
from fleetserve.errors import (
    BadRequestError,
    InvalidFieldError,
    ModelNotFoundError,
    UnsupportedMediaError,
)
from tests.unit.audio_svc.requests import RequestMaker, content_of, speech, wav

SPEECH = wav(speech())
IN_JSON = base64.b64encode(SPEECH).decode()
TEXT = "the quick brown fox"


@pytest.fixture
def route(listener: Listener, heavy: ThreadPoolExecutor) -> TranscribeRoute:
    return TranscribeRoute(listener, heavy)


async def test_form_with_a_file_is_transcribed(
    route: TranscribeRoute, make_request: RequestMaker
) -> None:
    answer = await route(make_request.form({"model_name": "fixed"}, {"file": SPEECH}))
    content = content_of(answer)
    assert content["text"] == TEXT
    (segment,) = content["segments"]
    assert 0.5 < segment["start"] < 1.0 < segment["end"] < len(speech()) / 16000 - 0.5
    assert content["language"] == "en"
    assert 0 < content["confidence"] <= 1
    assert content["duration"] == pytest.approx(len(speech()) / 16000, abs=1e-4)
    assert answer.model == "fixed"


@pytest.mark.parametrize("inputs", [IN_JSON, f"data:audio/wav;base64,{IN_JSON}"])
async def test_json_with_base64_is_transcribed(
    route: TranscribeRoute, make_request: RequestMaker, inputs: str
) -> None:
    content = content_of(await route(make_request.json({"model": "fixed", "inputs": inputs})))
    assert content["text"] == TEXT


async def test_words_are_told_on_request(
    route: TranscribeRoute, make_request: RequestMaker
) -> None:
    fields: dict[str, str | list[str]] = {
        "model_name": "fixed",
        "timestamp_granularities[]": ["segment", "word"],
    }
    content = content_of(await route(make_request.form(fields, {"file": SPEECH})))
    assert [word["word"] for word in content["segments"][0]["words"]] == TEXT.split()


@pytest.mark.parametrize(
    ("wanted", "media"),
    [("text", "text/plain"), ("srt", "application/x-subrip"), ("vtt", "text/vtt")],
)
async def test_text_formats_are_no_json(
    route: TranscribeRoute, make_request: RequestMaker, wanted: str, media: str
) -> None:
    form = make_request.form({"model_name": "fixed", "response_format": wanted}, {"file": SPEECH})
    answer = await route(form)
    assert answer.content_type.startswith(media)
    assert isinstance(answer.body, bytes)
    assert TEXT in answer.body.decode()


async def test_silence_gives_empty_text(route: TranscribeRoute, make_request: RequestMaker) -> None:
    silence = wav(np.zeros(16000, np.float32))
    content = content_of(await route(make_request.form({"model_name": "fixed"}, {"file": silence})))
    assert (content["text"], content["segments"], content["language"]) == ("", [], "und")
    assert content["warnings"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"model_name": "nobody"}, ModelNotFoundError),
        ({"model_name": "tone"}, InvalidFieldError),
        ({"model_name": ""}, InvalidFieldError),
        ({"language": "xx"}, InvalidFieldError),
        ({"beam_size": "2"}, InvalidFieldError),
        ({"inputs": IN_JSON}, InvalidFieldError),
        ({"surprise": "1"}, InvalidFieldError),
    ],
)
async def test_wrong_form_is_refused(
    route: TranscribeRoute,
    make_request: RequestMaker,
    fields: dict[str, str | list[str]],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        await route(make_request.form({"model_name": "fixed", **fields}, {"file": SPEECH}))


@pytest.mark.parametrize(
    ("fields", "field"),
    [({}, "inputs"), ({"inputs": "/etc/passwd"}, "inputs"), ({"inputs": 7}, "inputs")],
)
async def test_wrong_json_is_refused_by_name(
    route: TranscribeRoute, make_request: RequestMaker, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        await route(make_request.json({"model_name": "fixed", **fields}))
    assert refused.value.field == field


async def test_other_media_are_told_what_is_taken(
    route: TranscribeRoute, make_request: RequestMaker
) -> None:
    with pytest.raises(UnsupportedMediaError, match="multipart/form-data or application/json"):
        await route(make_request.raw(SPEECH, "audio/wav"))


async def test_broken_form_is_a_bad_request(
    route: TranscribeRoute, make_request: RequestMaker
) -> None:
    with pytest.raises(BadRequestError):
        await route(make_request.raw(b"--x", "multipart/form-data; boundary=x"))

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import orjson
import pytest

from audio_svc.api.openai_transcription import OpenaiTranscriptionRoute
from audio_svc.api.openai_transcription_body import TranscriptionForm, TranslationForm
from audio_svc.listener import Listener
from fleetserve.errors import InvalidFieldError, ModelNotFoundError, UnsupportedMediaError
from fleetserve.replica.exchange import Answer
from tests.unit.audio_svc.requests import RequestMaker, content_of, speech, wav

SPEECH = wav(speech())
SECONDS = pytest.approx(len(speech()) / 16000, abs=1e-3)
TEXT = "the quick brown fox"


@pytest.fixture
def route(listener: Listener, heavy: ThreadPoolExecutor) -> OpenaiTranscriptionRoute:
    return OpenaiTranscriptionRoute(listener, heavy, TranscriptionForm)


@pytest.fixture
def translation(listener: Listener, heavy: ThreadPoolExecutor) -> OpenaiTranscriptionRoute:
    return OpenaiTranscriptionRoute(listener, heavy, TranslationForm)


async def events(answer: Answer) -> list[dict[str, Any]]:
    assert isinstance(answer.body, AsyncIterator)
    raw = b"".join([chunk async for chunk in answer.body])
    return [orjson.loads(part.partition(b"data: ")[2]) for part in raw.split(b"\n\n") if part]


async def test_unasked_it_is_the_text(
    route: OpenaiTranscriptionRoute, make_request: RequestMaker
) -> None:
    answer = await route(make_request.form({"model": "fixed"}, {"file": SPEECH}))
    assert content_of(answer) == {"text": TEXT, "usage": {"type": "duration", "seconds": SECONDS}}
    assert answer.model == "fixed"


@pytest.mark.parametrize(
    ("wanted", "text"),
    [("text", f"{TEXT}\n"), ("srt", "1\n00:00:00,"), ("vtt", "WEBVTT\n\n00:")],
)
async def test_text_formats_are_no_json(
    route: OpenaiTranscriptionRoute, make_request: RequestMaker, wanted: str, text: str
) -> None:
    form = make_request.form({"model": "fixed", "response_format": wanted}, {"file": SPEECH})
    answer = await route(form)
    assert isinstance(answer.body, bytes)
    assert answer.body.decode().startswith(text)
    assert "json" not in answer.content_type


async def test_words_are_told_where_they_are_asked_for(
    route: OpenaiTranscriptionRoute, make_request: RequestMaker
) -> None:
    fields: dict[str, str | list[str]] = {
        "model": "fixed",
        "response_format": "verbose_json",
        "timestamp_granularities[]": ["word"],
    }
    content = content_of(await route(make_request.form(fields, {"file": SPEECH})))
    assert [word["word"] for word in content["words"]] == TEXT.split()
    assert "segments" not in content


async def test_stream_is_a_delta_for_each_segment_and_the_whole(
    route: OpenaiTranscriptionRoute, make_request: RequestMaker
) -> None:
    answer = await route(make_request.form({"model": "fixed", "stream": "true"}, {"file": SPEECH}))
    assert answer.content_type.startswith("text/event-stream")
    assert await events(answer) == [
        {"type": "transcript.text.delta", "delta": TEXT},
        {"type": "transcript.text.done", "text": TEXT},
    ]


async def test_what_fails_before_the_first_event_is_raised(
    route: OpenaiTranscriptionRoute, make_request: RequestMaker
) -> None:
    answer = await route(make_request.form({"model": "nobody", "stream": "true"}, {"file": SPEECH}))
    with pytest.raises(ModelNotFoundError):
        await events(answer)


async def test_translation_says_that_it_is_one(
    translation: OpenaiTranscriptionRoute, make_request: RequestMaker
) -> None:
    fields: dict[str, str | list[str]] = {"model": "fixed", "response_format": "verbose_json"}
    content = content_of(await translation(make_request.form(fields, {"file": SPEECH})))
    assert (content["task"], content["language"]) == ("translate", "english")


async def test_silence_gives_empty_text(
    route: OpenaiTranscriptionRoute, make_request: RequestMaker
) -> None:
    silence = wav(np.zeros(16000, np.float32))
    fields: dict[str, str | list[str]] = {"model": "fixed", "response_format": "verbose_json"}
    content = content_of(await route(make_request.form(fields, {"file": silence})))
    assert (content["text"], content["segments"]) == ("", [])


async def test_form_without_a_file_is_refused(
    route: OpenaiTranscriptionRoute, make_request: RequestMaker
) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        await route(make_request.form({"model": "fixed"}, {}))
    assert raised.value.field == "file"


async def test_json_is_refused(route: OpenaiTranscriptionRoute, make_request: RequestMaker) -> None:
    with pytest.raises(UnsupportedMediaError):
        await route(make_request.json({"model": "fixed"}))

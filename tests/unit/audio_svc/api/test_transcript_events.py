from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import orjson
import pytest

from audio_svc.api.transcribe import TranscribeRoute
from audio_svc.listener import Listener
from fleetserve.errors import UnsupportedMediaError
from fleetserve.replica.exchange import Answer
from tests.unit.audio_svc.requests import RequestMaker, content_of, speech, wav

LONG = wav(np.tile(speech(pause_s=0.3), 16))


@pytest.fixture
def route(listener: Listener, heavy: ThreadPoolExecutor) -> TranscribeRoute:
    return TranscribeRoute(listener, heavy)


def parse(raw: bytes) -> list[tuple[str, Any]]:
    events = []
    for block in raw.decode().split("\n\n"):
        if block:
            name, data = block.split("\n")
            events.append((name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))))
    return events


def chunks_of(answer: Answer) -> AsyncIterator[bytes]:
    assert not isinstance(answer.body, bytes)
    assert answer.content_type == "text/event-stream"
    return answer.body


async def events_of(answer: Answer) -> list[tuple[str, Any]]:
    return parse(b"".join([chunk async for chunk in chunks_of(answer)]))


async def test_segments_come_as_they_are_heard_and_the_whole_answer_last(
    route: TranscribeRoute, make_request: RequestMaker
) -> None:
    fields: dict[str, str | list[str]] = {"model_name": "fixed"}
    plain = content_of(await route(make_request.form(fields, {"file": LONG})))
    events = await events_of(
        await route(make_request.form({**fields, "stream": "true"}, {"file": LONG}))
    )
    segments = [data for name, data in events if name == "segment"]
    progress = [data["progress"] for name, data in events if name == "progress"]
    assert len(progress) >= 2
    assert progress == sorted(progress)
    assert progress[-1] > 0.9
    name, done = events[-1]
    assert name == "done"
    assert done["segments"] == segments == plain["segments"]
    assert done["text"] == plain["text"]


async def test_events_can_be_asked_for_by_the_accept_header(
    route: TranscribeRoute, make_request: RequestMaker
) -> None:
    request = make_request.form({"model_name": "fixed", "response_format": "srt"}, {"file": LONG})
    request.headers[b"accept"] = b"text/event-stream"
    _name, done = (await events_of(await route(request)))[-1]
    assert done["content_type"].startswith("application/x-subrip")
    assert "-->" in done["content"]


async def test_silence_is_one_event(route: TranscribeRoute, make_request: RequestMaker) -> None:
    silence = wav(np.zeros(16000, np.float32))
    form = make_request.form({"model_name": "fixed", "stream": "true"}, {"file": silence})
    ((name, done),) = await events_of(await route(form))
    assert (name, done["text"]) == ("done", "")


async def test_what_fails_at_once_is_an_error_and_no_event(
    route: TranscribeRoute, make_request: RequestMaker
) -> None:
    form = make_request.form({"model_name": "fixed", "stream": "true"}, {"file": b"no audio"})
    with pytest.raises(UnsupportedMediaError):
        await anext(chunks_of(await route(form)))


async def test_client_that_leaves_ends_the_work(
    route: TranscribeRoute, make_request: RequestMaker, listener: Listener
) -> None:
    form = make_request.form({"model_name": "fixed", "stream": "true"}, {"file": LONG})
    events: Any = chunks_of(await route(form))
    await anext(events)
    await events.aclose()
    handle = listener._pool.get_ready("fixed")
    assert handle is not None
    with handle as model:
        # What the next one waits for is gone from the queue too.
        assert await model.jobs.run(lambda: 1) == 1
        assert not model.jobs._active

from typing import Any
from urllib.parse import unquote

import orjson
import pytest

from fleetserve.model_records import ModelRecord, ModelState
from gateway.known_models import Target
from gateway.reply import Reply
from gateway.two_stage_answer import MAX_HEADER_BYTES, THREAD_ABOVE, TextStage, tell_stages
from gateway.upstream.memory import MemoryAnswer

WRITER = Target(
    ModelRecord("bart", "summarization", ModelState.READY, "r1", model_id="facebook/bart"), "i"
)
SPEAKER = Target(ModelRecord("tiny_tts", "text-to-speech", ModelState.READY, "r2"), "a")
TEXT = TextStage(WRITER, "Kurz, „gut“.", 0.5)


def reply(kind: bytes, content: bytes | None, timing: bytes = b"compute;dur=1.000") -> Reply:
    headers = [(b"content-type", kind), (b"server-timing", timing)]
    return Reply(200, headers, None, None, shed=False, answer=MemoryAnswer(), content=content)


@pytest.mark.parametrize("size", [10, THREAD_ABOVE])
async def test_json_tells_both_stages(size: int) -> None:
    spoken: dict[str, Any] = {
        "audio_data": "a" * size,
        "duration": 2.0,
        "processing_time": 0.25,
        "real_time_factor": 0.125,
        "model_info": {"model": "tiny_tts", "actual_model": "tiny_tts", "voice": "coral"},
    }
    told = reply(b"application/json", orjson.dumps(spoken))
    await tell_stages(told, TEXT, SPEAKER)
    assert told.content is not None
    content = orjson.loads(told.content)
    assert told.length == len(told.content)
    assert content["audio_data"] == spoken["audio_data"]
    assert content["stages"] == [
        {
            "model": "bart",
            "task": "summarization",
            "revision": "r1",
            "time": 0.5,
            "text": TEXT.text,
        },
        {"model": "tiny_tts", "task": "text-to-speech", "revision": "r2", "time": 0.25},
    ]
    assert (content["processing_time"], content["real_time_factor"]) == (0.75, 0.375)
    assert content["model_info"] == {
        "model": "bart",
        "model_name": "bart",
        "actual_model": "facebook/bart + tiny_tts",
        "revision": "r1",
        "speech_model": "tiny_tts",
        "voice": "coral",
    }


async def test_sound_tells_them_in_headers() -> None:
    told = reply(b"audio/wav", None)
    await tell_stages(told, TEXT, SPEAKER)
    assert unquote(told.header(b"x-spoken-text").decode("ascii")) == TEXT.text
    assert told.header(b"server-timing") == b'text;dur=500.000;desc="bart", compute;dur=1.000'
    assert [name for name, _ in told.headers].count(b"server-timing") == 1


async def test_long_text_is_cut_in_a_header_between_two_characters() -> None:
    told = reply(b"audio/wav", None)
    await tell_stages(told, TextStage(WRITER, "a" + "ü" * MAX_HEADER_BYTES, 0.5), SPEAKER)
    header = told.header(b"x-spoken-text")
    assert len(header) < 8000
    assert unquote(header.decode()) == "a" + "ü" * (MAX_HEADER_BYTES // 2 - 1) + "…"

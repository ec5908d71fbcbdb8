import base64
import io
from typing import Any

import orjson
import pytest
import soundfile

from audio_svc.api.speech_stream import DELTA, DONE, stream_audio, stream_events
from audio_svc.audio.encoding import FORMATS
from audio_svc.open_speech import OpenSpeech, SpeechStreamer
from audio_svc.speaker import SpeechAsk
from audio_svc.speaking import SpeechOrder
from fleetserve.clock import SystemClock
from fleetserve.replica.exchange import Answer, ReplicaRequest

TEXT = "One sentence. And another one."


async def open_speech(streamer: SpeechStreamer, *, late: bool = False) -> OpenSpeech:
    now_s = SystemClock().monotonic_s()
    order = SpeechOrder(TEXT, FORMATS["wav"], seed=1, by_sentence=True)
    return await streamer.open(SpeechAsk("tone", order, 0, now_s, deadline_s=now_s + 30))


async def chunks_of(answer: Answer) -> list[bytes]:
    assert not isinstance(answer.body, bytes)
    return [chunk async for chunk in answer.body]


def read_event(event: bytes) -> tuple[str, dict[str, Any]]:
    name, data, *rest = event.decode().split("\n")
    assert rest == ["", ""]
    return name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))


async def test_file_comes_in_chunks_with_its_media_type(streamer: SpeechStreamer) -> None:
    answer = stream_audio(await open_speech(streamer))
    chunks = await chunks_of(answer)
    assert answer.content_type == "audio/wav"
    assert dict(answer.headers)[b"x-audio-sample-rate"] == b"16000"
    assert len(chunks) == 2
    assert soundfile.info(io.BytesIO(b"".join(chunks))).samplerate == 16000


async def test_events_are_the_sound_in_base64_and_then_what_there_is_to_tell(
    streamer: SpeechStreamer, request_of_json: ReplicaRequest
) -> None:
    answer = stream_events(request_of_json, await open_speech(streamer), with_times=True)
    events = [read_event(event) for event in await chunks_of(answer)]
    assert [name for name, _ in events] == [DELTA, DELTA, DONE]
    assert [told["type"] for _, told in events] == [DELTA, DELTA, DONE]
    sound = b"".join(base64.b64decode(told["audio"]) for _, told in events[:-1])
    samples, rate_hz = soundfile.read(io.BytesIO(sound))
    last = events[-1][1]
    assert last["duration"] == pytest.approx(len(samples) / rate_hz, abs=1e-5)
    assert last["usage"] == {
        "input_characters": len(TEXT),
        "audio_seconds": last["duration"],
    }
    assert 0 < last["timings"]["first_audio_ms"] <= last["processing_time"] * 1000
    assert last["timings"]["compute_ms"] > 0
    assert [one["text"] for one in last["timestamps"]] == ["One sentence.", "And another one."]
    words = [[word["word"] for word in one["words"]] for one in last["timestamps"]]
    assert words == [["One", "sentence"], ["And", "another", "one"]]
    assert last["model_info"]["voice"] == "default"
    assert "audio_data" not in last


async def test_events_let_the_model_go(
    streamer: SpeechStreamer, request_of_json: ReplicaRequest
) -> None:
    opened = await open_speech(streamer)
    answer = stream_events(request_of_json, opened, with_times=False)
    assert not isinstance(answer.body, bytes)
    await anext(answer.body)
    await answer.body.aclose()  # type: ignore[attr-defined]
    assert opened.told().spec.name == "tone"
    with pytest.raises(StopAsyncIteration):
        await anext(answer.body)

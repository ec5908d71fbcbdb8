import base64
import io
from typing import Any

import numpy as np
import orjson
import pytest
import soundfile

from audio_svc.api.openai_speech import OpenaiSpeechRoute
from audio_svc.api.synthesize import SynthesizeRoute
from audio_svc.open_speech import SpeechStreamer
from audio_svc.served import AudioModel
from audio_svc.speaker import Speaker
from audio_svc.voice_aliases import VoiceAliases
from fleetserve.errors import InvalidFieldError, PayloadTooLargeError, UnsupportedMediaError
from fleetserve.replica.exchange import Answer
from fleetserve.replica.pool import ModelPool
from tests.unit.audio_svc.requests import RequestMaker

MAX_CHARS = 5000
HELLO = {"model": "tone", "input": "Hello.", "seed": 1}


@pytest.fixture
def route(
    pool: ModelPool[AudioModel], speaker: Speaker, streamer: SpeechStreamer
) -> OpenaiSpeechRoute:
    aliases = VoiceAliases({"alloy": ["default"], "onyx": ["deep", "low"], "echo": ["nowhere"]})
    return OpenaiSpeechRoute(pool, speaker, streamer, aliases, MAX_CHARS)


async def bytes_of(answer: Answer) -> bytes:
    """The file, whole or in the chunks it is sent in."""
    if isinstance(answer.body, bytes):
        return answer.body
    return b"".join([chunk async for chunk in answer.body])


async def sound(answer: Answer) -> tuple[Any, int]:
    samples, rate_hz = soundfile.read(io.BytesIO(await bytes_of(answer)), dtype="float32")
    return samples, rate_hz


def loudest_hz(samples: Any) -> float:
    """The tone's frequency at 24 kHz, to 0.1 Hz by padding."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 240_000))
    return float(spectrum.argmax()) / 10


def warnings(answer: Answer) -> list[str]:
    return [value.decode() for name, value in answer.headers if name == b"x-audio-warning"]


async def events(answer: Answer) -> list[dict[str, Any]]:
    raw = await bytes_of(answer)
    return [orjson.loads(part.partition(b"data: ")[2]) for part in raw.split(b"\n\n") if part]


async def test_unasked_it_is_an_mp3_at_24_khz(
    route: OpenaiSpeechRoute, make_request: RequestMaker
) -> None:
    answer = await route(make_request.json(HELLO))
    samples, rate_hz = await sound(answer)
    assert (answer.content_type, rate_hz, answer.model) == ("audio/mpeg", 24000, "tone")
    assert len(samples) > 1000


async def test_it_is_what_synthesize_makes(
    route: OpenaiSpeechRoute,
    speaker: Speaker,
    streamer: SpeechStreamer,
    make_request: RequestMaker,
) -> None:
    own = {"model": "tone", "text": "Hello.", "seed": 1, "voice": "low", "sample_rate": 24000}
    wanted = await SynthesizeRoute(speaker, streamer, MAX_CHARS)(
        make_request.json(own, {"accept": "audio/wav"})
    )
    answer = await route(make_request.json({**HELLO, "voice": "low", "response_format": "wav"}))
    assert await bytes_of(answer) == await bytes_of(wanted)


async def test_pcm_is_24_khz_of_16_bits(
    route: OpenaiSpeechRoute, make_request: RequestMaker
) -> None:
    wav = await route(make_request.json({**HELLO, "response_format": "wav"}))
    raw = await route(make_request.json({**HELLO, "response_format": "pcm"}))
    samples, _rate_hz = await sound(wav)
    assert np.array_equal(np.frombuffer(await bytes_of(raw), "<i2"), np.round(samples * 32768))


@pytest.mark.parametrize("speed", [0.25, 4.0])
async def test_speed_beyond_our_own_range_is_kept(
    route: OpenaiSpeechRoute, make_request: RequestMaker, speed: float
) -> None:
    long = {**HELLO, "input": "Hello " * 8, "response_format": "wav"}
    plain, _ = await sound(await route(make_request.json(long)))
    fields = {**long, "speed": speed}
    changed, _ = await sound(await route(make_request.json(fields)))
    assert len(changed) * speed == pytest.approx(len(plain), rel=0.01)
    assert loudest_hz(changed) == pytest.approx(loudest_hz(plain), rel=2 ** (0.2 / 12) - 1)


@pytest.mark.parametrize(
    ("voice", "same_as"), [("alloy", "default"), ("onyx", "low"), ({"id": "low"}, "low")]
)
async def test_voice_of_another_name_is_spoken_by_ours(
    route: OpenaiSpeechRoute, make_request: RequestMaker, voice: Any, same_as: str
) -> None:
    answer = await route(make_request.json({**HELLO, "voice": voice}))
    wanted = await route(make_request.json({**HELLO, "voice": same_as}))
    assert await bytes_of(answer) == await bytes_of(wanted)
    told = [f"voice: {voice!r} is another name of {same_as!r} here."]
    assert warnings(answer) == (told if isinstance(voice, str) else [])


@pytest.mark.parametrize("voice", ["nobody", "echo"])
async def test_voice_with_nothing_behind_it_lists_what_there_is(
    route: OpenaiSpeechRoute, make_request: RequestMaker, voice: str
) -> None:
    with pytest.raises(InvalidFieldError, match="default, low"):
        await route(make_request.json({**HELLO, "voice": voice}))


async def test_instructions_change_nothing_and_that_is_said(
    route: OpenaiSpeechRoute, make_request: RequestMaker
) -> None:
    answer = await route(make_request.json({**HELLO, "instructions": "Whisper."}))
    assert await bytes_of(answer) == await bytes_of(await route(make_request.json(HELLO)))
    assert "instructions" in warnings(answer)[0]


async def test_events_carry_the_same_sound(
    route: OpenaiSpeechRoute, make_request: RequestMaker
) -> None:
    whole = await route(make_request.json(HELLO))
    fields = {**HELLO, "stream_format": "sse", "instructions": "Whisper."}
    streamed = await route(make_request.json(fields))
    assert len(warnings(streamed)) == 1
    told = await events(streamed)
    assert streamed.content_type.startswith("text/event-stream")
    assert {one["type"] for one in told[:-1]} == {"speech.audio.delta"}
    sent = b"".join(base64.b64decode(one["audio"]) for one in told[:-1])
    assert sent == await bytes_of(whole)
    assert told[-1]["type"] == "speech.audio.done"
    assert told[-1]["usage"]["audio_seconds"] == pytest.approx(len("Hello.") * 0.06, abs=0.01)


async def test_model_that_listens_is_refused(
    route: OpenaiSpeechRoute, make_request: RequestMaker
) -> None:
    with pytest.raises(InvalidFieldError, match="fixed is a model for"):
        await route(make_request.json({**HELLO, "model": "fixed", "voice": "alloy"}))


async def test_body_of_another_kind_or_too_large_is_refused(
    route: OpenaiSpeechRoute, make_request: RequestMaker
) -> None:
    with pytest.raises(UnsupportedMediaError):
        await route(make_request.raw(b"model=tone", "application/x-www-form-urlencoded"))
    with pytest.raises(PayloadTooLargeError):
        await route(make_request.raw(b" " * (1 << 21), "application/json"))

"""OpenAI's own client speaks and listens through a real gateway, unchanged."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import soundfile

from tests.integration.fleet import REQUEST_S, Fleet

SAY: dict[str, Any] = {"model": "tts-1", "voice": "alloy", "input": "Good morning."}
SEED = {"seed": 1}

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture
def v1(fleet: Fleet) -> Iterator[openai.OpenAI]:
    url = f"{fleet.url}/v1"
    with openai.OpenAI(base_url=url, api_key="unused", max_retries=0, timeout=REQUEST_S) as client:
        yield client


@pytest.fixture
def recording(v1: openai.OpenAI, tmp_path: Path) -> Path:
    """What the small SpeechT5 says."""
    path = tmp_path / "said.wav"
    said = v1.audio.speech.create(**SAY, response_format="wav", extra_body=SEED)
    said.write_to_file(path)
    return path


def say(v1: openai.OpenAI, **fields: Any) -> bytes:
    return v1.audio.speech.create(**{**SAY, **fields}, extra_body=SEED).content


@pytest.mark.parametrize(
    ("wanted", "container"),
    [("mp3", "MP3"), ("flac", "FLAC"), ("wav", "WAV"), ("opus", "OGG")],
)
def test_every_format_is_a_file_at_24_khz(v1: openai.OpenAI, wanted: str, container: str) -> None:
    file = soundfile.SoundFile(io.BytesIO(say(v1, response_format=wanted)))
    assert (file.format, file.samplerate, file.channels) == (container, 24000, 1)
    assert file.frames > 0.5 * file.samplerate


def test_pcm_is_what_the_wav_has(v1: openai.OpenAI) -> None:
    wav, _rate_hz = soundfile.read(io.BytesIO(say(v1, response_format="wav")), dtype="int16")
    assert np.array_equal(np.frombuffer(say(v1, response_format="pcm"), "<i2"), wav)


async def test_it_is_what_synthesize_says(v1: openai.OpenAI, client: httpx.AsyncClient) -> None:
    body = {"model_name": "speecht5_tts", "inputs": SAY["input"], "seed": 1, "sample_rate": 24000}
    answer = await client.post("/synthesize", json=body, headers={"accept": "audio/flac"})
    assert say(v1, response_format="flac") == answer.content


def test_streamed_answer_is_the_same(v1: openai.OpenAI, tmp_path: Path) -> None:
    path = tmp_path / "streamed.mp3"
    with v1.audio.speech.with_streaming_response.create(**SAY, extra_body=SEED) as answer:
        answer.stream_to_file(path)
    assert path.read_bytes() == say(v1)


def test_events_carry_the_same(v1: openai.OpenAI) -> None:
    with v1.audio.speech.with_streaming_response.create(
        **SAY, stream_format="sse", extra_body=SEED
    ) as answer:
        lines = [line for line in answer.iter_lines() if line]
    told = [json.loads(line.removeprefix("data: ")) for line in lines if line[:5] == "data:"]
    sound = b"".join(base64.b64decode(one["audio"]) for one in told[:-1])
    assert sound == say(v1)
    assert told[-1]["type"] == "speech.audio.done"


@pytest.mark.parametrize("speed", [0.25, 4.0])
def test_speed_reaches_as_far_as_openais(v1: openai.OpenAI, speed: float) -> None:
    plain = len(say(v1, response_format="pcm"))
    changed = len(say(v1, response_format="pcm", speed=speed))
    assert changed * speed == pytest.approx(plain, rel=0.01)


@pytest.mark.parametrize("model", ["whisper-1", "whisper-base", "gpt-4o-transcribe"])
async def test_transcript_is_what_transcribe_says(
    v1: openai.OpenAI, client: httpx.AsyncClient, recording: Path, model: str
) -> None:
    own = await client.post(
        "/transcribe",
        files={"file": say(v1, response_format="wav")},
        data={"model_name": "whisper-base", "language": "en"},
    )
    found = v1.audio.transcriptions.create(model=model, file=recording, language="en")
    assert found.text == own.json()["text"]
    assert found.usage is not None
    assert found.usage.type == "duration"
    with soundfile.SoundFile(recording) as file:
        assert found.usage.seconds == pytest.approx(file.frames / file.samplerate, abs=1e-3)


def test_verbose_transcript_has_segments_and_words(v1: openai.OpenAI, recording: Path) -> None:
    found = v1.audio.transcriptions.create(
        model="whisper-1",
        file=recording,
        language="en",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert (found.language, found.segments is None, found.words is None) == (
        "english",
        False,
        False,
    )
    assert found.segments is not None
    assert "".join(one.text for one in found.segments).strip() == found.text
    assert found.duration == pytest.approx(soundfile.info(recording).duration, abs=1e-3)


def test_texts_are_texts(v1: openai.OpenAI, recording: Path) -> None:
    ask: dict[str, Any] = {"model": "whisper-1", "file": recording, "language": "en"}
    plain = v1.audio.transcriptions.create(**ask).text
    assert v1.audio.transcriptions.create(**ask, response_format="text") == f"{plain}\n"
    assert v1.audio.transcriptions.create(**ask, response_format="vtt").startswith("WEBVTT")
    srt = v1.audio.transcriptions.create(**ask, response_format="srt")
    assert plain == "" or srt.startswith("1\n00:00:0")


async def test_stream_ends_with_the_whole_text(v1: openai.OpenAI, recording: Path) -> None:
    ask: dict[str, Any] = {"model": "whisper-1", "file": recording, "language": "en"}
    events = list(v1.audio.transcriptions.create(**ask, stream=True))
    deltas = "".join(one.delta for one in events if one.type == "transcript.text.delta")
    last = events[-1]
    assert last.type == "transcript.text.done"
    assert deltas.rstrip() == last.text == v1.audio.transcriptions.create(**ask).text


def test_what_was_not_done_as_asked_is_told(v1: openai.OpenAI) -> None:
    answer = v1.audio.speech.with_raw_response.create(**SAY, instructions="Sing.")
    told = " ".join(answer.headers.get_list("x-audio-warning"))
    assert "instructions" in told
    assert "'alloy' is another name of 'default'" in told


# OpenAI is going to end the route, and its client says so; ours stays.
@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_translation_is_english(v1: openai.OpenAI, recording: Path) -> None:
    found = v1.audio.translations.create(
        model="whisper-1", file=recording, response_format="verbose_json"
    )
    assert found.language == "english"
    whole = v1.audio.translations.create(model="whisper-1", file=recording)
    assert whole.text == found.text


@pytest.mark.parametrize(
    ("call", "kind", "param", "says"),
    [
        (lambda v1, _: say(v1, speed=5), openai.BadRequestError, "speed", "4"),
        (lambda v1, _: say(v1, voice="nobody"), openai.BadRequestError, "voice", "neutral"),
        (
            lambda v1, _: say(v1, response_format="midi"),
            openai.BadRequestError,
            "response_format",
            "mp3",
        ),
        (
            lambda v1, _: say(v1, model="nobodys-voice"),
            openai.NotFoundError,
            "model",
            "POST /models/download",
        ),
        (lambda v1, _: say(v1, model="gpt2"), openai.BadRequestError, "model", "text-generation"),
        (
            lambda v1, file: v1.audio.transcriptions.create(
                model="whisper-1", file=file, response_format="diarized_json"
            ),
            openai.BadRequestError,
            "response_format",
            "verbose_json",
        ),
        (
            lambda v1, file: list(
                v1.audio.transcriptions.create(
                    model="whisper-1", file=file, stream=True, prompt="word " * 400
                )
            ),
            openai.BadRequestError,
            "prompt",
            "tokens",
        ),
        (
            lambda v1, _: v1.audio.transcriptions.create(
                model="whisper-1", file=("a.wav", b"no sound")
            ),
            openai.APIStatusError,
            None,
            "audio file",
        ),
    ],
)
def test_errors_are_in_openais_shape(
    v1: openai.OpenAI,
    recording: Path,
    call: Callable[[openai.OpenAI, Path], object],
    kind: Any,
    param: str | None,
    says: str,
) -> None:
    with pytest.raises(openai.APIStatusError, match=says) as raised:
        call(v1, recording)
    assert isinstance(raised.value, kind)
    assert raised.value.param == param

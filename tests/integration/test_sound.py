"""What callers hear and send, through the whole fleet: formats, markup, voices of their own."""

import io
from typing import Any

import av
import httpx
import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

from tests.checkpoints.recordings import record
from tests.unit.audio_svc.media_files import KINDS, write_media
from tests.unit.audio_svc.requests import tone

MODEL = "speecht5_tts"


async def hear(client: httpx.AsyncClient, **fields: Any) -> tuple[NDArray[np.float32], int]:
    """The file's samples, by FFmpeg, and their rate."""
    body = {"model_name": MODEL, "seed": 1, **fields}
    answer = await client.post("/synthesize", json=body, headers={"Accept": "audio/*"})
    assert answer.status_code == 200, answer.text
    with av.open(io.BytesIO(answer.content), "r") as container:
        resampler = av.AudioResampler(format="fltp")
        frames = [made for frame in container.decode(audio=0) for made in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]), frames[0].sample_rate


@pytest.mark.parametrize("name", ["wav", "mp3", "flac", "ogg", "opus", "aac"])
async def test_every_format_is_heard_at_its_rate(
    client: httpx.AsyncClient, models: tuple[str, ...], name: str
) -> None:
    samples, rate_hz = await hear(client, inputs="Hello there.", output_format=name, volume=2.0)
    assert rate_hz == (48000 if name == "opus" else 16000)
    assert np.abs(samples).max() <= 1.0
    assert samples.any()


async def test_speed_rate_and_loudness_are_what_was_asked_for(
    client: httpx.AsyncClient, models: tuple[str, ...]
) -> None:
    plain, rate_hz = await hear(client, inputs="Hello there.")
    fast, _ = await hear(client, inputs="Hello there.", speed=2.0)
    assert abs(2 * len(fast) / len(plain) - 1) < 0.01
    loud, high_hz = await hear(
        client, inputs="Hello there.", sample_rate=48000, normalize_lufs=-23.0
    )
    assert high_hz == 48000
    assert abs(len(loud) / 48000 - len(plain) / rate_hz) < 0.01
    measured = pyloudnorm.Meter(48000).integrated_loudness(loud.astype(np.float64))
    assert abs(measured + 23.0) < 0.5


async def test_markup_is_spoken_and_wrong_markup_names_its_place(
    client: httpx.AsyncClient, models: tuple[str, ...]
) -> None:
    ssml = '<speak>One.<break time="2s"/><prosody rate="50%">Two.</prosody></speak>'
    samples, rate_hz = await hear(client, inputs=ssml)
    loud = np.flatnonzero(np.abs(samples) > 1e-4)
    assert np.diff(loud).max() > 1.9 * rate_hz
    wrong = {"model_name": MODEL, "inputs": "<speak>One.\n<brake/></speak>"}
    answer = await client.post("/synthesize", json=wrong)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_ssml"
    assert "line 2, column 1" in answer.json()["detail"]


async def test_voice_that_is_given_is_spoken_listed_and_deleted(
    client: httpx.AsyncClient, models: tuple[str, ...]
) -> None:
    vector = np.random.default_rng(3).standard_normal(512).astype(np.float32)
    file = io.BytesIO()
    np.save(file, vector)
    form = {"model_name": MODEL, "name": "anna"}
    given = await client.post(
        "/audio/voices", data=form, files={"file": ("anna.npy", file.getvalue())}
    )
    assert given.status_code == 201, given.text
    listed = (await client.get("/audio/voices", params={"model_name": MODEL})).json()
    assert {"name": "anna", "default": False, "kind": "own"} in listed["voices"][MODEL]
    body = {"model_name": MODEL, "inputs": "Hello there.", "seed": 1}
    named = (await client.post("/synthesize", json=body | {"voice": "anna"})).json()
    sent = (
        await client.post("/synthesize", json=body | {"speaker_embedding": vector.tolist()})
    ).json()
    plain = (await client.post("/synthesize", json=body)).json()
    assert named["audio_data"] == sent["audio_data"] != plain["audio_data"]
    assert named["model_info"]["voice"] == "anna"
    deleted = await client.delete("/audio/voices/anna", params={"model_name": MODEL})
    assert deleted.status_code == 200, deleted.text
    gone = await client.post("/synthesize", json=body | {"voice": "anna"})
    assert gone.status_code == 422
    assert "there is no 'anna'; this model has neutral" in gone.json()["detail"]


@pytest.mark.parametrize("kind", ["m4a", "webm", "aac", "wma"])
async def test_recordings_of_phones_and_browsers_are_taken(
    client: httpx.AsyncClient, models: tuple[str, ...], kind: str
) -> None:
    data = write_media(tone(2.0, KINDS[kind][2]), kind)
    form = {"model_name": "whisper-base"}
    answer = await client.post("/transcribe", data=form, files={"file": (f"a.{kind}", data)})
    assert answer.status_code == 200, answer.text
    assert abs(answer.json()["duration"] - 2.0) < 0.15
    cut = await client.post(
        "/transcribe", data=form, files={"file": (f"a.{kind}", data[: len(data) // 2])}
    )
    assert cut.status_code == 422
    assert cut.json()["code"] == "audio_truncated"


async def test_ctranslate2_hears_what_whisper_hears(
    client: httpx.AsyncClient, models: tuple[str, ...]
) -> None:
    """From the same weights; the first request fetches them."""
    heard = []
    for name in ("whisper-base", "faster-whisper-tiny"):
        answer = await client.post(
            "/transcribe",
            data={"model_name": name, "language": "en", "response_format": "verbose_json"},
            files={"file": ("a.wav", record("The ship sails on Monday."))},
        )
        assert answer.status_code == 200, answer.text
        heard.append([(one["start"], one["end"], one["text"]) for one in answer.json()["segments"]])
    assert heard[0] == heard[1] != []


async def test_openapi_has_reading_and_writing_of_voices(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert set(paths["/audio/voices"]) == {"get", "post", "delete"}
    assert set(paths["/audio/voices/{voice}"]) == {"delete"}

"""The four calls that a new user makes, word for word."""

import asyncio
import base64
import io
import wave
from array import array

import httpx

from tests.integration.fleet import Fleet

EXAMPLE = {"model_name": "example", "inputs": [1, 2, 3, 4, 5]}
DOWNLOAD = {
    "source": "huggingface",
    "model_id": "microsoft/speecht5_tts",
    "name": "speecht5_tts",
    "task": "text-to-speech",
    "include_vocoder": True,
}
SPEECH = {
    "model_name": "speecht5_tts",
    "inputs": "Hello, this is a test of the text-to-speech system.",
}


async def predict(client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict", json=EXAMPLE)
    told = answer.json()
    assert answer.status_code == 200, told
    assert told["success"] is True
    assert isinstance(told["result"], float)
    assert told["model_info"]["model"] == "example"
    assert told["model_info"]["input_type"] == "single"
    assert told["batch_info"]["batch_size"] >= 1
    assert told["batch_info"]["replica"].startswith("inference-svc")


async def download(client: httpx.AsyncClient) -> None:
    answer = await client.post("/models/download", json=DOWNLOAD)
    told = answer.json()
    assert answer.status_code in (200, 202), told
    assert told["success"] is True
    assert told["model_name"] == "speecht5_tts"
    assert told["status"] in ("downloading", "already_exists", "completed")


async def speak(client: httpx.AsyncClient) -> None:
    answer = await client.post("/synthesize", json=SPEECH)
    told = answer.json()
    assert answer.status_code == 200, told
    assert told["success"] is True
    assert told["audio_format"] == "wav"
    assert told["model_info"]["model"] == "speecht5_tts"
    with wave.open(io.BytesIO(base64.b64decode(told["audio_data"]))) as audio:
        assert audio.getframerate() == told["sample_rate"]
        seconds = audio.getnframes() / audio.getframerate()
        samples = array("h", audio.readframes(audio.getnframes()))
    assert abs(seconds - told["duration"]) < 0.01
    assert seconds > 0.5
    assert (sum(s * s for s in samples) / len(samples)) ** 0.5 / 32768 > 0.001


async def check_health(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    told = answer.json()
    assert answer.status_code == 200, told
    assert told["healthy"] is True
    assert told["checks"]["redis"]["healthy"] is True


async def test_the_four_calls_one_after_the_other(own_fleet: Fleet) -> None:
    own_fleet.start()
    async with own_fleet.client() as client:
        await predict(client)
        await download(client)
        await speak(client)
        await check_health(client)
    own_fleet.stop()


async def test_the_four_calls_at_once(own_fleet: Fleet) -> None:
    own_fleet.start()
    async with own_fleet.client() as client:
        await asyncio.gather(predict(client), download(client), speak(client), check_health(client))
    own_fleet.stop()

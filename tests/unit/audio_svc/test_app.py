"""The service put together, from a request's bytes to the answer's, with the real engines."""

import asyncio
import base64
import io
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
import torch
from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Tokenizer

from audio_svc.app import FAMILIES, build_app
from audio_svc.settings import AudioSettings
from fleetserve.clock import SystemClock
from fleetserve.manifest import DEFAULT_VOICE_FILE, VOCODER_FOLDER
from fleetserve.runtime import make_runtime
from fleetserve.tokens import TOKEN_HEADER, TokenSigner, make_secrets
from tests.checkpoints.published import publish_speecht5, publish_whisper
from tests.checkpoints.recordings import SENTENCES, record

SERVICES = ("gateway", "audio-svc")
READY_S = 60.0
NOWHERE = "redis://127.0.0.1:1/0"  # Speech must not depend on Redis.


@pytest.fixture
async def client(
    settings: AudioSettings, own_logging: None, anyio_backend: str
) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway's connection to the service, without Redis."""
    service = replace(settings.service, redis_url=NOWHERE)
    make_secrets(service.secrets_dir, SERVICES)
    runtime = make_runtime(service)
    runtime.address = "http://audio"
    app = build_app(replace(settings, service=service), runtime)
    signer = TokenSigner(service.secrets_dir, "gateway", SystemClock())
    headers = {TOKEN_HEADER: signer.token_for("audio-svc")}
    async with Lifespan(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://audio", headers=headers, timeout=60
        ) as client:
            async with asyncio.timeout(READY_S):
                # Becoming ready is seen from outside only, as the supervisor sees it.
                while (await client.get("/health/ready")).status_code != 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            yield client
    runtime.sink.close()


class Lifespan:
    """Starts and stops an ASGI app as a server does."""

    def __init__(self, app: object) -> None:
        self._app = app
        self._told: asyncio.Queue[str] = asyncio.Queue()
        self._asked: asyncio.Queue[str] = asyncio.Queue()

    async def _receive(self) -> dict[str, str]:
        return {"type": await self._asked.get()}

    async def _send(self, message: dict[str, str]) -> None:
        await self._told.put(message["type"])

    async def __aenter__(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        assert callable(self._app)
        self._task = asyncio.ensure_future(self._app(scope, self._receive, self._send))
        await self._asked.put("lifespan.startup")
        assert await self._told.get() == "lifespan.startup.complete"

    async def __aexit__(self, *_: object) -> None:
        await self._asked.put("lifespan.shutdown")
        assert await self._told.get() == "lifespan.shutdown.complete"
        await self._task


async def test_text_is_spoken_and_speech_is_heard_without_redis(
    client: httpx.AsyncClient, settings: AudioSettings
) -> None:
    publish_speecht5(settings.service.models_dir)
    publish_whisper(settings.service.models_dir)
    text = "Hello, this is a test of the text-to-speech system."
    spoken = await client.post(
        "/synthesize", json={"model_name": "speecht5_tts", "inputs": text, "seed": 3}
    )
    assert spoken.status_code == 200
    content = spoken.json()
    samples, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(content["audio_data"])))
    assert len(samples) / rate_hz > 0.5
    assert np.sqrt(np.mean(samples**2)) > 0.001
    assert content["warnings"] == []
    assert "compute;dur=" in spoken.headers["server-timing"]
    heard = await client.post(
        "/transcribe",
        data={"model_name": "whisper-base"},
        files={"file": ("a.wav", record(SENTENCES[0]))},
    )
    assert heard.status_code == 200
    assert heard.json()["text"]
    wrapped = await client.post("/predict", json={"model_name": "speecht5_tts", "inputs": "Hi."})
    assert wrapped.json()["result"]["audio_data"]


async def test_seeded_wav_of_the_service_equals_the_librarys_own_call(
    client: httpx.AsyncClient, settings: AudioSettings
) -> None:
    folder = publish_speecht5(settings.service.models_dir)
    text = "Hello, this is a test of the text-to-speech system."
    asked = {"model_name": "speecht5_tts", "inputs": text, "seed": 42}
    answer = await client.post("/synthesize", json=asked, headers={"accept": "audio/wav"})
    made, _rate_hz = soundfile.read(io.BytesIO(answer.content), dtype="int16")
    model: Any = SpeechT5ForTextToSpeech.from_pretrained(folder)
    vocoder: Any = SpeechT5HifiGan.from_pretrained(folder / VOCODER_FOLDER)
    tokenizer: Any = SpeechT5Tokenizer.from_pretrained(folder)
    voice = torch.from_numpy(np.load(folder / DEFAULT_VOICE_FILE))[None]
    ids = tokenizer(text, return_tensors="pt").input_ids
    torch.manual_seed(42)
    speech = model.generate_speech(ids, voice, vocoder=vocoder)
    file = io.BytesIO()
    soundfile.write(file, speech.detach().numpy(), 16000, format="WAV", subtype="PCM_16")
    expected, _rate_hz = soundfile.read(io.BytesIO(file.getvalue()), dtype="int16")
    # The vocoder adds its products in another order: a rounding to int16 may fall to either side.
    assert np.abs(made.astype(int) - expected).max() <= 1


async def test_errors_are_rendered_in_the_contracts_shape(
    client: httpx.AsyncClient, settings: AudioSettings
) -> None:
    publish_speecht5(settings.service.models_dir, vocoder=False)
    for fields, status, code in (
        ({"model_name": "nobody", "inputs": "x"}, 404, "model_not_found"),
        ({"model_name": "speecht5_tts", "inputs": "x"}, 409, "model_incomplete"),
        ({"inputs": "x"}, 422, "invalid_field"),
    ):
        answer = await client.post("/synthesize", json=fields)
        assert answer.status_code == status
        content = answer.json()
        assert content["success"] is False
        assert content["code"] == code
        assert {"error", "detail", "request_id"} <= set(content)


async def test_control_routes_are_served(client: httpx.AsyncClient) -> None:
    for path in ("/audio/health", "/tts/health", "/audio/voices", "/internal/status"):
        answer = await client.get(path)
        assert answer.status_code == 200, path


async def test_callers_without_a_token_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/synthesize", json={}, headers={TOKEN_HEADER: ""})
    assert answer.status_code == 401


def test_families_are_keyed_by_their_model_type() -> None:
    assert all(family.model_type == key for key, family in FAMILIES.items())
    assert {"speecht5", "whisper"} <= set(FAMILIES)


def test_composing_imports_no_model_library() -> None:
    code = "import sys, audio_svc.app;print({'torch', 'transformers', 'scipy'} & set(sys.modules))"
    made = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert made.stdout == "set()\n"

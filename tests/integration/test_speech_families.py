"""Each family that speaks: fetched from the hub by its public name, then spoken with."""

import base64
import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
import torch
from transformers import VitsModel, VitsTokenizer

from tests.checkpoints.hub_root import (
    BARK,
    MMS_ENGLISH,
    MMS_KOREAN,
    SPEECHT5,
    TACOTRON2,
    VALLEX,
    VCTK,
)
from tests.integration.fleet import Fleet

TEXT = "Hello, this is a test."
KOREAN_TEXT = "안녕하세요 세계, 반갑습니다."


async def fetch(client: httpx.AsyncClient, model_id: str) -> str:
    name = model_id.partition("/")[2]
    body = {"source": "tts_auto", "model_id": model_id, "name": name, "wait": True}
    answer = await client.post("/models/download", json=body)
    assert answer.is_success, answer.text
    return name


async def speak(client: httpx.AsyncClient, name: str, text: str, seed: int) -> np.ndarray:
    body = {"model_name": name, "inputs": text, "seed": seed}
    answer = await client.post("/synthesize", json=body)
    told = answer.json()
    assert answer.status_code == 200, told
    sound = io.BytesIO(base64.b64decode(told["audio_data"]))
    samples, rate_hz = soundfile.read(sound, dtype="float32")
    assert rate_hz == told["sample_rate"]
    return np.asarray(samples)


@pytest.mark.parametrize(
    ("model_id", "text", "rate_hz"),
    [
        (MMS_ENGLISH, TEXT, 16000),
        (MMS_KOREAN, KOREAN_TEXT, 16000),
        (BARK, TEXT, 24000),
        (TACOTRON2, TEXT, 22050),
        (VALLEX, TEXT, 24000),
    ],
)
async def test_model_speaks_as_its_seed_says(
    client: httpx.AsyncClient, model_id: str, text: str, rate_hz: int
) -> None:
    name = await fetch(client, model_id)
    first, again, other = [await speak(client, name, text, seed) for seed in (1, 1, 2)]
    assert len(first) > 0.5 * rate_hz
    assert np.sqrt(np.mean(first**2)) > 0.001
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


async def test_what_is_spoken_is_what_the_library_computes_from_the_same_files(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    name = await fetch(client, MMS_ENGLISH)
    (folder,) = [path for path in (fleet.home / "models" / name).iterdir() if path.is_dir()]
    made = await speak(client, name, TEXT, 5)
    assert np.abs(made - library(folder, 5)).max() < 3e-4  # The file has 16 bits.


def library(folder: Path, seed: int) -> np.ndarray:
    model: Any = VitsModel.from_pretrained(folder)
    inputs: Any = VitsTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt")
    torch.manual_seed(seed)
    samples: np.ndarray = model(**inputs).waveform[0].detach().numpy()
    return samples


async def test_model_that_needs_phonemes_says_so(client: httpx.AsyncClient) -> None:
    name = await fetch(client, VCTK)
    answer = await client.post("/synthesize", json={"model_name": name, "inputs": TEXT})
    assert answer.status_code == 409, answer.text
    assert "phonemizer" in answer.json()["detail"]


async def test_recording_becomes_a_voice_and_others_say_that_they_take_none(
    client: httpx.AsyncClient,
) -> None:
    name = await fetch(client, VALLEX)
    speech5 = await fetch(client, SPEECHT5)
    words = "Seven small birds."
    body = {"model_name": "tiny_tts", "inputs": words, "voice": "basalt"}
    recording = (
        await client.post("/synthesize", json=body, headers={"Accept": "audio/wav"})
    ).content
    file = {"file": ("carl.wav", recording)}
    form = {"name": "carl", "transcript": words}
    given = await client.post("/audio/voices", data=form | {"model_name": name}, files=file)
    assert given.status_code == 201, given.text
    ask = {"model_name": name, "inputs": TEXT, "seed": 1}
    told = (await client.post("/synthesize", json=ask | {"voice": "carl"})).json()
    other = (await client.post("/synthesize", json=ask)).json()
    assert told["model_info"]["voice"] == "carl"
    assert told["audio_data"] != other["audio_data"]
    assert "experimental" in told["warnings"][0]
    assert "makes one up" in other["warnings"][1]
    refused = await client.post("/audio/voices", data=form | {"model_name": speech5}, files=file)
    assert refused.status_code == 422
    assert refused.json()["code"] == "takes_no_recordings"
    # Its own name: the documentation's examples may have fetched it before, in lower case.
    assert f"recording: {told['model_info']['model']}." in refused.json()["detail"]
    gone = await client.delete("/audio/voices/carl", params={"model_name": name})
    assert gone.status_code == 200, gone.text

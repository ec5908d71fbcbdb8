"""Models of the catalogue that nobody has downloaded: the first request has them fetched."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from tests.checkpoints.hub_root import MMS_ENGLISH, WAV2VEC2, WHISPER
from tests.hub.faults import Fault, FaultKind
from tests.hub.server import HubServer
from tests.integration.fleet import REQUEST_S, Fleet

BART = "facebook/bart-large-cnn"
NER = "dslim/bert-base-NER"
FLAN = "google/flan-t5-small"
BYTES_PER_S = 400_000
MODELS = {
    "slow-ear": (WHISPER, "automatic-speech-recognition"),
    "slower-ear": (WAV2VEC2, "automatic-speech-recognition"),
    "voice": (MMS_ENGLISH, "text-to-speech"),
    "second-voice": (MMS_ENGLISH, "text-to-speech"),
    "ner": (NER, "token-classification"),
    "broken": (FLAN, "text2text-generation"),
    "gone": ("nobody/nothing", "fill-mask"),
}


def entry(model_id: str, task: str) -> dict[str, object]:
    about = {"description": "Of the tests.", "size_mb": 1, "license": "MIT"}
    return {"source": "huggingface", "model_id": model_id, "task": task, **about}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, hub: HubServer) -> Iterator[Fleet]:
    """A fleet with a catalogue of its own and nothing on its disk."""
    folder = tmp_path_factory.mktemp("shop")
    catalogue = folder / "models.json"
    models = {name: entry(*what) for name, what in MODELS.items()}
    aliases = {"tts-1": "voice"}
    catalogue.write_text(json.dumps({"available_models": models, "aliases": aliases}))
    with Fleet(
        folder, {"HF_ENDPOINT": hub.url, "FLEETSERVE_CATALOGUE": str(catalogue)}
    ).running() as fleet:
        yield fleet


@pytest.fixture
async def client(shop: Fleet, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    async with shop.client() as client:
        yield client


@pytest.fixture(autouse=True)
def quiet(hub: HubServer) -> Iterator[None]:
    hub.log.clear()
    yield
    hub.faults.clear()


def tone() -> bytes:
    file = io.BytesIO()
    samples = 0.1 * np.sin(np.arange(8000) / 8).astype(np.float32)
    soundfile.write(file, samples, 16000, format="WAV")
    return file.getvalue()


async def hear(client: httpx.AsyncClient, name: str, timeout_s: float) -> httpx.Response:
    fields = {"model_name": name, "timeout": str(timeout_s)}
    return await client.post("/transcribe", data=fields, files={"file": tone()})


def weights_sent(hub: HubServer, model_id: str) -> list[str]:
    """Each time that the weights were sent."""
    return [
        one.file
        for one in hub.log.all()
        if one.repo == model_id and one.file.endswith(".safetensors") and one.bytes_sent
    ]


async def test_many_first_requests_are_one_download_and_all_are_answered(
    client: httpx.AsyncClient, hub: HubServer
) -> None:
    path = f"{WHISPER}/*"
    hub.fail(Fault(kind=FaultKind.SLOW, path=path, bytes_per_s=BYTES_PER_S, times=None))
    answers = await asyncio.gather(*(hear(client, "slow-ear", REQUEST_S) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len(weights_sent(hub, WHISPER)) == 1


async def test_who_waits_for_less_is_told_how_far_it_is_and_the_download_goes_on(
    client: httpx.AsyncClient, hub: HubServer, shop: Fleet
) -> None:
    hub.fail(Fault(kind=FaultKind.STALL, path=f"{WAV2VEC2}/*.safetensors", after_bytes=100_000))
    answer = await hear(client, "slower-ear", 2.0)
    told = answer.json()
    assert answer.status_code == 503, f"{told}\n{shop.account()}"
    assert told["phase"] == "downloading"
    assert 0 < told["progress"] < 1
    assert f"downloading {told['progress']:.0%}" in told["detail"]
    assert int(answer.headers["retry-after"]) > 0
    hub.faults.clear()
    assert (await hear(client, "slower-ear", REQUEST_S)).status_code == 200


async def test_failure_is_told_to_all_and_not_tried_again_at_once(
    client: httpx.AsyncClient, hub: HubServer
) -> None:
    path = f"{FLAN}/model.safetensors"
    hub.fail(Fault(kind=FaultKind.STATUS, path=path, where="resolve", status=404, times=None))
    body = {"model_name": "broken", "inputs": "a", "timeout": REQUEST_S}
    answers = await asyncio.gather(*(client.post("/predict", json=body) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [404] * 4
    reasons = {answer.json()["detail"] for answer in answers}
    assert len(reasons) == 1
    assert "Its download failed" in reasons.pop()
    asked = len(hub.log.all())
    again = await client.post("/predict", json=body)
    assert (again.status_code, len(hub.log.all())) == (404, asked)


async def test_source_that_has_no_such_model_is_named(
    client: httpx.AsyncClient, hub: HubServer
) -> None:
    body = {"model_name": "gone", "inputs": "a [MASK]"}
    first = await client.post("/predict", json=body)
    asked = len(hub.log.all())
    again = await client.post("/predict", json=body)
    assert (first.status_code, again.status_code, len(hub.log.all())) == (404, 404, asked)
    for answer in (first, again):
        assert "nobody/nothing" in answer.json()["detail"]


async def test_only_names_of_the_catalogue_are_fetched(
    client: httpx.AsyncClient, hub: HubServer
) -> None:
    for name in (MMS_ENGLISH, "nothing"):
        answer = await client.post("/synthesize", json={"model_name": name, "inputs": "One."})
        assert answer.status_code == 404
    wrong = await client.post("/synthesize", json={"model_name": "ner", "inputs": "One."})
    assert wrong.status_code == 422
    looked = await client.get("/v2/models/ner")
    assert looked.status_code == 404
    assert hub.log.all() == []


async def test_model_that_speaks_for_another_one_is_fetched_too(client: httpx.AsyncClient) -> None:
    body = {"source": "huggingface", "model_id": BART, "name": "newsreader", "wait": True}
    fetched = await client.post("/models/download", json={**body, "auto_convert_tts": True})
    assert fetched.is_success, fetched.text
    ask = {"model_name": "newsreader", "inputs": "One.", "speech_model": "second-voice"}
    answer = await client.post("/synthesize", json=ask)
    assert answer.status_code == 200, answer.text
    assert answer.json()["stages"][1]["model"] == "second-voice"
    assert answer.json()["stages"][1]["revision"]


async def test_openais_alias_and_a_job_are_first_requests_too(client: httpx.AsyncClient) -> None:
    speech: dict[str, Any] = {"model": "tts-1", "input": "One.", "response_format": "wav"}
    said = await client.post("/v1/audio/speech", json=speech)
    assert said.status_code == 200, said.text
    headers = {"prefer": "respond-async"}
    body = {"model_name": "ner", "inputs": "Ada lives in London."}
    accepted = await client.post("/predict", json=body, headers=headers)
    assert accepted.status_code == 202, accepted.text
    async with asyncio.timeout(REQUEST_S):
        while not (job := (await client.get(accepted.headers["location"])).json())["finished_at"]:
            pass
    assert job["status"] == "succeeded", job

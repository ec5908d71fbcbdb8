"""BART speaks by two stages: it rewrites the text, a speech model says what it wrote."""

import asyncio
import base64
import io
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import openai
import pytest
import soundfile
from transformers import BartForConditionalGeneration
from transformers.models.auto.tokenization_auto import AutoTokenizer

from tests.integration.fleet import REQUEST_S, Fleet

BART = "facebook/bart-large-cnn"
T5 = "google-t5/t5-small"
# Not that of the documentation, whose examples may have made it a voice already.
NAME = "plain-reader"
TEXT = "The service was terrible, the food was cold."
JOB_S = 60.0


@pytest.fixture(scope="module")
def newsreader(fleet: Fleet) -> str:
    """BART, fetched for its text alone, then as a voice."""
    with httpx.Client(base_url=fleet.url, timeout=REQUEST_S) as client:
        body = {"source": "huggingface", "model_id": BART, "name": NAME, "wait": True}
        client.post("/models/download", json=body).raise_for_status()
        silent = client.post("/synthesize", json={"model_name": NAME, "inputs": TEXT})
        assert silent.status_code == 422
        assert "auto_convert_tts" in silent.json()["detail"]
        answer = client.post("/models/download", json={**body, "auto_convert_tts": True})
        assert answer.is_success, f"{answer.text}\n{fleet.account()}"
        # The gateway is told by Redis; on a busy machine that may be a moment after the answer.
        end_s = time.monotonic() + REQUEST_S
        while client.post("/synthesize", json=ask(NAME)).status_code == 422:
            assert time.monotonic() < end_s, fleet.account()
    return NAME


def ask(model: str, **fields: object) -> dict[str, Any]:
    return {"model_name": model, "inputs": TEXT, "speech_model": "tiny_tts", "seed": 1, **fields}


async def speak(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post("/synthesize", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def generated(folder: Path) -> str:
    """What the library writes from the same files."""
    model: Any = BartForConditionalGeneration.from_pretrained(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer([TEXT], return_tensors="pt")
    ids = model.generate(inputs["input_ids"], attention_mask=inputs["attention_mask"])
    return str(tokenizer.batch_decode(ids, skip_special_tokens=True)[0])


async def test_what_the_library_writes_is_spoken(
    client: httpx.AsyncClient, fleet: Fleet, newsreader: str
) -> None:
    told = await speak(client, ask(newsreader))
    (folder,) = [path for path in (fleet.home / "models" / newsreader).iterdir() if path.is_dir()]
    text, speech = told["stages"]
    assert text["text"] == generated(folder)
    assert (text["model"], text["task"]) == (newsreader, "summarization")
    assert (speech["model"], speech["task"]) == ("tiny_tts", "text-to-speech")
    assert told["processing_time"] == pytest.approx(text["time"] + speech["time"], abs=1e-5)
    assert told["model_info"]["model"] == newsreader
    alone = {"model_name": "tiny_tts", "inputs": text["text"], "seed": 1}
    assert told["audio_data"] == (await speak(client, alone))["audio_data"]


async def test_parameters_are_the_text_stages_and_all_else_is_the_speech_stages(
    client: httpx.AsyncClient, newsreader: str
) -> None:
    parameters = {"max_length": 12, "min_length": 2, "num_beams": 1}
    told = await speak(client, ask(newsreader, parameters=parameters, voice="coral"))
    body = {"model_name": newsreader, "inputs": TEXT, "parameters": parameters}
    written = (await client.post("/predict", json=body)).json()["result"]["summary_text"]
    assert told["stages"][0]["text"] == written
    assert told["model_info"]["voice"] == "coral"


async def test_translation_is_spoken(client: httpx.AsyncClient) -> None:
    body = {"source": "huggingface", "model_id": T5, "name": "interpreter", "wait": True}
    answer = await client.post("/models/download", json={**body, "auto_convert_tts": True})
    assert answer.is_success, answer.text
    parameters = {"tgt_lang": "fr", "max_new_tokens": 8}
    told = await speak(client, ask("interpreter", parameters=parameters))
    assert told["stages"][0]["task"] == "translation"
    assert told["duration"] > 0.1


@pytest.mark.parametrize("stream", [False, True])
async def test_sound_itself_comes_with_both_stages_in_its_headers(
    client: httpx.AsyncClient, newsreader: str, stream: bool
) -> None:
    whole = await speak(client, ask(newsreader, output_format="pcm"))
    answer = await client.post(
        "/synthesize",
        json=ask(newsreader, output_format="pcm", stream=stream),
        headers={"accept": "audio/*"},
    )
    assert len(answer.content) == len(base64.b64decode(whole["audio_data"]))
    assert unquote(answer.headers["x-spoken-text"]) == whole["stages"][0]["text"]
    assert f'desc="{NAME}"' in answer.headers["server-timing"]


async def test_events_carry_the_sound(client: httpx.AsyncClient, newsreader: str) -> None:
    answer = await client.post("/synthesize", json=ask(newsreader, stream_format="sse"))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "event: speech.audio.done" in answer.text
    assert "x-spoken-text" in answer.headers


def test_openais_client_hears_it(fleet: Fleet, newsreader: str) -> None:
    url = f"{fleet.url}/v1"
    with openai.OpenAI(base_url=url, api_key="unused", max_retries=0, timeout=REQUEST_S) as v1:
        said = v1.audio.speech.with_raw_response.create(
            model=newsreader,
            voice="alloy",
            input=TEXT,
            response_format="wav",
            extra_body={"speech_model": "tiny_tts", "seed": 1},
        )
        assert soundfile.info(io.BytesIO(said.content)).samplerate == 24000
        assert "x-spoken-text" in said.headers
        with pytest.raises(openai.BadRequestError, match="speech stage") as caught:
            v1.audio.speech.create(
                model=newsreader,
                voice="nobody",
                input=TEXT,
                extra_body={"speech_model": "tiny_tts"},
            )
        assert caught.value.param == "voice"


async def test_job_speaks_too(client: httpx.AsyncClient, newsreader: str) -> None:
    headers = {"prefer": "respond-async"}
    accepted = await client.post("/synthesize", json=ask(newsreader), headers=headers)
    assert accepted.status_code == 202, accepted.text
    async with asyncio.timeout(JOB_S):
        while not (job := (await client.get(accepted.headers["location"])).json())["finished_at"]:
            pass
    assert job["status"] == "succeeded", job
    now = await speak(client, ask(newsreader))
    assert job["result"]["audio_data"] == now["audio_data"]
    assert [one["model"] for one in job["result"]["stages"]] == [newsreader, "tiny_tts"]


@pytest.mark.parametrize(
    ("fields", "status", "stage"),
    [
        ({"voice": "nobody"}, 422, "speech"),
        ({"language": "de"}, 422, "speech"),
        ({"parameters": {"num_beams": -1}}, 422, "text"),
        ({"timeout": 0.001}, 504, None),
        ({"speech_model": NAME}, 422, None),
        ({"inputs": "<speak>One.</speak>"}, 422, None),
        ({"inputs": "a" * 5001}, 413, None),
    ],
)
async def test_what_goes_wrong_says_in_which_stage(
    client: httpx.AsyncClient,
    newsreader: str,
    fields: dict[str, object],
    status: int,
    stage: str | None,
) -> None:
    answer = await client.post("/synthesize", json=ask(newsreader, **fields))
    assert answer.status_code == status, answer.text
    if stage is not None:
        assert answer.json()["stage"] == stage
        assert f"{stage} stage" in answer.json()["detail"]


async def test_voices_are_those_of_the_model_that_speaks(
    client: httpx.AsyncClient, newsreader: str
) -> None:
    answer = await client.get("/audio/voices", params={"model_name": newsreader})
    assert answer.status_code == 422
    assert "speech_model" in answer.json()["detail"]

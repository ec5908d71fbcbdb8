import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from audio_svc.api.predict import PredictRoute
from audio_svc.listener import Listener
from audio_svc.served import AudioModel
from audio_svc.speaker import Speaker
from fleetserve.clock import SystemClock
from fleetserve.errors import InvalidFieldError, UnsupportedMediaError
from fleetserve.replica.pool import ModelPool
from tests.unit.audio_svc.memory_models import REVISION
from tests.unit.audio_svc.requests import RequestMaker, content_of, speech, wav

SPEECH = wav(speech())


@pytest.fixture
def route(
    pool: ModelPool[AudioModel], speaker: Speaker, listener: Listener, heavy: ThreadPoolExecutor
) -> PredictRoute:
    return PredictRoute(
        pool, speaker, listener, SystemClock(), heavy, max_chars=5000, replica_id="a1"
    )


async def test_speech_is_wrapped_in_result(route: PredictRoute, make_request: RequestMaker) -> None:
    fields = {"model_name": "tone", "inputs": "Hello.", "parameters": {"speed": 2.0, "seed": 1}}
    content = content_of(await route(make_request.json(fields)))
    assert content["success"] is True
    assert content["result"]["audio_format"] == "wav"
    assert content["result"]["duration"] == pytest.approx(6 * 0.06 / 2, rel=0.01)
    info = content["model_info"]
    assert (info["model"], info["task"], info["revision"]) == ("tone", "text-to-speech", REVISION)
    assert (info["input_type"], info["input_count"], info["dtype"]) == ("single", 1, "float32")
    assert content["batch_info"]["replica"] == "a1"


async def test_only_the_first_request_is_a_cold_start(
    route: PredictRoute, make_request: RequestMaker
) -> None:
    fields = {"model_name": "tone", "inputs": "Hello."}
    colds = [
        content_of(await route(make_request.json(fields)))["batch_info"]["cold_start"]
        for _ in range(2)
    ]
    assert colds == [True, False]


@pytest.mark.parametrize("form", [True, False])
async def test_transcript_is_wrapped_in_result(
    route: PredictRoute, make_request: RequestMaker, form: bool
) -> None:
    if form:
        request = make_request.form({"model_name": "fixed", "language": "de"}, {"file": SPEECH})
    else:
        encoded = base64.b64encode(SPEECH).decode()
        parameters = {"language": "de"}
        request = make_request.json(
            {"model_name": "fixed", "inputs": encoded, "parameters": parameters}
        )
    content = content_of(await route(request))
    assert content["result"]["text"] == "the quick brown fox"
    assert content["result"]["language"] == "de"
    assert content["model_info"]["task"] == "automatic-speech-recognition"


async def test_list_gives_results_in_order_and_a_failure_stays_alone(
    route: PredictRoute, make_request: RequestMaker
) -> None:
    fields = {"model_name": "tone", "inputs": ["Hi.", " ", "A longer one."]}
    content = content_of(await route(make_request.json(fields)))
    first, failed, last = content["result"]
    assert first["duration"] < last["duration"]
    assert "inputs" in failed["error"]
    assert content["model_info"]["input_type"] == "batch"
    assert content["model_info"]["input_count"] == 3


async def test_list_that_fails_altogether_is_an_error(
    route: PredictRoute, make_request: RequestMaker
) -> None:
    with pytest.raises(InvalidFieldError, match="nothing to say"):
        await route(make_request.json({"model_name": "tone", "inputs": [" ", "\n"]}))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"inputs": "Hi.", "stream": True}, "stream"),
        ({"inputs": "Hi.", "parameters": {"stream_format": "sse"}}, "stream"),
        ({"inputs": "Hi.", "parameters": {"speed": 9}}, "speed"),
        ({"inputs": "Hi.", "parameters": {"volumn": 1}}, "volumn"),
        ({"inputs": []}, "inputs"),
        ({}, "inputs"),
        ({"inputs": "Hi.", "voice": "low"}, "voice"),
    ],
)
async def test_wrong_request_is_refused_by_name(
    route: PredictRoute, make_request: RequestMaker, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        await route(make_request.json({"model_name": "tone", **fields}))
    assert refused.value.field.partition(".")[0] == field


async def test_file_for_a_model_that_speaks_is_refused(
    route: PredictRoute, make_request: RequestMaker
) -> None:
    with pytest.raises(InvalidFieldError, match="file: this model speaks"):
        await route(make_request.form({"model_name": "tone"}, {"file": SPEECH}))


async def test_other_media_are_refused(route: PredictRoute, make_request: RequestMaker) -> None:
    with pytest.raises(UnsupportedMediaError, match="application/json or multipart"):
        await route(make_request.raw(SPEECH, "audio/wav"))


async def test_transcripts_do_not_stream_here(
    route: PredictRoute, make_request: RequestMaker
) -> None:
    encoded = base64.b64encode(SPEECH).decode()
    fields = {"model_name": "fixed", "inputs": encoded, "parameters": {"stream": True}}
    with pytest.raises(InvalidFieldError, match="/transcribe streams"):
        await route(make_request.json(fields))

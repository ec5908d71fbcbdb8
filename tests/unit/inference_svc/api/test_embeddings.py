import base64
from typing import Any

import numpy as np
import orjson
import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import InvalidFieldError
from inference_svc.api.embeddings import EmbeddingsRoute
from inference_svc.prediction import Predictor
from tests.unit.inference_svc.api.test_predict import request_of


@pytest.fixture
def route(predictor: Predictor) -> EmbeddingsRoute:
    return EmbeddingsRoute(predictor, SystemClock())


async def ask(route: EmbeddingsRoute, **body: Any) -> dict[str, Any]:
    raw = orjson.dumps({"model": "lengths", **body})
    answer = await route(request_of(raw, path="/v1/embeddings"))
    assert isinstance(answer.body, bytes)
    content: dict[str, Any] = orjson.loads(answer.body)
    return content


async def test_the_answer_has_every_field_of_openais(route: EmbeddingsRoute) -> None:
    assert await ask(route, input=["a", "bb"]) == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [1]},
            {"object": "embedding", "index": 1, "embedding": [2]},
        ],
        "model": "lengths",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


async def test_one_text_is_a_list_of_one(route: EmbeddingsRoute) -> None:
    assert len((await ask(route, input="abc"))["data"]) == 1


async def test_base64_is_of_float32(route: EmbeddingsRoute) -> None:
    content = await ask(route, input="abc", encoding_format="base64")
    raw = base64.b64decode(content["data"][0]["embedding"])
    assert np.frombuffer(raw, "<f4").tolist() == [3.0]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (None, "input"),
        ({}, "input"),
        ([], "input"),
        (["a", 1], "input[1]"),
        ([[1, "a"]], "input[0]"),
        ([1, "a"], "input"),
        (["a"] * 2049, "input"),
    ],
)
async def test_wrong_input_is_named(route: EmbeddingsRoute, given: object, field: str) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        await ask(route, input=given)
    assert raised.value.field == field


async def test_one_text_that_fails_fails_the_request(route: EmbeddingsRoute) -> None:
    with pytest.raises(Exception, match=r"poison|failed"):
        await ask(route, input=["a", "poison"])


async def test_model_that_writes_embeds_nothing(route: EmbeddingsRoute) -> None:
    with pytest.raises(InvalidFieldError, match="it writes text"):
        await ask(route, model="echo", input="a")

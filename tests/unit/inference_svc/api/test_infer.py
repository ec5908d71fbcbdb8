from typing import Any

import numpy as np
import orjson
import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import BadRequestError, InvalidFieldError, NotFoundError
from fleetserve.replica.exchange import Answer
from fleetserve.replica.pool import ModelPool
from inference_svc.api.infer import DescribeRoute, InferRoute
from inference_svc.open_inference.response import HEAD_LENGTH
from inference_svc.prediction import Predictor
from inference_svc.served import Served
from inference_svc.texts.writer import TextWriter
from tests.unit.inference_svc.api.test_predict import request_of

LARGEST = 10_000


@pytest.fixture
def route(pool: ModelPool[Served], predictor: Predictor, writer: TextWriter) -> InferRoute:
    return InferRoute(pool, predictor, writer, SystemClock(), LARGEST)


async def infer(
    route: InferRoute, content: dict[str, Any], binary: bytes = b"", **changes: Any
) -> Answer:
    head = orjson.dumps(content)
    headers = {HEAD_LENGTH: b"%d" % len(head)} if binary else {}
    headers |= changes.pop("headers", {})
    given = {"path": "/v2/infer", "model": "example", **changes}
    return await route(request_of(head + binary, headers=headers, **given))


def told(answer: Answer) -> dict[str, Any]:
    assert isinstance(answer.body, bytes)
    length = dict(answer.headers).get(HEAD_LENGTH)
    content: dict[str, Any] = orjson.loads(answer.body[: int(length) if length else None])
    return content


def vectors(**changes: Any) -> dict[str, Any]:
    return {"name": "input", "datatype": "FP32", "shape": [2, 3], "data": [1, 2, 3] * 2, **changes}


def texts(*values: str) -> dict[str, Any]:
    return {"name": "text", "datatype": "BYTES", "shape": [len(values)], "data": list(values)}


async def test_json_in_and_out(route: InferRoute, predictor: Predictor) -> None:
    answer = await infer(route, {"id": "7", "inputs": [vectors()]})
    content = told(answer)
    assert {k: content[k] for k in ("id", "model_name", "model_version")} == {
        "id": "7",
        "model_name": "example",
        "model_version": "r1",
    }
    (output,) = content["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("output", "FP32", [2])
    assert output["data"][0] == output["data"][1]
    assert answer.timing is not None
    assert answer.model == "example"


async def test_binary_in_and_out(route: InferRoute) -> None:
    rows = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    tensor = vectors(data=None, parameters={"binary_data_size": rows.nbytes})
    wanted = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    answer = await infer(route, wanted, rows.tobytes())
    assert isinstance(answer.body, bytes)
    assert np.frombuffer(answer.body[-8:], np.float32).shape == (2,)
    assert answer.content_type == "application/octet-stream"


async def test_texts_of_a_model_without_shapes_are_json(route: InferRoute) -> None:
    content = told(await infer(route, {"inputs": [texts("a", "bb")]}, model="lengths"))
    assert content["outputs"][0]["data"] == ["1", "2"]


async def test_model_that_writes_gives_its_completions(route: InferRoute) -> None:
    wanted = {"inputs": [texts("abc", "d")], "parameters": {"max_new_tokens": 2}}
    content = told(await infer(route, wanted, model="echo"))
    assert content["outputs"][0]["name"] == "generated_text"
    assert content["outputs"][0]["data"] == ["ab", "d"]


async def test_one_input_that_fails_fails_the_request(route: InferRoute) -> None:
    for model, values in (("lengths", ("a", "poison")), ("echo", ("a", ""))):
        with pytest.raises(Exception, match=r"poison|failed|empty"):
            await infer(route, {"inputs": [texts(*values)]}, model=model)


async def test_another_version_is_not_here(route: InferRoute) -> None:
    for version, fails in ((b"r1", False), (b"r2", True)):
        calling = infer(route, {"inputs": [vectors()]}, headers={b"x-fleet-version": version})
        if fails:
            with pytest.raises(NotFoundError, match="r2; there is r1"):
                await calling
        else:
            await calling


async def test_parameters_reach_the_model(route: InferRoute) -> None:
    with pytest.raises(InvalidFieldError, match=r"parameters\.top_k"):
        await infer(route, {"inputs": [vectors()], "parameters": {"top_k": 1}})


async def test_who_names_no_model_is_no_gateway(route: InferRoute) -> None:
    with pytest.raises(BadRequestError, match="X-Fleet-Model"):
        await infer(route, {"inputs": []}, model=None)


@pytest.mark.parametrize(
    ("model", "inputs", "outputs"),
    [
        (
            "example",
            {"name": "input", "datatype": "FP32", "shape": [-1, 10]},
            {"name": "output", "datatype": "FP32", "shape": [-1]},
        ),
        (
            "lengths",
            {"name": "text", "datatype": "BYTES", "shape": [-1]},
            {"name": "output", "datatype": "BYTES", "shape": [-1]},
        ),
        (
            "echo",
            {"name": "text", "datatype": "BYTES", "shape": [-1]},
            {"name": "generated_text", "datatype": "BYTES", "shape": [-1]},
        ),
    ],
)
async def test_models_are_described(
    pool: ModelPool[Served], model: str, inputs: object, outputs: object
) -> None:
    content = told(await DescribeRoute(pool)(request_of(b"", path="/v2/model", model=model)))
    assert content == {
        "name": model,
        "versions": ["r1"],
        "platform": "pytorch",
        "inputs": [inputs],
        "outputs": [outputs],
    }

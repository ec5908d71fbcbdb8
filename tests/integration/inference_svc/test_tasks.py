"""Every task through the gateway, with models downloaded by the hub's own protocol."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch

from fleetserve.replica.models import ModelSpec
from inference_svc.engine.base import finish
from inference_svc.engine_table import ENGINES
from inference_svc.inputs import read_inputs
from tests.checkpoints.tensors import make_network
from tests.hub.server import HubServer
from tests.integration.inference_svc.asked import ASKED, IMAGES, LONG_CONTEXT, MODELS, TEXTS, Asked

LONG_S = 110.0
ROWS = [[0.5, -1.0, 2.0, 3.0], [1.0, 0.0, 0.0, 0.25]]


async def predict(client: httpx.AsyncClient, **body: Any) -> Any:
    answer = await client.post("/predict", json=body)
    told = answer.json()
    assert answer.status_code == 200, told
    return told


def computed(folder: Path, asked: Asked) -> Any:
    """By the engine alone, one by one, from the files as the hub has them."""
    spec = ModelSpec(asked.name, "r", asked.task, 0, folder)
    engine = ENGINES[asked.task](spec, "cpu")
    engine.load()
    options = engine.read_parameters(asked.parameters)
    values = read_inputs(asked.inputs, engine.info).values
    results = [finish(engine.predict_batch([engine.prepare(v, options)]))[0] for v in values]
    return json.loads(json.dumps(results, default=lambda array: array.tolist()))


def close(found: Any, expected: Any) -> None:
    """The same but for the last digits."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            close(found[name], expected[name])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            close(one, other)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1e-4)
    else:
        assert found == expected


@pytest.mark.parametrize("asked", ASKED, ids=lambda one: f"{one.task} {one.name}")
async def test_a_task_answers_as_its_engine_computes(
    client: httpx.AsyncClient, hub: HubServer, asked: Asked
) -> None:
    body: dict[str, Any] = {"model_name": asked.name, "parameters": asked.parameters}
    one, batch = await asyncio.gather(
        predict(client, inputs=asked.inputs[0], **body),
        predict(client, inputs=asked.inputs, **body),
    )
    assert hub.root is not None
    expected = computed(hub.root / MODELS[asked.name], asked)
    close(batch["result"], expected)
    close(one["result"], expected[0])
    assert one["model_info"]["task"] == batch["model_info"]["task"] == asked.task
    assert (one["model_info"]["input_type"], batch["model_info"]["input_type"]) == (
        "single",
        "batch",
    )
    assert batch["model_info"]["input_count"] == len(asked.inputs)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("vit-base-patch16-224", [IMAGES[0], base64.b64encode(b"no image").decode(), IMAGES[1]]),
        ("bert-base-uncased", ["a [MASK]", "nothing to fill in", "the [MASK]"]),
    ],
)
async def test_an_input_that_fails_has_its_error_in_its_place(
    client: httpx.AsyncClient, name: str, inputs: list[str]
) -> None:
    result = (await predict(client, model_name=name, inputs=inputs))["result"]
    assert (isinstance(result[0], list), isinstance(result[2], list)) == (True, True)
    assert result[1]["code"] == "invalid_field"
    assert result[1]["error"].startswith("inputs[1]: ")


async def test_an_image_may_come_as_a_file_of_a_form(client: httpx.AsyncClient) -> None:
    fields = {"model_name": "vit-base-patch16-224", "parameters": '{"top_k": 1}'}
    files = {"file": ("a.png", base64.b64decode(IMAGES[0]), "image/png")}
    answer = await client.post("/predict", data=fields, files=files)
    assert answer.status_code == 200, answer.text
    body = {"model_name": "vit-base-patch16-224", "inputs": IMAGES[0], "parameters": {"top_k": 1}}
    close(answer.json()["result"], (await predict(client, **body))["result"])
    assert answer.json()["model_info"]["input_type"] == "single"


@pytest.mark.parametrize(
    ("name", "inputs", "parameters", "field"),
    [
        ("distilbert-sst2", TEXTS, {"top_k": 3}, "parameters.top_k"),
        ("bart-large-mnli", TEXTS, {}, "parameters.candidate_labels"),
        ("roberta-base-squad2", "who?", {}, "inputs"),
        ("mbart-large-50", TEXTS, {}, "parameters.tgt_lang"),
        ("t5-small", TEXTS, {"tgt_lang": "it"}, "parameters.tgt_lang"),
        ("flan-t5-small", TEXTS, {"temperature": 0.5}, "parameters.temperature"),
        ("yolos-tiny", IMAGES, {"threshold": 2}, "parameters.threshold"),
        ("yolos-tiny", 3, {}, "inputs"),
    ],
)
async def test_what_is_wrong_is_named(
    client: httpx.AsyncClient, name: str, inputs: Any, parameters: dict[str, Any], field: str
) -> None:
    body = {"model_name": name, "inputs": inputs, "parameters": parameters}
    answer = await client.post("/predict", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


async def test_a_text_that_was_cut_is_told(client: httpx.AsyncClient) -> None:
    body = {"model_name": "distilbert-sst2", "inputs": ["short", LONG_CONTEXT * 4]}
    told = await predict(client, **body)
    assert len(told["warnings"]) == 1
    assert told["warnings"][0].startswith("inputs[1] was cut: the model reads 64 tokens")


@pytest.mark.parametrize(
    ("name", "source", "model_id"),
    [
        ("steps-export", "local", "{local}/steps.pt2"),
        ("steps-script", "local", "{local}/steps.pt"),
        ("steps-url", "url", "{hub}/fleetserve-tests/steps/resolve/main/steps.pt2"),
    ],
)
async def test_a_tensor_artefact_is_served_by_its_rank(
    client: httpx.AsyncClient, hub: HubServer, local: Path, name: str, source: str, model_id: str
) -> None:
    assert hub.root is not None
    shared = hub.root / "fleetserve-tests/steps/steps.pt2"
    shared.parent.mkdir(parents=True, exist_ok=True)
    shared.write_bytes((local / "steps.pt2").read_bytes())
    order: dict[str, Any] = {
        "source": source,
        "model_id": model_id.format(hub=hub.url, local=local),
    }
    order |= {"name": name, "wait": True, "allow_pickle": name == "steps-script"}
    refused = await client.post("/models/download", json=order)
    assert (refused.status_code, refused.json()["field"]) == (422, "input_rank"), refused.text
    taken = await client.post("/models/download", json={**order, "input_rank": 1})
    assert taken.is_success, taken.text
    with torch.no_grad():
        expected = make_network()(torch.tensor(ROWS)).numpy()
    batch = await predict(client, model_name=name, inputs=ROWS)
    np.testing.assert_allclose(batch["result"], expected, atol=1e-5)
    one = await predict(client, model_name=name, inputs=ROWS[0])
    np.testing.assert_allclose(one["result"], expected[0], atol=1e-5)
    assert one["model_info"]["task"] == "tensor"
    wrong = await client.post("/predict", json={"model_name": name, "inputs": [[ROWS]]})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "inputs")


async def test_a_long_generation_lets_short_requests_pass(client: httpx.AsyncClient) -> None:
    body: dict[str, Any] = {"model_name": "flan-t5-small", "inputs": TEXTS[0]}
    long_one = {"min_new_tokens": 600, "max_new_tokens": 600}
    long = asyncio.create_task(predict(client, **body, parameters=long_one, timeout=LONG_S))
    passed = 0
    while not long.done() and passed < 5:
        await predict(client, model_name="example", inputs=[1.0])
        await predict(client, **body, parameters={"max_new_tokens": 2})
        passed += not long.done()
    assert passed == 5
    assert (await long)["result"]["generated_text"]

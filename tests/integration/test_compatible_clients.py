"""The clients that the compatible routes are for, unchanged, through a real gateway."""

from collections.abc import Iterator
from typing import Any

import httpx
import ml_dtypes
import numpy as np
import openai
import pytest
import torch
import tritonclient.http as triton
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.checkpoints.hub_root import GPT2
from tests.hub.minilm import minilm_folder
from tests.hub.server import HubServer
from tests.integration.fleet import REQUEST_S, Fleet

MINILM = "all-MiniLM-L6-v2"
TEXTS = ["How do you do?", "Grüße aus Wien", "How are you?"]
CHATS = "smollm2"
CHAT: Any = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def v2(fleet: Fleet) -> Iterator[triton.InferenceServerClient]:
    client = triton.InferenceServerClient(
        fleet.url.removeprefix("http://"), network_timeout=REQUEST_S
    )
    yield client
    client.close()


@pytest.fixture
def v1(fleet: Fleet) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{fleet.url}/v1", api_key="unused", max_retries=0) as client:
        yield client


def tensor(values: Any, datatype: str, name: str = "input", **how: Any) -> triton.InferInput:
    found = triton.InferInput(name, list(values.shape), datatype)
    found.set_data_from_numpy(values, **how)
    return found


def vectors(dtype: Any = np.float32) -> Any:
    return np.array([[1, 2, 3, 4, 5, 0, 0, 0, 0, 0], [6, 7, 8, 9, 10, 0, 0, 0, 0, 0]], dtype)


def strings(values: list[str]) -> Any:
    return np.array([value.encode() for value in values], dtype=object)


@pytest.fixture
async def expected(client: httpx.AsyncClient) -> list[float]:
    """What /predict says of the vectors."""
    body = {"model_name": "example", "inputs": vectors().tolist()}
    found: list[float] = (await client.post("/predict", json=body)).json()["result"]
    return found


def test_v2_server_and_model_are_described(v2: triton.InferenceServerClient) -> None:
    assert v2.is_server_live()
    assert v2.is_server_ready()
    assert v2.is_model_ready("example")
    assert "statistics" in v2.get_server_metadata()["extensions"]
    told = v2.get_model_metadata("example")
    assert told["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 10]}]
    assert v2.is_model_ready("example", told["versions"][0])


@pytest.mark.parametrize(
    ("datatype", "dtype"),
    [
        ("FP32", np.float32),
        ("FP64", np.float64),
        ("FP16", np.float16),
        ("BF16", ml_dtypes.bfloat16),
        ("INT64", np.int64),
        ("UINT8", np.uint8),
    ],
)
def test_v2_binary_tensors_give_what_predict_gives(
    v2: triton.InferenceServerClient, expected: list[float], datatype: str, dtype: Any
) -> None:
    found = v2.infer("example", [tensor(vectors(dtype), datatype)], request_id="r-7")
    assert found.get_response()["id"] == "r-7"
    assert found.as_numpy("output").tolist() == np.array(expected, np.float32).tolist()


def test_v2_json_tensors_give_the_same(
    v2: triton.InferenceServerClient, expected: list[float]
) -> None:
    wanted = [triton.InferRequestedOutput("output", binary_data=False)]
    given = [tensor(vectors(), "FP32", binary_data=False)]
    found = v2.infer("example", given, outputs=wanted, priority=1, timeout=5_000_000)
    assert found.get_response()["outputs"][0]["data"] == pytest.approx(expected)


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_v2_compressed_requests(
    v2: triton.InferenceServerClient, expected: list[float], algorithm: str
) -> None:
    found = v2.infer(
        "example",
        [tensor(vectors(), "FP32")],
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )
    assert found.as_numpy("output").tolist() == pytest.approx(expected)


@pytest.mark.usefixtures("models")
def test_v2_texts_and_openais_embeddings_are_one(
    v2: triton.InferenceServerClient, v1: openai.OpenAI
) -> None:
    found = v2.infer(MINILM, [tensor(strings(TEXTS), "BYTES", "text")]).as_numpy("embedding")
    assert (found.shape, found.dtype) == ((3, 384), np.float32)
    assert found[0] @ found[2] > found[0] @ found[1]
    # Where it isn't told, the client asks for base64 and decodes it.
    options: Any = ({}, {"encoding_format": "float"})
    for more in options:
        answer = v1.embeddings.create(model=MINILM, input=TEXTS, **more)
        own = np.array([entry.embedding for entry in answer.data], np.float32)
        assert np.abs(own - found).max() < 1e-6
    library = AutoTokenizer.from_pretrained(minilm_folder(), local_files_only=True)
    ids = [library(text)["input_ids"] for text in TEXTS]
    by_ids = v1.embeddings.create(model=MINILM, input=ids)
    assert np.abs(np.array([e.embedding for e in by_ids.data]) - found).max() < 1e-6
    assert by_ids.usage.prompt_tokens == sum(map(len, ids)) == answer.usage.prompt_tokens


@pytest.mark.usefixtures("models")
def test_v2_repository(v2: triton.InferenceServerClient) -> None:
    def state() -> str:
        found = {entry["name"]: entry["state"] for entry in v2.get_model_repository_index()}
        assert "speecht5_tts" not in found
        return str(found[MINILM])

    v2.load_model(MINILM)
    assert state() == "READY"
    v2.unload_model(MINILM)
    assert state() == "UNAVAILABLE"
    assert v2.is_model_ready(MINILM)
    v2.infer(MINILM, [tensor(strings(["again"]), "BYTES", "text")])


def test_v2_errors(v2: triton.InferenceServerClient) -> None:
    given = [tensor(vectors(), "FP32")]
    wide = [tensor(np.zeros((1, 11), np.float32), "FP32")]
    calls: Any = (
        ("404", lambda: v2.infer("nothing", given)),
        ("404", lambda: v2.infer("example", given, model_version="7")),
        ("400", lambda: v2.infer("example", wide)),
        ("400", lambda: v2.infer("example", [tensor(vectors() > 1, "BOOL")])),
        ("409", lambda: v2.unload_model("example")),
        ("404", lambda: v2.get_model_config("nothing")),
        ("404", lambda: v2.get_inference_statistics("example", "7")),
        ("400", lambda: v2.load_model("example", config="{}")),
        ("400", lambda: v2.infer("example", given, sequence_id=7, sequence_start=True)),
    )
    for status, call in calls:
        with pytest.raises(triton.InferenceServerException) as raised:
            call()
        assert raised.value.status() == status


def test_v2_configuration(v2: triton.InferenceServerClient) -> None:
    found = v2.get_model_config("example")
    assert found["input"] == [{"name": "input", "data_type": "TYPE_FP32", "dims": [10]}]
    assert found["max_batch_size"] == 32
    assert v2.get_model_config("example", found["parameters"]["revision"]["string_value"]) == found


@pytest.mark.usefixtures("models")
def test_v2_statistics_are_what_was_done(v2: triton.InferenceServerClient) -> None:
    def stats(name: str) -> Any:
        (found,) = v2.get_inference_statistics(name)["model_stats"]
        return found

    for model, given, inputs in (
        ("example", [tensor(vectors(), "FP32")], 2),
        (MINILM, [tensor(strings(TEXTS), "BYTES", "text")], 3),
        ("gpt2", [tensor(strings(["Once"]), "BYTES", "text")], 1),
    ):
        v2.infer(model, given)
        before = stats(model)
        for _ in range(4):
            v2.infer(model, given)
        after = stats(model)
        assert after["inference_count"] - before["inference_count"] == 4 * inputs
        done = {
            name: after["inference_stats"][name]["count"] - spent["count"]
            for name, spent in before["inference_stats"].items()
        }
        assert (done["success"], done["fail"], done["compute_infer"]) == (4, 0, 4)
        assert after["last_inference"] > before["last_inference"]
        assert after["execution_count"] == sum(
            one["compute_infer"]["count"] for one in after["batch_stats"]
        )
        spent = {name: value["ns"] for name, value in after["inference_stats"].items()}
        assert 0 < spent["compute_infer"] <= spent["success"]
        assert after["memory_usage"][0]["byte_size"] > 0
    named = {one["name"] for one in v2.get_inference_statistics()["model_stats"]}
    assert {"example", MINILM, "gpt2"} <= named


def test_v2_failures_are_counted(v2: triton.InferenceServerClient) -> None:
    def failed() -> int:
        (found,) = v2.get_inference_statistics("example")["model_stats"]
        return int(found["inference_stats"]["fail"]["count"])

    before = failed()
    with pytest.raises(triton.InferenceServerException):
        v2.infer("example", [tensor(np.zeros((1, 11), np.float32), "FP32")])
    assert failed() == before + 1


def test_v2_classes_of_an_output(v2: triton.InferenceServerClient, expected: list[float]) -> None:
    wanted = [triton.InferRequestedOutput("output", class_count=1)]
    found = v2.infer("example", [tensor(vectors(), "FP32")], outputs=wanted).as_numpy("output")
    assert found.tolist() == [[b"%f:0" % value] for value in expected]


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_v2_compressed_answers(fleet: Fleet, algorithm: str) -> None:
    body = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["Hello."]}]}
    url = f"{fleet.url}/v2/models/{MINILM}/infer"
    answers = [
        httpx.post(url, json=body, headers={"accept-encoding": encoding}, timeout=REQUEST_S)
        for encoding in (algorithm, "identity")
    ]
    assert answers[0].headers["content-encoding"] == algorithm
    assert "content-encoding" not in answers[1].headers
    assert answers[0].json()["outputs"] == answers[1].json()["outputs"]


def test_v2_what_is_not_offered_says_what_there_is(v2: triton.InferenceServerClient) -> None:
    calls: Any = (
        ("server-timing", lambda: v2.get_trace_settings()),
        ("server-timing", lambda: v2.update_trace_settings("example", {"trace_level": ["OFF"]})),
        ("LOG_LEVEL", lambda: v2.get_log_settings()),
        ("LOG_LEVEL", lambda: v2.update_log_settings({"log_info": True})),
        ("binary_data", lambda: v2.get_system_shared_memory_status()),
        ("binary_data", lambda: v2.register_system_shared_memory("r", "/r", 64)),
        ("binary_data", lambda: v2.unregister_system_shared_memory()),
        ("binary_data", lambda: v2.get_cuda_shared_memory_status("r")),
        ("binary_data", lambda: v2.register_cuda_shared_memory("r", b"handle", 0, 64)),
        ("binary_data", lambda: v2.unregister_cuda_shared_memory("r")),
    )
    for says, call in calls:
        with pytest.raises(triton.InferenceServerException, match=says) as raised:
            call()
        assert raised.value.status() == "400"


def test_v2_many_at_once(v2: triton.InferenceServerClient, expected: list[float]) -> None:
    asked = [v2.async_infer("example", [tensor(vectors(), "FP32")]) for _ in range(8)]
    for one in asked:
        assert one.get_result().as_numpy("output").tolist() == pytest.approx(expected)


def test_openais_models(v1: openai.OpenAI, models: tuple[str, ...]) -> None:
    assert {"example", "tts-1", "whisper-1", *models} <= {model.id for model in v1.models.list()}
    assert v1.models.retrieve("tts-1").root == "speecht5_tts"  # type: ignore[attr-defined]


@pytest.mark.usefixtures("models")
def test_openais_errors(v1: openai.OpenAI) -> None:
    for kind, code, param, call in (
        (
            openai.NotFoundError,
            "model_not_found",
            "model",
            lambda: v1.embeddings.create(model="nothing", input="a"),
        ),
        (
            openai.BadRequestError,
            "invalid_value",
            "model",
            lambda: v1.embeddings.create(model="example", input="a"),
        ),
        (
            openai.BadRequestError,
            "invalid_value",
            "dimensions",
            lambda: v1.embeddings.create(model=MINILM, input="a", dimensions=100),
        ),
        (
            openai.BadRequestError,
            "unsupported_parameter",
            "presence_penalty",
            lambda: v1.chat.completions.create(model=MINILM, messages=CHAT, presence_penalty=1),
        ),
    ):
        with pytest.raises(kind) as raised:
            call()
        assert (raised.value.code, raised.value.param) == (code, param)


@pytest.mark.usefixtures("models")
def test_openais_chat_whole_and_streamed(v1: openai.OpenAI) -> None:
    asked: Any = {"model": CHATS, "messages": CHAT, "max_completion_tokens": 12}
    whole = v1.chat.completions.create(**asked, temperature=0)
    text = whole.choices[0].message.content
    assert whole.usage is not None
    assert whole.usage.completion_tokens <= 12
    chunks = list(
        v1.chat.completions.create(
            **asked, temperature=0, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == text
    assert chunks[-1].usage == whole.usage


@pytest.mark.usefixtures("models")
def test_openais_completions_are_the_librarys(v1: openai.OpenAI, hub: HubServer) -> None:
    assert hub.root is not None
    folder = hub.root / GPT2
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    given = tokenizer("Once upon a time", return_tensors="pt")
    with torch.inference_mode():
        ids = model.generate(**given, max_new_tokens=8, do_sample=False)[0]
    own = v1.completions.create(
        model="gpt2", prompt="Once upon a time", max_tokens=8, temperature=0
    )
    expected = tokenizer.decode(ids[given["input_ids"].shape[1] :], skip_special_tokens=True)
    assert own.choices[0].text == expected


@pytest.mark.usefixtures("models")
def test_openais_seed_and_n(v1: openai.OpenAI) -> None:
    asked: Any = {"model": "gpt2", "prompt": ["Once", "Twice"], "max_tokens": 6, "n": 2, "seed": 3}
    first = [choice.text for choice in v1.completions.create(**asked, logprobs=2).choices]
    again = [choice.text for choice in v1.completions.create(**asked).choices]
    streamed = [""] * 4
    for chunk in v1.completions.create(**asked, stream=True):
        for choice in chunk.choices:
            streamed[choice.index] += choice.text
    assert first == again == streamed
    assert first[0] != first[1]


@pytest.mark.usefixtures("models")
def test_v2_on_a_model_that_writes(v2: triton.InferenceServerClient, v1: openai.OpenAI) -> None:
    given = [tensor(strings(["Once upon a time"]), "BYTES", "text")]
    found = v2.infer("gpt2", given, parameters={"max_new_tokens": 8, "do_sample": False})
    own = v1.completions.create(
        model="gpt2", prompt="Once upon a time", max_tokens=8, temperature=0
    )
    assert found.as_numpy("generated_text")[0].decode() == own.choices[0].text

"""What a caller who errs is told, by the whole fleet."""

import httpx
import pytest

FIELDS = {"success", "error", "detail", "code", "request_id"}


def check_shape(answer: httpx.Response, status: int) -> None:
    told = answer.json()
    assert answer.status_code == status, told
    assert set(told) >= FIELDS
    assert told["success"] is False
    assert told["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", {"model_name": "nobody", "inputs": [1]}),
        ("/synthesize", {"model_name": "nobody", "inputs": "Hello."}),
    ],
)
async def test_unknown_model_is_a_404_that_says_how_to_get_it(
    client: httpx.AsyncClient, path: str, body: dict[str, object]
) -> None:
    answer = await client.post(path, json=body)
    check_shape(answer, 404)
    assert answer.json()["code"] == "model_not_found"
    assert "POST /models/download" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/predict", {"inputs": [1]}, "model_name"),
        ("/predict", {"model_name": "example"}, "inputs"),
        ("/predict", {"model_name": "example", "inputs": "text"}, "inputs"),
        ("/predict", {"model_name": "example", "inputs": [1] * 11}, "inputs"),
        ("/predict", {"model_name": 3, "inputs": [1]}, "model_name"),
        ("/predict", {"model_name": "example", "inputs": [1], "priority": 11}, "priority"),
        ("/predict", {"model_name": "example", "inputs": [1], "timeout": -1}, "timeout"),
        ("/synthesize", {"inputs": "Hello."}, "model_name"),
        ("/models/download", {"source": "nowhere", "model_id": "a/b", "name": "x"}, "source"),
        ("/models/download", {"source": "huggingface", "name": "x"}, "model_id"),
    ],
)
async def test_wrong_body_is_a_422_that_names_the_field(
    client: httpx.AsyncClient, path: str, body: dict[str, object], field: str
) -> None:
    answer = await client.post(path, json=body)
    check_shape(answer, 422)
    assert answer.json()["detail"].startswith(field)


async def test_body_that_is_no_json_is_told_so(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/predict", content=b"{", headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    check_shape(answer, answer.status_code)


async def test_body_of_another_type_is_a_415(client: httpx.AsyncClient) -> None:
    # What a web page can send across origins without asking.
    answer = await client.post("/predict", content=b"{}", headers={"content-type": "text/plain"})
    check_shape(answer, 415)


async def test_foreign_host_header_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/models", headers={"host": "evil.example"})
    assert answer.status_code in (400, 403)
    check_shape(answer, answer.status_code)


async def test_unknown_path_is_a_404(client: httpx.AsyncClient) -> None:
    check_shape(await client.get("/nowhere"), 404)


async def test_wrong_method_is_a_405(client: httpx.AsyncClient) -> None:
    answer = await client.get("/predict")
    check_shape(answer, 405)
    assert answer.headers["allow"] == "POST"


async def test_request_id_of_the_caller_comes_back(client: httpx.AsyncClient) -> None:
    body = {"model_name": "example", "inputs": [1]}
    answer = await client.post("/predict", json=body, headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"

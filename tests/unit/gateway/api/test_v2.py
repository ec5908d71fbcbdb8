import httpx
import pytest

from tests.unit.gateway.fleet import Fleet, announced, answering, recorded


@pytest.fixture
def ready(fleet: Fleet) -> None:
    fleet.models.put(recorded("m", task="text-classification"))
    fleet.add(answering(), announced("i1", models=["example"]))


EXTENSIONS = [
    "classification",
    "binary_tensor_data",
    "model_repository",
    "model_configuration",
    "statistics",
]


async def test_server_says_what_it_can(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v2")
    assert answer.json()["extensions"] == EXTENSIONS
    assert (await client.get("/v2/health/live")).json() == {"live": True}


async def test_readiness_is_a_status(client: httpx.AsyncClient, fleet: Fleet) -> None:
    assert (await client.get("/v2/health/ready")).status_code == 503
    assert (await client.get("/v2/models/example/ready")).status_code == 503
    fleet.add(answering(), announced("i1"))
    assert (await client.get("/v2/health/ready")).status_code == 200
    assert (await client.get("/v2/models/example/ready")).status_code == 200


@pytest.mark.usefixtures("ready")
async def test_version_is_part_of_the_question(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v2/models/example/versions/built-in/ready")).is_success
    answer = await client.get("/v2/models/example/versions/7/ready")
    assert (answer.status_code, list(answer.json())) == (404, ["error"])


@pytest.mark.usefixtures("ready")
async def test_index_has_every_model_or_those_that_are_loaded(client: httpx.AsyncClient) -> None:
    everything = (await client.post("/v2/repository/index")).json()
    assert [(e["name"], e["state"]) for e in everything] == [
        ("example", "READY"),
        ("m", "UNAVAILABLE"),
    ]
    loaded = (await client.post("/v2/repository/index", content=b'{"ready":true}')).json()
    assert [entry["name"] for entry in loaded] == ["example"]


@pytest.mark.parametrize(("content", "status"), [(b"{", 400), (b'{"ready":"no"}', 400)])
async def test_wrong_bodies_are_told_in_v2s_shape(
    client: httpx.AsyncClient, content: bytes, status: int
) -> None:
    answer = await client.post("/v2/repository/index", content=content)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


async def test_web_page_can_not_unload(client: httpx.AsyncClient) -> None:
    headers = {"origin": "https://evil.example"}
    for path in ("load", "unload"):
        answer = await client.post(f"/v2/repository/models/example/{path}", headers=headers)
        assert answer.status_code == 415


async def test_loading_without_an_autoscaler_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v2/repository/models/example/load")
    assert (answer.status_code, list(answer.json())) == (503, ["error"])


async def test_model_that_shall_be_another_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/v2/repository/models/example/load", content=b'{"parameters":{"config":"{}"}}'
    )
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("parameters.config: is not offered")


async def test_unknown_routes_have_v2s_errors(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v2/models/example/graph")
    assert (answer.status_code, list(answer.json())) == (404, ["error"])

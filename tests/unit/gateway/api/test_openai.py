import httpx

from fleetserve.model_records import ModelState
from tests.unit.gateway.fleet import Fleet, recorded


async def test_models_and_their_other_names_are_listed(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    fleet.models.put(recorded("speecht5_tts", task="text-to-speech"))
    fleet.models.put(recorded("coming", task="fill-mask", state=ModelState.DOWNLOADING))
    content = (await client.get("/v1/models")).json()
    found = {entry["id"]: entry["root"] for entry in content["data"]}
    assert content["object"] == "list"
    built_in = {name: name for name in ("example", "tiny_stt", "tiny_tts")}
    assert found == {**built_in, "speecht5_tts": "speecht5_tts", "tts-1": "speecht5_tts"}


async def test_one_model_is_shown(client: httpx.AsyncClient) -> None:
    content = (await client.get("/v1/models/example")).json()
    assert content == {
        "id": "example",
        "object": "model",
        "created": 1709164800,
        "owned_by": "built-in",
        "root": "example",
        "task": "tensor",
    }


async def test_unknown_model_has_openais_code(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/models/some/thing")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"


async def test_unknown_route_has_openais_shape(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_url"

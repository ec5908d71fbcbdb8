from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from gateway.api.data_schemas import PredictRequest
from gateway.openapi import FleetOpenapi
from gateway.upstream.memory import Behaviour
from tests.unit.gateway.fleet import Fleet, announced, answering, failing, in_turn

REGISTRY = "model-registry-svc"
PREFIXES = {"/models": REGISTRY, "/audio": "audio-svc", "/tts": "audio-svc"}
REF = "#/components/schemas/"


def document_of(title: str, path: str, schema: dict[str, Any]) -> bytes:
    answer = {"application/json": {"schema": {"$ref": REF + "Answer"}}}
    listed = {"application/json": {"schema": {"type": "array", "items": {"$ref": REF + "Answer"}}}}
    responses = {
        "200": {"description": "ok", "content": answer},
        "201": {"description": "ok", "content": listed},
    }
    paths = {
        path: {"get": {"responses": responses}},
        "/health": {"get": {"responses": {}}},
        "/modelsish": {"get": {"responses": {}}},
    }
    return orjson.dumps(
        {"info": {"title": title}, "paths": paths, "components": {"schemas": {"Answer": schema}}}
    )


def references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(child) for child in node.values()))
    if isinstance(node, list):
        return set().union(*(references(child) for child in node))
    return set()


@pytest.fixture
def openapi(fleet: Fleet) -> FleetOpenapi:
    app = FastAPI()

    @app.get("/health")
    async def health() -> dict[str, bool]:
        return {"success": True}

    return FleetOpenapi(app, fleet.calls, PREFIXES.items())


async def test_data_routes_are_described_with_schemas_and_examples(openapi: FleetOpenapi) -> None:
    document = await openapi.build()
    assert {"/predict", "/synthesize", "/transcribe", "/health"} <= set(document["paths"])
    predict = document["paths"]["/predict"]["post"]
    content = predict["requestBody"]["content"]
    assert set(content) == {"application/json", "multipart/form-data"}
    assert content["application/json"]["schema"] == {"$ref": REF + "PredictRequest"}
    assert content["application/json"]["examples"]["example"]["value"]["model_name"] == "example"
    assert {"200", "404", "413", "422", "503", "504"} <= set(predict["responses"])


async def test_routes_of_other_protocols_tell_their_parts_and_their_errors(
    openapi: FleetOpenapi,
) -> None:
    paths = (await openapi.build())["paths"]
    item = paths["/v2/models/{model}/versions/{version}/infer"]["post"]
    assert [part["name"] for part in item["parameters"]] == ["model", "version"]
    assert set(item["requestBody"]["content"]) == {"application/json", "application/octet-stream"}
    error = item["responses"]["400"]["content"]["application/json"]["schema"]
    assert error == {"$ref": REF + "V2Error"}
    assert "422" not in item["responses"]
    assert "text/event-stream" in paths["/v1/completions"]["post"]["responses"]["200"]["content"]


async def test_every_reference_leads_somewhere(openapi: FleetOpenapi, fleet: Fleet) -> None:
    for service, path in [(REGISTRY, "/models"), ("audio-svc", "/tts/health")]:
        page = document_of(service, path, {"type": "object", "title": service})
        fleet.add(answering(page), announced(service, service=service))
    document = await openapi.build()
    known = {REF + name for name in document["components"]["schemas"]}
    assert references(document) <= known


async def test_services_routes_are_merged_under_their_prefixes_only(
    openapi: FleetOpenapi, fleet: Fleet
) -> None:
    page = document_of("Registry", "/models/available", {"type": "object"})
    fleet.add(answering(page), announced("r1", service=REGISTRY))
    document = await openapi.build()
    assert "/models/available" in document["paths"]
    assert "/modelsish" not in document["paths"]
    assert "200" in document["paths"]["/health"]["get"]["responses"]


async def test_schemas_of_one_name_that_differ_are_told_apart(
    openapi: FleetOpenapi, fleet: Fleet
) -> None:
    first = document_of("Registry", "/models", {"type": "object", "title": "registry's"})
    second = document_of("Audio service", "/audio/health", {"type": "object", "title": "audio's"})
    fleet.add(answering(first), announced("r1", service=REGISTRY))
    fleet.add(answering(second), announced("a1", service="audio-svc"))
    document = await openapi.build()
    schemas = document["components"]["schemas"]
    titles = {}
    for path in ("/models", "/audio/health"):
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        name = content["application/json"]["schema"]["$ref"].removeprefix(REF)
        titles[path] = schemas[name]["title"]
    assert titles == {"/models": "registry's", "/audio/health": "audio's"}


async def test_equal_schemas_are_one(openapi: FleetOpenapi, fleet: Fleet) -> None:
    for service, path in [(REGISTRY, "/models"), ("audio-svc", "/tts/health")]:
        page = document_of(service, path, {"type": "object", "title": "Answer"})
        fleet.add(answering(page), announced(service, service=service))
    schemas = (await openapi.build())["components"]["schemas"]
    assert "Answer" in schemas
    assert not any("audio-svc" in name for name in schemas)


@pytest.mark.parametrize(
    "fault", [failing(sent=False), answering(status=500)], ids=["refused", "ill"]
)
async def test_service_that_is_away_keeps_its_last_known_routes(
    openapi: FleetOpenapi, fleet: Fleet, fault: Behaviour
) -> None:
    page = document_of("Registry", "/models", {"type": "object"})
    fleet.add(in_turn(answering(page), fault), announced("r1", service=REGISTRY))
    await openapi.build()
    document = await openapi.build()
    assert len(fleet.upstream.sent) == 2
    assert "/models" in document["paths"]


async def test_building_again_gives_the_same(openapi: FleetOpenapi, fleet: Fleet) -> None:
    page = document_of("Registry", "/models", {"type": "object"})
    fleet.add(answering(page), announced("r1", service=REGISTRY))
    assert await openapi.build() == await openapi.build()


def test_priority_is_described_within_its_bounds() -> None:
    priority = PredictRequest.model_json_schema()["properties"]["priority"]
    assert (priority["minimum"], priority["maximum"], priority["default"]) == (0, 10, 0)


async def test_both_ways_to_show_a_credential_are_described(openapi: FleetOpenapi) -> None:
    document = await openapi.build()
    schemes = document["components"]["securitySchemes"]
    assert schemes["bearer"]["scheme"] == "bearer"
    assert (schemes["api_key"]["in"], schemes["api_key"]["name"]) == ("header", "X-API-Key")
    assert document["security"] == [{}, {"bearer": []}, {"api_key": []}]

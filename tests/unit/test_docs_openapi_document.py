from typing import Any

import pytest

from docs.openapi_document import OpenapiDocument, references

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/": {"get": {"summary": "What this is", "responses": {"200": {}}}},
        "/models": {"get": {"responses": {"200": {}, "503": {}, "404": {}}}},
        "/models/download": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Body"}}
                    }
                },
                "responses": {
                    "202": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}
                        }
                    },
                    "404": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                        }
                    },
                },
            }
        },
        "/modelsgroup": {"get": {"responses": {}}},
    },
    "components": {
        "schemas": {
            "Answer": {"properties": {"files": {"items": {"$ref": "#/components/schemas/File"}}}},
            "Body": {"properties": {"body": {"$ref": "#/components/schemas/Body"}}},
            "File": {},
            "Problem": {},
            "HTTPValidationError": {},
        }
    },
}


@pytest.fixture
def document() -> OpenapiDocument:
    return OpenapiDocument(DOCUMENT)


def test_a_route_has_what_it_takes_answers_and_fails_with(document: OpenapiDocument) -> None:
    route = document.below(["/models/download"])[0]
    assert route.name == "POST /models/download"
    assert [content.content_type for content in route.takes] == ["application/json"]
    assert [content.schema["$ref"][-6:] for content in route.answers] == ["Answer"]
    assert route.errors == ("404",)


@pytest.mark.parametrize(
    ("prefixes", "paths"),
    [
        (["/"], ["/"]),
        (["/models"], ["/models", "/models/download"]),
        (["/models/download", "/models"], ["/models/download", "/models"]),
        (["/jobs"], []),
    ],
)
def test_a_prefix_ends_at_a_slash(
    document: OpenapiDocument, prefixes: list[str], paths: list[str]
) -> None:
    assert [route.path for route in document.below(prefixes)] == paths


def test_schemas_are_followed_and_those_of_errors_are_not(document: OpenapiDocument) -> None:
    assert document.used_by(document.routes) == ["Body", "Answer", "File"]


def test_what_the_fleet_never_answers_is_left_out(document: OpenapiDocument) -> None:
    assert set(document.schemas) == {"Answer", "Body", "File", "Problem"}


def test_references_are_found_at_any_depth() -> None:
    schema = {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}], "x": [{"y": {}}]}
    assert list(references(schema)) == ["A"]

from typing import Any

import pytest

from docs.openapi_document import Content, Route
from docs.tables import routes_section, schema_section, type_text


def link(name: str) -> str:
    return f"[{name}]"


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, "anything"),
        ({"type": "string", "maxLength": 5000}, "string, characters at most 5000"),
        ({"type": "integer", "minimum": 0, "maximum": 10}, "integer, at least 0, at most 10"),
        ({"type": "array", "items": {"type": "number"}}, "array of number"),
        ({"type": "object", "additionalProperties": True}, "object"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of string"),
        ({"type": "string", "format": "binary"}, "file"),
        ({"enum": ["wav", "mp3"]}, '`"wav"`, `"mp3"`'),
        ({"const": False}, "`false`"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"$ref": "#/components/schemas/File"}, "[File]"),
    ],
)
def test_a_type_is_a_few_words(schema: dict[str, Any], text: str) -> None:
    assert type_text(schema, link) == text


def test_a_schema_is_a_heading_and_a_row_for_each_field() -> None:
    schema = {
        "description": "One request.",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "level": {"type": "integer", "default": 0, "description": "One of a|b,\nor none."},
        },
    }
    assert schema_section("Body", schema, link).splitlines() == [
        "### Body",
        "",
        "One request.",
        "",
        "| field | type | default | meaning |",
        "| --- | --- | --- | --- |",
        "| `name` | string | required |  |",
        "| `level` | integer | `0` | One of a\\|b, or none. |",
    ]


def test_routes_are_one_table_and_more_where_there_is_more() -> None:
    body = Content("application/json", {"$ref": "#/components/schemas/Body"})
    form = Content("multipart/form-data", {"type": "object"})
    short = Route("GET", "/a", "Short", "", (), (), (), ("422",))
    parameter = {"name": "x", "in": "query", "schema": {"type": "integer", "default": 1}}
    long = Route("POST", "/b", "Long", "Says ``more``.", (parameter,), (body, form), (), ("404",))
    assert routes_section([short, long], link).splitlines() == [
        "| route | what it does | takes | answers |",
        "| --- | --- | --- | --- |",
        "| `GET /a` | Short |  |  |",
        "| `POST /b` | Long | [Body] or `multipart/form-data` |  |",
        "",
        "### `POST /b`",
        "",
        "Says `more`.",
        "",
        "| parameter | in | type | default | meaning |",
        "| --- | --- | --- | --- | --- |",
        "| `x` | query | integer | `1` |  |",
        "",
        "Errors: 404.",
    ]


def test_no_routes_are_told() -> None:
    assert routes_section([], link) == "None."

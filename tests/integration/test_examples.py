"""Every example in the live /openapi.json does what it says."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

METHODS = ("get", "post", "put", "patch", "delete")


class Example(NamedTuple):
    method: str
    path: str
    name: str
    content_type: str
    value: Any


def request_examples(document: dict[str, Any]) -> Iterator[Example]:
    """Each example of each request body."""
    for path, operations in document["paths"].items():
        for method in set(METHODS) & operations.keys():
            content = operations[method].get("requestBody", {}).get("content", {})
            for content_type, media in content.items():
                yield from (
                    Example(method, path, name, content_type, value)
                    for name, value in _values(document, media)
                )


def _values(document: dict[str, Any], media: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if "example" in media:
        yield "example", media["example"]
    for name, example in media.get("examples", {}).items():
        yield name, example["value"]
    schema = media.get("schema", {})
    for part in (schema, *schema.get("anyOf", [])):
        name = part.get("$ref", "").rpartition("/")[2]
        meant = document["components"]["schemas"][name] if name else part
        for number, value in enumerate(meant.get("examples", [])):
            yield f"schema {number}", value


# What stands in a path for the reader to fill in.
PARTS = {"{name}": "ada", "{model}": "example", "{version}": "built-in"}
# Answers of other protocols' routes have their own shape.
COMPATIBLE = ("/v1/", "/v2")
# A user's life: each of these needs what those before it made.
IN_ORDER = (
    "/auth/register",
    "/auth/login",
    "/auth/refresh",
    "/auth/generate-key",
    "/auth/password",
    "/auth/logout",
    "/auth/users/{name}",
)


class Caller:
    """Posts examples as their reader would, with the tokens that the answers before gave."""

    def __init__(self, client: httpx.AsyncClient, admin_token: str) -> None:
        self._client = client
        self._admin = admin_token
        self._access = admin_token
        self._refresh = ""

    async def post(self, example: Example) -> httpx.Response:
        path = example.path
        for part, value in PARTS.items():
            path = path.replace(part, value)
        token = self._admin if example.path.startswith("/auth/users") else self._access
        content = example.value if isinstance(example.value, str) else json.dumps(example.value)
        answer = await self._client.request(
            example.method,
            path,
            content=content.replace("{refresh_token}", self._refresh).encode(),
            headers={"content-type": example.content_type, "authorization": f"Bearer {token}"},
        )
        is_json = answer.headers["content-type"].startswith("application/json")
        told = answer.json() if answer.is_success and is_json else None
        if isinstance(told, dict) and isinstance(given := told.get("token"), dict):
            self._access, self._refresh = given["access_token"], given["refresh_token"]
        return answer


def in_order(examples: Iterable[Example]) -> list[Example]:
    return sorted(examples, key=lambda e: IN_ORDER.index(e.path) if e.path in IN_ORDER else -1)


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/openapi.json")
    found: dict[str, Any] = answer.json()
    return found


async def test_every_body_that_is_wanted_has_an_example(document: dict[str, Any]) -> None:
    shown = {(e.method, e.path) for e in request_examples(document)}
    wanted = {
        (method, path)
        for path, operations in document["paths"].items()
        for method in set(METHODS) & operations.keys()
        if "application/json" in operations[method].get("requestBody", {}).get("content", {})
    }
    assert len(wanted) >= 4
    assert wanted - shown == set()


@pytest.mark.usefixtures("models")
async def test_every_example_is_answered_well(
    client: httpx.AsyncClient, document: dict[str, Any], admin_token: str
) -> None:
    caller = Caller(client, admin_token)
    answers = {e[:3]: await caller.post(e) for e in in_order(request_examples(document))}
    failed = {key: (a.status_code, a.text[:300]) for key, a in answers.items() if a.is_error}
    assert failed == {}
    native = {key: a for key, a in answers.items() if not key[1].startswith(COMPATIBLE)}
    assert all(answer.json()["success"] is True for answer in native.values())


@pytest.mark.usefixtures("models")
async def test_every_page_without_parameters_is_answered(
    client: httpx.AsyncClient, document: dict[str, Any], admin_token: str
) -> None:
    headers = {"authorization": f"Bearer {admin_token}"}
    paths = [p for p, o in document["paths"].items() if "get" in o and "{" not in p]
    answers = {path: await client.get(path, headers=headers) for path in paths}
    assert {path: a.text[:300] for path, a in answers.items() if a.status_code != 200} == {}
    native = [
        a.json()
        for path, a in answers.items()
        if "json" in a.headers["content-type"] and not path.startswith(COMPATIBLE)
    ]
    assert all(told["success"] is True for told in native)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_documentation_needs_no_other_host(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)
    assert page.status_code == 200
    links = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    assert links
    for link in links:
        assert (await client.get(link)).status_code == 200, link

"""Every documented example works when it is posted in the document's order."""

from typing import Any

import httpx

from auth_svc.api import requests
from auth_svc.identities import User
from tests.unit.auth_svc.conftest import Client, bearer

METHODS = ("post", "put", "patch", "delete", "get")


async def test_every_body_has_an_example_and_every_route_a_summary(client: Client) -> None:
    document = (await client.http.get("/openapi.json")).json()
    paths = {path for path in document["paths"] if path.startswith("/auth")}
    assert paths == {
        "/auth/register",
        "/auth/login",
        "/auth/refresh",
        "/auth/logout",
        "/auth/profile",
        "/auth/password",
        "/auth/generate-key",
        "/auth/api-keys",
        "/auth/api-keys/{key_id}",
        "/auth/users",
        "/auth/users/{name}",
    }
    for path in paths:
        for operation in document["paths"][path].values():
            assert operation["summary"]
            body = operation.get("requestBody")
            assert body is None or body["content"]["application/json"]["examples"]


def example_of(document: dict[str, Any], method: str, path: str) -> Any:
    content = document["paths"][path][method]["requestBody"]["content"]["application/json"]
    (example,) = content["examples"].values()
    return example["value"]


async def test_examples_tell_a_story_that_works(client: Client, boss: User) -> None:
    document = (await client.http.get("/openapi.json")).json()

    async def call(method: str, path: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        value = body or example_of(document, method, path)
        path = path.replace("{name}", requests.EXAMPLE_USER)
        answer = await client.http.request(method, path, json=value, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer

    await call("post", "/auth/register", {})
    token = (await call("post", "/auth/login", {})).json()["token"]
    assert example_of(document, "post", "/auth/refresh") == {"refresh_token": "{refresh_token}"}
    token = (await call("post", "/auth/refresh", {}, refresh_token=token["refresh_token"])).json()[
        "token"
    ]
    await call("post", "/auth/generate-key", bearer(token["access_token"]))
    token = (await call("put", "/auth/password", bearer(token["access_token"]))).json()["token"]
    await call("post", "/auth/logout", bearer(token["access_token"]))
    await call("patch", "/auth/users/{name}", client.as_user(boss))

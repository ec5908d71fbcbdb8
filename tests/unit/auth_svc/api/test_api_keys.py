import pytest

from auth_svc.identities import User
from tests.unit.auth_svc.conftest import Client

WANTED = {"name": "ci", "scopes": ["predict", "audio"], "expires_in_days": 30}


async def test_key_is_shown_once_and_never_its_hash(client: Client, ada: User) -> None:
    headers = client.as_user(ada)
    answer = await client.http.post("/auth/generate-key", json=WANTED, headers=headers)
    body = answer.json()
    assert answer.status_code == 201
    assert body["api_key"].startswith("sk_")
    assert body["key"]["scopes"] == ["audio", "predict"]
    assert answer.headers["cache-control"] == "no-store"
    listed = await client.http.get("/auth/api-keys", headers=headers)
    assert listed.json()["total"] == 1
    assert listed.json()["api_keys"] == [body["key"]]
    for text in (answer.text.replace(body["api_key"], ""), listed.text):
        assert body["api_key"] not in text
        assert "digest" not in text
        assert "hash" not in text


async def test_key_works_in_both_headers_until_it_is_deleted(client: Client, ada: User) -> None:
    headers = client.as_user(ada)
    made = (await client.http.post("/auth/generate-key", json=WANTED, headers=headers)).json()
    for used in (
        {"x-api-key": made["api_key"]},
        {"authorization": f"Bearer {made['api_key']}"},
    ):
        assert (await client.http.get("/auth/profile", headers=used)).status_code == 200
    path = f"/auth/api-keys/{made['key']['id']}"
    assert (await client.http.delete(path, headers=headers)).json()["success"] is True
    answer = await client.http.get("/auth/profile", headers={"x-api-key": made["api_key"]})
    assert (answer.status_code, answer.json()["code"]) == (401, "key_invalid")
    assert (await client.http.delete(path, headers=headers)).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "ci", "expires_in_days": 0}, "expires_in_days"),
        ({"name": "ci", "expires_in_days": 366}, "expires_in_days"),
        ({"name": "ci", "scopes": ["nope"]}, "scopes"),
        ({"name": "ci", "scopes": []}, "scopes"),
        ({"name": "ci", "scopes": "predict"}, "scopes"),
    ],
)
async def test_wrong_field_is_named(
    client: Client, ada: User, body: dict[str, object], field: str
) -> None:
    answer = await client.http.post("/auth/generate-key", json=body, headers=client.as_user(ada))
    assert answer.status_code == 422
    assert answer.json()["field"] == field


async def test_scope_that_one_has_not_is_a_403(client: Client, ada: User) -> None:
    answer = await client.http.post(
        "/auth/generate-key", json={"name": "x", "scopes": ["admin"]}, headers=client.as_user(ada)
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_key_can_not_make_or_delete_keys(client: Client, ada: User) -> None:
    key, text = client.services.key_ring.generate(ada, "ci", None, None)
    headers = {"x-api-key": text}
    made = await client.http.post("/auth/generate-key", json=WANTED, headers=headers)
    deleted = await client.http.delete(f"/auth/api-keys/{key.id}", headers=headers)
    assert {made.json()["code"], deleted.json()["code"]} == {"login_needed"}


async def test_keys_of_others_are_neither_listed_nor_deleted(
    client: Client, ada: User, boss: User
) -> None:
    key, _ = client.services.key_ring.generate(boss, "ci", None, None)
    headers = client.as_user(ada)
    assert (await client.http.get("/auth/api-keys", headers=headers)).json()["total"] == 0
    answer = await client.http.delete(f"/auth/api-keys/{key.id}", headers=headers)
    assert answer.status_code == 404

import pytest

from auth_svc.app import Stores
from auth_svc.identities import User
from tests.unit.auth_svc.conftest import PASSWORD, Client, bearer


async def test_login_answers_as_the_contract_says(client: Client, ada: User) -> None:
    answer = await client.http.post("/auth/login", json={"username": "ada", "password": PASSWORD})
    body = answer.json()
    assert answer.status_code == 200
    assert body["success"] is True
    assert set(body["token"]) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (body["token"]["token_type"], body["token"]["expires_in"]) == ("bearer", 1800)
    assert body["user"]["username"] == "Ada"
    assert "predict" in body["user"]["scopes"]
    assert "hash" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["ada", "nobody"])
async def test_wrong_password_and_unknown_user_answer_alike(
    client: Client, ada: User, name: str
) -> None:
    answer = await client.http.post(
        "/auth/login", json={"username": name, "password": "wrong wrong"}
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "credentials_wrong"
    assert name not in answer.json()["detail"]


async def test_sixth_wrong_password_is_a_429_that_says_when(client: Client, ada: User) -> None:
    body = {"username": "ada", "password": "wrong wrong"}
    statuses = [(await client.http.post("/auth/login", json=body)).status_code for _ in range(5)]
    last = await client.http.post("/auth/login", json=body)
    assert statuses == [401] * 5
    assert last.status_code == 429
    assert last.headers["retry-after"] == "30"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "ada"}, "password"),
        ({"password": "x"}, "username"),
        ({"username": 5, "password": "x"}, "username"),
        ({"username": "ada", "password": "x", "passwd": "x"}, "passwd"),
    ],
)
async def test_wrong_body_names_the_field(
    client: Client, body: dict[str, object], field: str
) -> None:
    answer = await client.http.post("/auth/login", json=body)
    assert answer.status_code == 422
    assert answer.json()["field"] == field


async def test_refresh_rotates_and_a_reused_token_ends_the_session(
    client: Client, ada: User
) -> None:
    first = client.login(ada).refresh_token
    body = {"refresh_token": first}
    answer = await client.http.post("/auth/refresh", json=body)
    fresh = answer.json()["token"]
    assert answer.status_code == 200
    assert fresh["refresh_token"] != first
    profile = await client.http.get("/auth/profile", headers=bearer(fresh["access_token"]))
    assert profile.status_code == 200
    again = await client.http.post("/auth/refresh", json=body)
    assert (again.status_code, again.json()["code"]) == (401, "refresh_reused")
    profile = await client.http.get("/auth/profile", headers=bearer(fresh["access_token"]))
    assert (profile.status_code, profile.json()["code"]) == (401, "token_revoked")


@pytest.mark.parametrize("how", ["query", "body"])
async def test_logout_of_all_ends_every_session(
    client: Client, ada: User, stores: Stores, how: str
) -> None:
    client.login(ada)
    answer = await client.http.post(
        "/auth/logout",
        headers=client.as_user(ada),
        params={"all": "true"} if how == "query" else {},
        json={"all": True} if how == "body" else None,
    )
    assert answer.json()["sessions_ended"] == 2
    assert stores.sessions.of_user(ada.id) == []


async def test_logout_ends_this_session_alone_and_needs_no_body(client: Client, ada: User) -> None:
    headers, other = client.as_user(ada), client.as_user(ada)
    answer = await client.http.post("/auth/logout", headers=headers)
    assert answer.json()["sessions_ended"] == 1
    assert (await client.http.get("/auth/profile", headers=headers)).status_code == 401
    assert (await client.http.get("/auth/profile", headers=other)).status_code == 200


async def test_api_key_has_no_session_to_log_out_of(client: Client, ada: User) -> None:
    _, key = client.services.key_ring.generate(ada, "ci", None, None)
    answer = await client.http.post("/auth/logout", headers={"x-api-key": key})
    assert (answer.status_code, answer.json()["code"]) == (403, "login_needed")

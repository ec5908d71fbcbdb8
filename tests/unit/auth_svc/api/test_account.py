import pytest

from auth_svc.app import Stores
from auth_svc.identities import User
from tests.unit.auth_svc.conftest import PASSWORD, Client, bearer

BOB = {"username": "bob", "email": "bob@example.com", "password": PASSWORD}


async def test_anybody_can_register_where_it_is_open(client: Client, stores: Stores) -> None:
    answer = await client.http.post("/auth/register", json={**BOB, "full_name": "Bob B."})
    assert answer.status_code == 201
    user = answer.json()["user"]
    assert (user["username"], user["full_name"], user["role"]) == ("bob", "Bob B.", "user")
    assert user["last_login_at"] is None
    assert user["created_at"].endswith("Z")
    assert stores.users.find("bob") is not None


@pytest.mark.parametrize("auth_yaml", [""])
async def test_closed_registration_is_for_admins(
    client: Client, ada: User, boss: User, auth_yaml: str
) -> None:
    for headers in ({}, client.as_user(ada)):
        answer = await client.http.post("/auth/register", json=BOB, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")
    answer = await client.http.post("/auth/register", json=BOB, headers=client.as_user(boss))
    assert answer.status_code == 201


@pytest.mark.parametrize("auth_yaml", [""])
async def test_while_auth_is_off_whoever_can_call_may_register(
    environ: dict[str, str], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    object.__setattr__(client.services, "auth_enabled", False)
    assert (await client.http.post("/auth/register", json=BOB)).status_code == 201


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"username": "ab"}, "username"),
        ({"username": "a" * 51}, "username"),
        ({"username": "a b c"}, "username"),
        ({"username": "../etc"}, "username"),
        ({"email": "nonsense"}, "email"),
        ({"email": "a@b c"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "password1"}, "password"),
        ({"full_name": "x" * 201}, "full_name"),
        ({"role": "admin"}, "role"),
    ],
)
async def test_wrong_field_is_named(client: Client, changed: dict[str, str], field: str) -> None:
    answer = await client.http.post("/auth/register", json=BOB | changed)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert answer.json()["detail"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"username": "ADA"}, "username_taken"), ({"email": "ADA@example.com"}, "email_taken")],
)
async def test_taken_name_or_email_is_a_conflict(
    client: Client, ada: User, changed: dict[str, str], code: str
) -> None:
    answer = await client.http.post("/auth/register", json=BOB | changed)
    assert (answer.status_code, answer.json()["code"]) == (409, code)


async def test_profile_tells_user_and_credential(client: Client, ada: User) -> None:
    answer = await client.http.get("/auth/profile", headers=client.as_user(ada))
    body = answer.json()
    assert body["user"]["email"] == "ada@example.com"
    assert body["credential"]["kind"] == "session"
    _, key = client.services.key_ring.generate(ada, "ci", ["predict"], 30)
    answer = await client.http.get("/auth/profile", headers={"x-api-key": key})
    assert answer.json()["credential"]["kind"] == "api_key"
    assert answer.json()["credential"]["scopes"] == ["predict"]


async def test_profile_without_a_credential_is_a_401(client: Client) -> None:
    answer = await client.http.get("/auth/profile")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "credential_missing"


async def test_password_change_ends_the_old_token_and_answers_a_new_one(
    client: Client, ada: User
) -> None:
    headers = client.as_user(ada)
    answer = await client.http.put(
        "/auth/password",
        headers=headers,
        json={"current_password": PASSWORD, "new_password": "staple horse correct"},
    )
    assert answer.status_code == 200
    assert (await client.http.get("/auth/profile", headers=headers)).status_code == 401
    fresh = bearer(answer.json()["token"]["access_token"])
    assert (await client.http.get("/auth/profile", headers=fresh)).status_code == 200


async def test_api_key_can_not_change_the_password(client: Client, ada: User) -> None:
    _, key = client.services.key_ring.generate(ada, "ci", None, None)
    answer = await client.http.put(
        "/auth/password",
        headers={"x-api-key": key},
        json={"current_password": PASSWORD, "new_password": "staple horse correct"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "login_needed")

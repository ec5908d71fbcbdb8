import pytest

from auth_svc.app import Stores
from auth_svc.identities import User
from tests.unit.auth_svc.conftest import PASSWORD, Client

CALLS = [("GET", "/auth/users"), ("PATCH", "/auth/users/ada"), ("DELETE", "/auth/users/ada")]


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_routes_are_for_admins_alone(
    client: Client, ada: User, method: str, path: str
) -> None:
    body = {"role": "admin"} if method == "PATCH" else None
    nobody = await client.http.request(method, path, json=body)
    somebody = await client.http.request(method, path, headers=client.as_user(ada), json=body)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "credential_missing")
    assert (somebody.status_code, somebody.json()["code"]) == (403, "scope_missing")


async def test_key_with_the_scope_admin_is_an_admin_and_another_is_not(
    client: Client, boss: User
) -> None:
    ring = client.services.key_ring
    _, admins = ring.generate(boss, "all", ["admin"], 1)
    _, others = ring.generate(boss, "some", None, 1)
    statuses = [
        (await client.http.get("/auth/users", headers={"x-api-key": key})).status_code
        for key in (admins, others)
    ]
    assert statuses == [200, 403]


async def test_users_are_listed_in_pages_without_their_hashes(
    client: Client, ada: User, boss: User
) -> None:
    headers = client.as_user(boss)
    answer = await client.http.get("/auth/users", headers=headers)
    assert answer.json()["total"] == 3
    assert [user["username"] for user in answer.json()["users"]] == ["Ada", "admin", "boss"]
    assert "argon2" not in answer.text
    page = await client.http.get("/auth/users?offset=2&limit=1", headers=headers)
    assert [user["username"] for user in page.json()["users"]] == ["boss"]
    wrong = await client.http.get("/auth/users?limit=0", headers=headers)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "limit")


async def test_patched_user_is_answered_and_has_a_new_start(
    client: Client, ada: User, boss: User
) -> None:
    adas = client.as_user(ada)
    answer = await client.http.patch(
        "/auth/users/ADA", json={"role": "operator"}, headers=client.as_user(boss)
    )
    assert answer.json()["user"]["role"] == "operator"
    assert "models:write" in answer.json()["user"]["scopes"]
    assert (await client.http.get("/auth/profile", headers=adas)).json()["code"] == "token_revoked"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"role": "king"}, 422, "role"),
        ({"username": "eve"}, 422, "username"),
        ({"email": "x"}, 422, "email"),
        ({"password": "password1"}, 422, "password"),
    ],
)
async def test_wrong_patch_names_the_field(
    client: Client, ada: User, boss: User, body: dict[str, str], status: int, field: str
) -> None:
    answer = await client.http.patch("/auth/users/ada", json=body, headers=client.as_user(boss))
    assert (answer.status_code, answer.json()["field"]) == (status, field)


async def test_disabled_user_can_do_nothing_until_enabled(
    client: Client, ada: User, boss: User
) -> None:
    adas, headers = client.as_user(ada), client.as_user(boss)
    login = {"username": "ada", "password": PASSWORD}
    await client.http.patch("/auth/users/ada", json={"disabled": True}, headers=headers)
    assert (await client.http.get("/auth/profile", headers=adas)).status_code == 401
    assert (await client.http.post("/auth/login", json=login)).json()["code"] == "account_disabled"
    await client.http.patch("/auth/users/ada", json={"disabled": False}, headers=headers)
    assert (await client.http.post("/auth/login", json=login)).status_code == 200


async def test_deleted_user_is_gone(client: Client, ada: User, boss: User, stores: Stores) -> None:
    adas, headers = client.as_user(ada), client.as_user(boss)
    assert (await client.http.delete("/auth/users/ada", headers=headers)).status_code == 200
    assert stores.users.get(ada.id) is None
    assert (await client.http.get("/auth/profile", headers=adas)).status_code == 401
    assert (await client.http.delete("/auth/users/ada", headers=headers)).status_code == 404


async def test_last_admin_stays(client: Client, boss: User) -> None:
    headers = client.as_user(boss)
    await client.http.delete("/auth/users/admin", headers=headers)
    answer = await client.http.delete("/auth/users/boss", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")

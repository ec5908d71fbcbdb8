"""auth-svc, a real Redis and a gateway's verifier together."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fleetserve.auth.scopes import Scope
from fleetserve.auth.verifier import AuthVerifier
from fleetserve.errors import UnauthorizedError, UnavailableError
from tests.integration.auth_svc.auth_process import AuthProcess, until
from tests.redis_server import RedisServer

ADA = {"username": "ada", "email": "ada@example.com", "password": "correct horse battery"}
SOON_S = 1.0


@pytest.fixture
async def auth(
    tmp_path: Path, redis_server: RedisServer, anyio_backend: str
) -> AsyncIterator[AuthProcess]:
    auth = AuthProcess(tmp_path / "a home", redis_server.url)
    await auth.start()
    yield auth
    auth.kill()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def login(client: httpx.AsyncClient, username: str, password: str) -> dict[str, Any]:
    answer = await client.post("/auth/login", json={"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    token: dict[str, Any] = answer.json()["token"]
    return token


async def admin_of(auth: AuthProcess, client: httpx.AsyncClient) -> dict[str, str]:
    """The headers of the first admin, who logs in with the file's password."""
    password = (auth.home / "data" / "auth" / "admin-password").read_text().strip()
    return bearer((await login(client, "admin", password))["access_token"])


async def ada_of(auth: AuthProcess, client: httpx.AsyncClient) -> dict[str, Any]:
    """A new user's tokens."""
    headers = await admin_of(auth, client)
    answer = await client.post("/auth/register", json=ADA, headers=headers)
    assert answer.status_code == 201, answer.text
    return await login(client, ADA["username"], ADA["password"])


async def refused_within(gateway: AuthVerifier, credential: str, within_s: float) -> float:
    """Seconds until the gateway no longer knows it; then it must refuse it."""
    took_s = await until(lambda: gateway.known(credential) is None, within_s)
    with pytest.raises(UnauthorizedError):
        await gateway.check(credential)
    return took_s


async def test_logged_out_token_is_refused_by_every_gateway_within_a_second(
    auth: AuthProcess,
) -> None:
    async with auth.client() as client, auth.gateway() as one, auth.gateway() as two:
        token = (await ada_of(auth, client))["access_token"]
        for gateway in (one, two):
            principal = await gateway.check(token)
            assert principal.owner == "ada"
            assert Scope.PREDICT in principal.scopes
        await client.post("/auth/logout", headers=bearer(token))
        for gateway in (one, two):
            await refused_within(gateway, token, SOON_S)


async def test_deleted_key_is_refused_within_a_second(auth: AuthProcess) -> None:
    async with auth.client() as client, auth.gateway() as gateway:
        headers = bearer((await ada_of(auth, client))["access_token"])
        made = (
            await client.post("/auth/generate-key", json={"name": "ci"}, headers=headers)
        ).json()
        assert (await gateway.check(made["api_key"])).owner == "ada"
        await client.delete(f"/auth/api-keys/{made['key']['id']}", headers=headers)
        await refused_within(gateway, made["api_key"], SOON_S)


async def test_disabled_user_is_refused_within_a_second_with_token_and_key(
    auth: AuthProcess,
) -> None:
    async with auth.client() as client, auth.gateway() as gateway:
        admin = await admin_of(auth, client)
        await client.post("/auth/register", json=ADA, headers=admin)
        token = (await login(client, ADA["username"], ADA["password"]))["access_token"]
        key = (
            await client.post("/auth/generate-key", json={"name": "ci"}, headers=bearer(token))
        ).json()["api_key"]
        for credential in (token, key):
            await gateway.check(credential)
        answer = await client.patch("/auth/users/ada", json={"disabled": True}, headers=admin)
        assert answer.status_code == 200, answer.text
        for credential in (token, key):
            await refused_within(gateway, credential, SOON_S)


async def test_without_auth_svc_known_credentials_go_on_and_others_are_a_503(
    auth: AuthProcess,
) -> None:
    async with auth.client() as client, auth.gateway() as gateway:
        tokens = await ada_of(auth, client)
        known = tokens["access_token"]
        key = (
            await client.post("/auth/generate-key", json={"name": "ci"}, headers=bearer(known))
        ).json()["api_key"]
        await gateway.check(known)
        auth.kill()
        assert (await gateway.check(known)).owner == "ada"
        with pytest.raises(UnavailableError) as caught:
            await gateway.check(key)
        assert caught.value.code == "auth_unavailable"
    await auth.start()
    async with auth.client() as client, auth.gateway() as gateway:
        assert (await gateway.check(key)).owner == "ada"
        assert (await gateway.check(known)).owner == "ada"
        answer = await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert answer.status_code == 200


async def test_without_redis_logins_go_on_and_revocations_arrive_when_it_is_back(
    auth: AuthProcess, redis_server: RedisServer
) -> None:
    async with auth.client() as client, auth.gateway() as gateway:
        token = (await ada_of(auth, client))["access_token"]
        await gateway.check(token)
        redis_server.stop()
        await login(client, ADA["username"], ADA["password"])
        await client.post("/auth/logout", headers=bearer(token))
        answer = await client.get("/auth/profile", headers=bearer(token))
        assert answer.status_code == 401
        assert gateway.known(token) is not None
        redis_server.start()
        await refused_within(gateway, token, 4.0)


async def test_hung_redis_delays_a_logout_by_its_timeout_only(
    auth: AuthProcess, redis_server: RedisServer
) -> None:
    async with auth.client() as client, auth.gateway() as gateway:
        token = (await ada_of(auth, client))["access_token"]
        await gateway.check(token)
        redis_server.hang()
        answer = await client.post("/auth/logout", headers=bearer(token))
        assert answer.status_code == 200
        assert answer.elapsed.total_seconds() < 2.0
        redis_server.resume()
        await refused_within(gateway, token, 4.0)


async def test_password_file_is_gone_after_the_first_login_and_not_made_again(
    auth: AuthProcess,
) -> None:
    file = auth.home / "data" / "auth" / "admin-password"
    log = auth.log()
    assert str(file) in log
    assert file.read_text().strip() not in log
    async with auth.client() as client:
        await admin_of(auth, client)
    assert not file.exists()
    assert auth.stop() == 0
    await auth.start()
    assert not file.exists()


async def test_secrets_stay_out_of_the_logs(auth: AuthProcess) -> None:
    async with auth.client() as client:
        tokens = await ada_of(auth, client)
        headers = bearer(tokens["access_token"])
        key = (
            await client.post("/auth/generate-key", json={"name": "ci"}, headers=headers)
        ).json()["api_key"]
        await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    auth.stop()
    log = auth.log()
    assert "refresh_token.reused" in log
    for secret in (ADA["password"], key, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in log

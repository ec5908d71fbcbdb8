"""The service put together as it starts."""

from pathlib import Path

import httpx
import pytest

from auth_svc.app import build, open_database, reset_admin
from auth_svc.database.database import Database
from auth_svc.passwords import PasswordHashes
from auth_svc.settings import load_settings
from auth_svc.users.sql import SqlUserStore
from fleetserve.dashboard.view import Table
from fleetserve.tokens import TOKEN_HEADER, TokenSigner, make_secrets
from tests.redis_server import RedisServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "auth"


async def test_service_starts_from_nothing_and_its_health_tells_the_database(
    environ: dict[str, str], folder: Path, redis_server: RedisServer, own_logging: None
) -> None:
    settings = load_settings({**environ, "REDIS_URL": redis_server.url})
    make_secrets(settings.service.secrets_dir, ["gateway", "auth-svc"])
    app, runtime = build(settings)
    signer = TokenSigner(settings.service.secrets_dir, "gateway", runtime.clock)
    headers = {TOKEN_HEADER: signer.token_for("auth-svc")}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://auth") as client:
        health = (await client.get("/health")).json()
        assert health["checks"]["database"] == {
            **health["checks"]["database"],
            "healthy": True,
            "detail": "sqlite",
        }
        password = (folder / "admin-password").read_text().strip()
        login = await client.post(
            "/auth/login", json={"username": "admin", "password": password}, headers=headers
        )
        assert login.json()["user"]["role"] == "admin"
        assert not (folder / "admin-password").exists()
    table = runtime.tables[0]()
    assert isinstance(table, Table)
    assert table.rows == [["logins", 1]]
    for close in runtime.on_shutdown:
        await close()
    await runtime.redis.aclose()
    runtime.sink.close()


def test_lost_admin_password_can_be_reset_and_redis_need_not_be_there(
    environ: dict[str, str], folder: Path
) -> None:
    settings = load_settings({**environ, "REDIS_URL": "redis://127.0.0.1:1/0"})
    path = reset_admin(settings)
    assert path == folder / "admin-password"
    first = path.read_text()
    reset_admin(settings)
    engine = open_database(settings)
    user = SqlUserStore(Database(engine)).find("admin")
    engine.dispose()
    assert user is not None
    assert path.read_text() != first
    assert PasswordHashes().matches(user.password_hash, path.read_text().strip())

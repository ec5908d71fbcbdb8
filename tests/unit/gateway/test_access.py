import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetserve.audit_log import AuditLog
from fleetserve.auth.config import AuthConfig
from fleetserve.runtime import ServiceRuntime
from fleetserve.settings import load_service_settings
from gateway.access import Access, make_access
from tests.unit.gateway.fleet import Client, Fleet, announced, answering, failing


def made(fleet: Fleet, audit: AuditLog, **environ: str) -> Access:
    """The access of a gateway under these settings."""
    runtime: ServiceRuntime = fleet.runtime
    home = str(runtime.settings.home)
    environ = {"FLEETSERVE_HOME": home, "FLEETSERVE_CONFIG": f"{home}/none.yaml", **environ}
    settings = load_service_settings("gateway", environ)
    changed = dataclasses.replace(runtime, settings=settings, background=[])
    access = make_access(
        changed, AuthConfig(), fleet.table, fleet.calls, audit, frozenset({"/predict"})
    )
    runtime.background[:] = changed.background
    return access


@pytest.fixture
def audit(tmp_path: Path, fleet: Fleet) -> Iterator[AuditLog]:
    audit = AuditLog(tmp_path / "audit", fleet.clock)
    yield audit
    audit.close()


async def admitted(access: Access, host: str = "localhost", **headers: str) -> int:
    """200, or the status of the refusal."""

    async def app(scope: object, receive: object, send: object) -> None:
        if await access.entrance.admit(scope, send) is None:  # type: ignore[arg-type]
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]

    client = await Client(app).send("GET", "/models", headers={"host": host, **headers})
    return client.status


async def test_without_auth_only_the_host_decides(fleet: Fleet, audit: AuditLog) -> None:
    access = made(fleet, audit)
    assert await admitted(access) == 200
    assert await admitted(access, host="evil.example") == 403
    assert fleet.runtime.background == []


@pytest.mark.parametrize("key", ["ENABLE_AUTH", "ALLOW_OPEN"])
async def test_fleet_that_is_open_on_purpose_takes_any_host_unless_told(
    fleet: Fleet, audit: AuditLog, key: str
) -> None:
    access = made(fleet, audit, **{key: "true"})
    assert await admitted(access, host="fleet.example") in (200, 401)
    access = made(
        fleet, audit, **{key: "true", "FLEETSERVE_SECURITY__ALLOWED_HOSTS": '["a.example"]'}
    )
    assert await admitted(access, host="fleet.example") == 403
    assert await admitted(access, host="a.example") in (200, 401)


async def test_with_auth_a_request_without_a_credential_is_refused(
    fleet: Fleet, audit: AuditLog
) -> None:
    access = made(fleet, audit, ENABLE_AUTH="true")
    assert await admitted(access) == 401
    assert len(fleet.runtime.background) == 2


async def test_auth_service_that_has_just_died_is_not_asked_alone(
    fleet: Fleet, audit: AuditLog
) -> None:
    fleet.add(failing(sent=False), announced("u1", service="auth-svc"))
    fleet.add(answering(status=404), announced("u2", service="auth-svc"))
    access = made(fleet, audit, ENABLE_AUTH="true")
    assert await admitted(access, **{"x-api-key": "sk_" + "a" * 43}) == 401
    assert fleet.sent_to() == ["u1", "u2"]


async def test_no_auth_service_is_a_503_and_not_a_refusal(fleet: Fleet, audit: AuditLog) -> None:
    access = made(fleet, audit, ENABLE_AUTH="true")
    assert await admitted(access, **{"x-api-key": "sk_" + "a" * 43}) == 503

import httpx
import pytest

from auth_svc.identities import User
from fleetserve.app import wrap_control
from fleetserve.auth.api_keys import digest
from fleetserve.auth.public_keys import parse_jwks
from fleetserve.auth.source.service import ServiceAuthSource
from tests.unit.auth_svc.conftest import Client


@pytest.fixture
def source(client: Client) -> ServiceAuthSource:
    """As a gateway asks."""

    async def get(path: str) -> tuple[int, bytes]:
        answer = await client.http.get(path)
        return answer.status_code, answer.content

    return ServiceAuthSource(get)


async def test_gateways_get_the_public_keys(source: ServiceAuthSource, client: Client) -> None:
    keys = parse_jwks(await source.public_keys())
    assert set(keys) == {client.services.signing_keys.current().id}


async def test_gateways_can_look_a_key_up_by_its_digest(
    source: ServiceAuthSource, client: Client, ada: User
) -> None:
    key, text = client.services.key_ring.generate(ada, "ci", ["predict"], 30)
    record = await source.key(digest(text))
    assert record is not None
    assert (record.key_id, record.owner, record.scopes) == (key.id, "Ada", ("predict",))
    assert await source.key("0" * 64) is None


async def test_what_is_no_digest_is_a_422(client: Client) -> None:
    assert (await client.http.get("/internal/keys/sk_x")).status_code == 422


async def test_internal_routes_are_not_documented(client: Client) -> None:
    document = (await client.http.get("/openapi.json")).json()
    assert not [path for path in document["paths"] if path.startswith("/internal")]


@pytest.mark.parametrize("path", ["/internal/jwks", "/auth/profile", "/auth/login", "/metrics"])
async def test_every_route_wants_the_fleets_own_token(client: Client, path: str) -> None:
    transport = httpx.ASGITransport(wrap_control(client.http._transport.app))  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=transport, base_url="http://auth") as stranger:
        answer = await stranger.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "service_token_required")
        assert (await stranger.get("/health/live")).status_code == 200

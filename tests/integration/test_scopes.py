"""Auth on, against a running fleet: each route is refused without its credential and scope."""

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import httpx
import pytest

from fleetserve.auth.scopes import ALL_SCOPES, CLOSED, ROUTES, Access, RouteScopes, Scope
from fleetserve.clock import SystemClock
from fleetserve.tokens import TOKEN_HEADER, TokenSigner
from tests.integration.fleet import Fleet

METHODS = {"get", "put", "post", "delete", "patch"}
# Enough for the routes that look into the body before they ask for the credential.
BODY = {"model_name": "example", "inputs": [1.0]}
GRANTABLE = ALL_SCOPES - {Scope.ADMIN}
PARAMETER = re.compile(r"\{[^}]*\}")


class Route(NamedTuple):
    method: str
    path: str

    @property
    def pattern(self) -> "Route":
        """The same however its parameters are called."""
        return Route(self.method, PARAMETER.sub("{}", self.path))

    @property
    def example(self) -> str:
        return PARAMETER.sub("some-name", self.path)

    @property
    def access(self) -> Access:
        return RouteScopes().access(self.method, self.example)


STATED = {Route(method, path).pattern for method, path, _ in ROUTES}


@pytest.fixture(scope="module")
def routes(closed_fleet: Fleet) -> list[Route]:
    return find_routes(closed_fleet.url)


def find_routes(url: str) -> list[Route]:
    """Every route that the fleet documents or the table of scopes has."""
    document = httpx.get(f"{url}/openapi.json", timeout=30).json()
    documented = [
        Route(method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
        if method in METHODS
    ]
    assert len(documented) > 40
    return documented + [Route(method, path) for method, path, _ in ROUTES]


class Keys:
    """API keys by their scopes, made once each."""

    def __init__(self, url: str, admin: dict[str, str]) -> None:
        self._url = f"{url}/auth/generate-key"
        self._admin = admin
        self._made: dict[frozenset[Scope], dict[str, str]] = {}

    def headers(self, scopes: frozenset[Scope]) -> dict[str, str]:
        if scopes not in self._made:
            body = {"name": "a test's", "scopes": sorted(scopes)}
            answer = httpx.post(self._url, json=body, headers=self._admin, timeout=30)
            assert answer.is_success, answer.text
            self._made[scopes] = {"X-API-Key": answer.json()["api_key"]}
        return self._made[scopes]


@pytest.fixture(scope="module")
def keys(closed_fleet: Fleet, admin: dict[str, str]) -> Keys:
    return Keys(closed_fleet.url, admin)


@pytest.fixture
async def client(closed_fleet: Fleet, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    async with closed_fleet.client() as client:
        yield client


class Refusal(NamedTuple):
    """``code``: the native shape's; the other protocols have words of their own."""

    status: int
    code: str | None

    def is_for(self, status: int, code: str) -> bool:
        return self.status == status and self.code in (code, None)


async def ask(
    client: httpx.AsyncClient, route: Route, headers: dict[str, str] | None = None
) -> Refusal:
    """What came back."""
    body = None if route.method == "GET" else BODY
    answer = await client.request(route.method, route.example, json=body, headers=headers)
    if route.path.startswith(("/v1", "/v2")):
        return Refusal(answer.status_code, None)
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    return Refusal(answer.status_code, answer.json().get("code", "") if is_json else "")


def test_every_documented_route_has_a_row_in_the_table_of_scopes(routes: list[Route]) -> None:
    missing = [route for route in routes if route.pattern not in STATED]
    assert missing == [], "state in fleetserve/auth/scopes.py who may call them"


async def test_without_a_credential_every_route_but_the_open_ones_is_a_401(
    client: httpx.AsyncClient, routes: list[Route]
) -> None:
    await check_credential_is_needed(client, routes)


async def check_credential_is_needed(client: httpx.AsyncClient, routes: list[Route]) -> None:
    for route in routes:
        refusal = await ask(client, route)
        if route.access.open:
            assert refusal.status != 401 or refusal.code != "credential_missing", route
        else:
            assert refusal.is_for(401, "credential_missing"), (route, refusal)


async def test_a_key_with_every_scope_but_the_needed_is_a_403(
    client: httpx.AsyncClient, routes: list[Route], keys: Keys
) -> None:
    await check_scope_is_needed(client, routes, keys)


async def check_scope_is_needed(client: httpx.AsyncClient, routes: list[Route], keys: Keys) -> None:
    asked = [route for route in routes if route.access.any_of]
    assert {scope for route in asked for scope in route.access.any_of} == ALL_SCOPES
    for route in asked:
        others = GRANTABLE - frozenset(route.access.any_of)
        refusal = await ask(client, route, keys.headers(others))
        assert refusal.is_for(403, "scope_missing"), (route, refusal)


async def test_a_key_with_nothing_but_a_needed_scope_is_let_in(
    client: httpx.AsyncClient, routes: list[Route], keys: Keys
) -> None:
    for route in routes:
        if route.access == CLOSED:
            continue
        for scope in route.access.any_of:
            status, _ = await ask(client, route, keys.headers(frozenset([scope])))
            assert status not in (401, 403), (route, scope)


async def test_services_refuse_whoever_comes_without_their_fleets_token(
    client: httpx.AsyncClient, closed_fleet: Fleet, admin: dict[str, str]
) -> None:
    told = (await client.get("/info", headers=admin)).json()
    services = {s["name"]: s["addresses"] for s in told["services"] if s["addresses"]}
    del services["gateway"]
    assert len(services) == 6
    signer = TokenSigner(closed_fleet.home / "secrets", "gateway", SystemClock())
    for name, addresses in services.items():
        another = signer.token_for("auth-svc" if name == "gpu-svc" else "gpu-svc")
        wrong = [{}, {TOKEN_HEADER: "nonsense"}, {TOKEN_HEADER: another}, admin]
        for address in addresses:
            for headers in wrong:
                for path in ("/internal/status", "/metrics", "/dashboard", "/predict"):
                    answer = await client.get(address + path, headers=headers)
                    assert answer.status_code == 401, (name, path, headers)

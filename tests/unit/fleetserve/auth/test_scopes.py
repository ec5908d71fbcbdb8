import re
from pathlib import Path

import pytest

from fleetserve.auth.scopes import CLOSED, OPEN, PROBE, ROUTES, SIGN_IN, RouteScopes, Scope

TABLE = RouteScopes()
OPEN_PATHS = {
    "/",
    "/health",
    "/health/live",
    "/health/ready",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/docs-assets/{file:rest}",
    "/favicon.ico",
    "/dashboard",
    "/dashboard/{service}",
    "/dashboard-assets/{file:rest}",
    "/studio",
    "/studio-assets/{file:rest}",
    "/auth/register",
    "/auth/login",
    "/auth/refresh",
}


def example_of(path: str) -> str:
    """A path of that pattern."""
    return re.sub(r"\{\w+(:rest)?\}", "some-name", path)


def test_only_health_docs_and_signing_in_are_open() -> None:
    assert {path for _, path, access in ROUTES if access.open} == OPEN_PATHS


@pytest.mark.parametrize(("method", "path", "access"), ROUTES, ids=lambda v: str(v)[:40])
def test_every_row_is_found_by_a_path_of_its_pattern(
    method: str, path: str, access: object
) -> None:
    assert TABLE.access(method, example_of(path)) == access


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/predict", Scope.PREDICT),
        ("POST", "/synthesize", Scope.AUDIO),
        ("GET", "/audio/stream", Scope.AUDIO),
        ("POST", "/jobs/batch", Scope.PREDICT),
        ("POST", "/models/download", Scope.MODELS_WRITE),
        ("GET", "/models/download/status/a1", Scope.MODELS_READ),
        ("DELETE", "/models/download/minilm", Scope.MODELS_WRITE),
        ("GET", "/gpu/detect", Scope.GPU_READ),
        ("POST", "/autoscaler/scale", Scope.AUTOSCALER_WRITE),
        ("GET", "/autoscaler/stats", Scope.AUTOSCALER_READ),
        ("POST", "/server/optimize", Scope.SERVER_WRITE),
        ("GET", "/logs/gateway.jsonl", Scope.LOGS_READ),
        ("DELETE", "/logs/gateway.jsonl", Scope.LOGS_WRITE),
        ("GET", "/auth/users", Scope.ADMIN),
        ("PATCH", "/auth/users/ada", Scope.ADMIN),
        ("POST", "/v2/models/example/infer", Scope.PREDICT),
        ("POST", "/v1/audio/speech", Scope.AUDIO),
    ],
)
def test_route_asks_for_its_scope(method: str, path: str, scope: Scope) -> None:
    assert TABLE.access(method, path).any_of == (scope,)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/predict"),
        ("POST", "/predict/"),
        ("POST", "//predict"),
        ("POST", "/PREDICT"),
        ("DELETE", "/health"),
        ("GET", "/internal/jwks"),
        ("GET", "/health/other"),
        ("GET", "/docs-assets/"),
        ("GET", "/docs-assets/../config"),
        ("GET", "/logs/"),
        ("GET", "/logs/a/b"),
        ("POST", "/auth/login/x"),
        ("GET", ""),
        ("GET", "*"),
        ("OPTIONS", "/predict"),
    ],
)
def test_what_is_not_in_the_table_is_closed(method: str, path: str) -> None:
    assert TABLE.access(method, path) == CLOSED


def test_head_is_asked_for_as_get() -> None:
    assert TABLE.access("HEAD", "/health") == PROBE
    assert TABLE.access("HEAD", "/models").any_of == (Scope.MODELS_READ,)


def test_placeholder_takes_one_segment_and_rest_takes_all() -> None:
    assert TABLE.access("GET", "/docs-assets/a/b.js") == OPEN
    assert TABLE.access("GET", "/v1/models/org/name").any_of
    assert TABLE.access("GET", "/v1/models/org/name") != CLOSED
    assert TABLE.access("GET", "/jobs/a/b") == CLOSED


def test_probes_are_not_counted_and_logins_are_counted_apart() -> None:
    assert TABLE.access("GET", "/health/live").limit == ""
    assert TABLE.access("POST", "/auth/login") == SIGN_IN
    assert SIGN_IN.limit == "login"


def test_every_scope_but_admin_opens_some_route() -> None:
    used = {scope for _, _, access in ROUTES for scope in access.any_of}
    assert used == set(Scope)


def test_no_route_stands_twice() -> None:
    places = [(method, path) for method, path, _ in ROUTES]
    assert len(places) == len(set(places))


def test_every_scope_is_explained_in_auth_yaml() -> None:
    text = (Path(__file__).parents[4] / "auth.yaml").read_text()
    assert all(scope in text for scope in Scope)

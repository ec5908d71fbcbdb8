"""Auth on, in containers: each route is refused without its credential and scope."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.compose_fleet import ComposeFleet
from tests.integration.sign_in import sign_in
from tests.integration.test_scopes import (
    Keys,
    check_credential_is_needed,
    check_scope_is_needed,
    find_routes,
)

pytestmark = pytest.mark.docker


@pytest.fixture
def closed_fleet(fleet: ComposeFleet, hub_root: Path) -> Iterator[ComposeFleet]:
    """Of the same images, with auth on."""
    closed = ComposeFleet(hub_root, {"ENABLE_AUTH": "true"})
    try:
        closed.up()
        yield closed
    finally:
        closed.discard()


async def test_each_route_is_refused_without_its_scope(closed_fleet: ComposeFleet) -> None:
    routes = find_routes(closed_fleet.url)
    async with closed_fleet.client() as client:
        await check_credential_is_needed(client, routes)
        password = closed_fleet.execute("auth-svc-1", "cat", "/data/auth/admin-password")
        keys = Keys(closed_fleet.url, sign_in(closed_fleet.url, password))
        await check_scope_is_needed(client, routes, keys)

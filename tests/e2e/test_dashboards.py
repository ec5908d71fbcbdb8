"""The pages of a fleet of containers, in Chromium."""

import httpx
import pytest

from tests.e2e.compose_fleet import ComposeFleet
from tests.integration.browser import Page, chromium
from tests.integration.test_dashboards import check_numbers_change_under_load, page
from tests.integration.test_first_calls import download, speak

__all__ = ["page"]

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed"),
]


async def test_numbers_of_every_dashboard_change_under_load(
    fleet: ComposeFleet, client: httpx.AsyncClient, page: Page
) -> None:
    await download(client)
    await speak(client)
    await check_numbers_change_under_load(fleet, page)

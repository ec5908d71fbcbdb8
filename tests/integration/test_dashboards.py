"""The pages for people, in Chromium: live under load, from this origin alone, no complaint."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from tests.integration.browser import Browser, Page, chromium
from tests.integration.fleet import Fleet

SERVICES = (
    "gateway",
    "inference-svc",
    "audio-svc",
    "model-registry-svc",
    "gpu-svc",
    "auth-svc",
    "autoscaler-svc",
)
# What gives each control service something to do; auth-svc refuses, which is work too.
CALLS = ("/models", "/gpu/detect", "/auth/profile", "/autoscaler/stats")
EXAMPLE = {"model_name": "example", "inputs": [1, 2, 3, 4, 5]}
SPEECH = {"model_name": "speecht5_tts", "inputs": "Good morning.", "seed": 1}
PAUSE_S = 0.1
RATE = """
(() => {
  const tiles = [...document.querySelectorAll(".tile")];
  const rate = tiles.find((tile) => tile.querySelector("span").textContent === "requests/s");
  return rate ? Number(rate.querySelector("b").textContent) : 0;
})()
"""
FORMS = [(1280, 900, False), (390, 844, True)]

pytestmark = pytest.mark.skipif(chromium() is None, reason="Chromium is not installed")


@pytest.fixture
async def page(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Page]:
    async with Browser(tmp_path / "profile") as browser:
        yield await browser.page()


async def repeat(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> None:
    while True:
        answer = await client.request(method, path, json=body)
        assert answer.status_code < 500, answer.text
        await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def everybody_busy(fleet: "Served") -> AsyncIterator[None]:
    """Requests for every service as long as the block lasts."""
    async with fleet.client() as client:
        work = [
            repeat(client, "POST", "/predict", EXAMPLE),
            repeat(client, "POST", "/synthesize", SPEECH),
            *(repeat(client, "GET", path) for path in CALLS),
        ]
        tasks = [asyncio.create_task(each) for each in work]
        try:
            yield
            ended = [task.exception() for task in tasks if task.done()]
            assert ended == []
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


class Served(Protocol):
    """A fleet of either kind."""

    url: str

    def client(self) -> httpx.AsyncClient: ...


def check_quiet_and_own(page: Page, fleet: Served) -> None:
    foreign = [url for url in page.requests if not url.startswith((fleet.url, "data:", "blob:"))]
    assert foreign == []
    assert page.complaints == []


@pytest.mark.usefixtures("models")
async def test_numbers_of_every_dashboard_change_under_load(fleet: Fleet, page: Page) -> None:
    await check_numbers_change_under_load(fleet, page)


async def check_numbers_change_under_load(fleet: Served, page: Page) -> None:
    """Needs the model of SPEECH."""
    async with everybody_busy(fleet):
        for path in ("/dashboard", *(f"/dashboard/{service}" for service in SERVICES)):
            for width, height, dark in FORMS:
                await page.look(width=width, height=height, dark=dark)
                await page.open(fleet.url + path)
                await page.until(RATE)
                assert await page.value("document.title") != "Fleetserve"
                assert await page.value("document.querySelectorAll('.chart canvas').length") >= 4
                overflow = "document.documentElement.scrollWidth - innerWidth"
                assert await page.value(overflow) <= 0, f"{path} is wider than {width}"
            await page.until(f"((first) => first !== {RATE.strip()} )({await page.value(RATE)})")
    check_quiet_and_own(page, fleet)


@pytest.mark.parametrize(
    ("path", "operations"), [("/docs", ".opblock"), ("/redoc", "[data-section-id^=tag]")]
)
async def test_documentation_is_drawn(fleet: Fleet, page: Page, path: str, operations: str) -> None:
    await page.open(fleet.url + path)
    await page.until(
        f"document.querySelectorAll({operations!r}).length", lambda number: number > 20
    )
    check_quiet_and_own(page, fleet)


async def test_page_that_can_not_have_its_data_says_so(fleet: Fleet, page: Page) -> None:
    await page.open(f"{fleet.url}/dashboard/nobody")
    note = await page.until("document.querySelector('#note')?.textContent")
    assert "No process of nobody" in note

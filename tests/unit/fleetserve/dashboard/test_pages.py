import re
from collections.abc import AsyncIterator

import httpx
import pytest

from fleetserve.app import create_app, wrap_control
from fleetserve.dashboard.view import Table, Tile
from fleetserve.runtime import ServiceRuntime


@pytest.fixture
async def client(runtime: ServiceRuntime) -> AsyncIterator[httpx.AsyncClient]:
    app = wrap_control(create_app(runtime, title="t"), require_token=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        yield client


async def test_page_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/dashboard")
    assert page.headers["content-type"].startswith("text/html")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert links
    for link in links:
        assert (await client.get(f"http://t/{link.lstrip('/')}")).status_code == 200, link


async def test_page_has_no_inline_script_or_style(client: httpx.AsyncClient) -> None:
    text = (await client.get("/dashboard")).text
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=|\bstyle=", text) == []


async def test_assets_are_asked_for_anew(client: httpx.AsyncClient) -> None:
    asset = await client.get("/dashboard-assets/dashboard.js")
    assert asset.headers["cache-control"] == "no-cache"
    again = await client.get(
        "/dashboard-assets/dashboard.js", headers={"if-none-match": asset.headers["etag"]}
    )
    assert again.status_code == 304


async def test_data_tells_who_and_how_it_is(
    client: httpx.AsyncClient, runtime: ServiceRuntime
) -> None:
    async def looked_up() -> Table:
        return Table("Jobs", ["id"], [])

    runtime.tables += [lambda: Table("Queue", ["model"], [["example"]]), looked_up]
    runtime.tiles.append(lambda: Tile("pace", "0.5"))
    runtime.readiness.append(lambda: "the model is loading")
    told = (await client.get("/dashboard-data")).json()
    assert (told["success"], told["title"], told["state"]) == (True, "gateway", "starting")
    assert told["note"] == "the model is loading"
    assert told["tables"] == [
        {"title": "Queue", "columns": ["model"], "rows": [["example"]], "empty": "None."},
        {"title": "Jobs", "columns": ["id"], "rows": [], "empty": "None."},
    ]
    assert [tile["label"] for tile in told["tiles"]][:2] == ["requests/s", "p50"]
    assert told["tiles"][-1] == {"label": "pace", "value": "0.5"}


async def test_seconds_that_were_pushed_are_shown(
    client: httpx.AsyncClient, runtime: ServiceRuntime
) -> None:
    runtime.serves_models = True
    runtime.metrics.record("/predict", 200, 0.01, "example")
    await runtime.heartbeat().beat()
    told = (await client.get("/dashboard-data")).json()
    assert told["charts"][0]["lines"][0]["values"] == [1.0]

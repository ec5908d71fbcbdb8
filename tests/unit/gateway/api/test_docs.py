import re

import httpx
import pytest


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_page_needs_nothing_from_elsewhere(client: httpx.AsyncClient, path: str) -> None:
    page = (await client.get(path)).text
    assets = re.findall(r"""(?:src|href)=["']([^"'#]+)["']""", page)
    assert assets
    for asset in assets:
        assert asset.startswith("/"), f"{path} asks {asset}"
        assert (await client.get(asset)).status_code == 200
    assert "/openapi.json" in page


async def test_document_is_openapi(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.")
    assert "/predict" in document["paths"]


async def test_redoc_has_no_address_of_its_makers_cdn(client: httpx.AsyncClient) -> None:
    script = await client.get("/docs-assets/redoc.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "cdn." not in script.text
    logo = re.search(r'alt:"redocly logo".*?src:"([^"]+)"', script.text)
    assert logo is not None
    assert (await client.get(logo[1])).status_code == 200

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

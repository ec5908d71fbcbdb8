import re

import httpx

from gateway.api.studio import STATIC


async def test_page_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/studio")
    assert page.headers["content-type"].startswith("text/html")
    assert "://" not in page.text
    links = re.findall(r'(?:src|href)="([^"]+-assets/[^"]+)"', page.text)
    assert len(links) == 4
    for link in links:
        assert (await client.get(link)).status_code == 200, link


async def test_every_script_that_another_wants_is_served(client: httpx.AsyncClient) -> None:
    wanted = {
        name
        for script in STATIC.glob("*.js")
        for name in re.findall(r'from "([^"]+)"', script.read_text())
    }
    assert len(wanted) >= 5
    for name in wanted:
        answer = await client.get(name)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache"), name


async def test_page_has_no_inline_script_or_style(client: httpx.AsyncClient) -> None:
    text = (await client.get("/studio")).text
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=|\bstyle=", text) == []


async def test_every_field_has_its_label(client: httpx.AsyncClient) -> None:
    text = (await client.get("/studio")).text
    fields = re.findall(r'<(?:input|select|textarea) id="([^"]+)"', text)
    inside = re.findall(r"<label>(?:(?!</label>).)*?<(?:input|select) id=\"([^\"]+)\"", text, re.S)
    named = re.findall(r'<label for="([^"]+)"', text)
    assert len(fields) >= 10
    assert set(fields) - set(inside) == set(named)

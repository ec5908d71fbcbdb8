"""The pages of docs/api and README.md: every example works, every generated part and link holds."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from docs.generate import PAGES, Generator, read_pages
from docs.openapi_document import OpenapiDocument
from tests.integration.fleet import ROOT, Fleet

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
BLOCK_S = 60.0
# curl alone ends well with any answer.
CURL = 'set -euo pipefail\ncurl() { command curl -sS --fail-with-body "$@"; }\n'
COMMANDS = {
    "sh": ["bash", "-c"],
    "python": [sys.executable, "-W", "error", "-c"],
    "js": ["node", "--input-type=module", "-e"],
}


class Example(NamedTuple):
    language: str
    text: str


def examples(page: Path) -> list[Example]:
    """Those that can be run: where … stands, the reader has to fill something in."""
    return [example for example in blocks(page) if "…" not in example.text]


def blocks(page: Path) -> list[Example]:
    found = [Example(*match.groups()) for match in BLOCK.finditer(page.read_text())]
    return [example for example in found if example.language in COMMANDS]


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted(PAGES.rglob("*.md"))]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def run(example: Example, fleet: Fleet, folder: Path) -> str:
    """What went wrong, or nothing."""
    command = COMMANDS[example.language]
    if shutil.which(command[0]) is None:
        return ""
    text = example.text.replace("localhost:8000", fleet.url.removeprefix("http://"))
    text = CURL + text if example.language == "sh" else text
    ended = subprocess.run(
        [*command, text], cwd=folder, capture_output=True, text=True, timeout=BLOCK_S, check=False
    )
    told = ended.stdout[-1000:] + ended.stderr[-2000:]
    return f"{example.text}\n→ {told}" if ended.returncode else ""


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("page", [page for page in pages() if examples(page)], ids=name)
def test_examples_of_a_page_work_in_their_order(page: Path, fleet: Fleet, tmp_path: Path) -> None:
    for example in examples(page):
        assert run(example, fleet, tmp_path) == ""


def test_every_example_can_be_run() -> None:
    left = [name(page) for page in pages() for _ in range(len(blocks(page)) - len(examples(page)))]
    assert left == []


@pytest.mark.parametrize("language", COMMANDS)
def test_examples_are_in_every_language(language: str) -> None:
    texts = [page.read_text() for page in (PAGES / "examples").iterdir()]
    assert [f"```{language}\n" in text for text in texts] == [True] * 5


async def test_generated_parts_are_what_the_fleet_says(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    written = read_pages()
    generated = Generator(OpenapiDocument(document), written).generate()
    old = [page for page, text in generated.items() if text != written[page]]
    assert old == [], "make docs, with the fleet running, writes them anew"


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        if target.startswith("http"):
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.is_file(), target
        headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE) if anchor else []
        assert not anchor or anchor in [heading.lower() for heading in headings]

from pathlib import Path
from typing import Any

import pytest

from docs.generate import Generator, read_pages
from docs.openapi_document import OpenapiDocument


def answers(name: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {"summary": f"Gives {name}", "responses": {"200": {"content": content}}}


@pytest.fixture
def document() -> OpenapiDocument:
    return OpenapiDocument(
        {
            "paths": {"/a": {"get": answers("A")}, "/b": {"get": answers("B")}},
            "components": {"schemas": {"A": {}, "B": {}, "Problem": {}}},
        }
    )


@pytest.fixture
def pages() -> dict[str, str]:
    return {
        "endpoints/all.md": "Before.\n<!-- routes: /a /b -->\nold\n<!-- end -->\nAfter.\n",
        "schemas/a.md": "<!-- schemas: /a -->\n<!-- end -->\n",
        "schemas/common.md": "<!-- schemas: rest -->\n<!-- end -->\n",
    }


def test_hand_written_text_stays(document: OpenapiDocument, pages: dict[str, str]) -> None:
    text = Generator(document, pages).generate()["endpoints/all.md"]
    assert text.startswith("Before.\n<!-- routes: /a /b -->\n\n| route ")
    assert text.endswith("|\n\n<!-- end -->\nAfter.\n")
    assert "old" not in text


def test_links_lead_to_the_page_that_has_the_schema(
    document: OpenapiDocument, pages: dict[str, str]
) -> None:
    text = Generator(document, pages).generate()["endpoints/all.md"]
    assert "[A](../schemas/a.md#a)" in text
    assert "[B](../schemas/common.md#b)" in text


def test_each_schema_stands_once(document: OpenapiDocument, pages: dict[str, str]) -> None:
    generated = Generator(document, pages).generate()
    assert generated["schemas/a.md"].count("### ") == 1
    assert [line for line in generated["schemas/common.md"].splitlines() if "#" in line] == [
        "### B",
        "### Problem",
    ]


def test_generating_again_changes_nothing(document: OpenapiDocument, pages: dict[str, str]) -> None:
    once = Generator(document, pages).generate()
    assert Generator(document, once).generate() == once


@pytest.mark.parametrize(
    ("page", "text", "problem"),
    [
        ("endpoints/all.md", "<!-- routes: /a -->\n<!-- end -->\n", "GET /b is on 0 pages"),
        ("more.md", "<!-- routes: /b -->\n<!-- end -->\n", "GET /b is on 2 pages"),
        ("schemas/common.md", "", "no page has the schemas B, Problem"),
    ],
)
def test_what_is_on_no_page_or_two_is_refused(
    document: OpenapiDocument, pages: dict[str, str], page: str, text: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        Generator(document, pages | {page: text})


def test_pages_are_read_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "a.md").write_text("A – é", encoding="utf-8")
    assert read_pages(tmp_path) == {"schemas/a.md": "A – é"}

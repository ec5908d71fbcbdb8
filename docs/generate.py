"""Writes the generated parts of docs/api from the /openapi.json of a running fleet.

    python -m docs.generate http://127.0.0.1:8000

A generated part stands between a mark and ``<!-- end -->``; all else on a page is left alone:

    <!-- routes: /models -->     the routes at and below these paths
    <!-- schemas: /predict -->   the schemas that these routes take and answer
    <!-- schemas: rest -->       every schema that stands nowhere else
"""

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import httpx

from docs.openapi_document import OpenapiDocument
from docs.tables import routes_section, schema_section

PAGES = Path(__file__).parent / "api"
FLEET = "http://127.0.0.1:8000"
FETCH_S = 30.0
PART = re.compile(r"(<!-- (routes|schemas): ([^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)
REST = ["rest"]


@dataclass(frozen=True, slots=True)
class Mark:
    page: str
    kind: str
    arguments: list[str]


class Generator:
    """Fills the marked parts of pages.

    Args:
        document: The fleet's.
        pages: Relative path → text.

    Raises: ValueError: a route or schema of the fleet is on no page, or a route on two.
    """

    def __init__(self, document: OpenapiDocument, pages: dict[str, str]) -> None:
        self._document = document
        self._pages = pages
        self._marks = list(_marks(pages))
        self._check_routes()
        self._schemas_on = self._place_schemas()

    def generate(self) -> dict[str, str]:
        """The pages with their generated parts anew; the same for the same document."""
        return {page: self._fill(page, text) for page, text in self._pages.items()}

    def _fill(self, page: str, text: str) -> str:
        def part(match: re.Match[str]) -> str:
            head, kind, arguments, end = match.groups()
            mark = Mark(page, kind, arguments.split())
            return f"{head}\n{self._part(mark)}\n\n{end}"

        return PART.sub(part, text)

    def _part(self, mark: Mark) -> str:
        link = self._link_from(mark.page)
        if mark.kind == "routes":
            return routes_section(self._document.below(mark.arguments), link)
        names = [name for name in self._wanted(mark) if self._schemas_on[name] == mark.page]
        return "\n\n".join(schema_section(n, self._document.schemas[n], link) for n in names)

    def _wanted(self, mark: Mark) -> list[str]:
        if mark.arguments == REST:
            used = {n for m in self._schema_marks() if m.arguments != REST for n in self._wanted(m)}
            return sorted(self._document.schemas.keys() - used)
        return self._document.used_by(self._document.below(mark.arguments))

    def _schema_marks(self) -> list[Mark]:
        return [mark for mark in self._marks if mark.kind == "schemas"]

    def _check_routes(self) -> None:
        marks = [mark for mark in self._marks if mark.kind == "routes"]
        shown = [route for mark in marks for route in self._document.below(mark.arguments)]
        for route in self._document.routes:
            if shown.count(route) != 1:
                raise ValueError(f"{route.name} is on {shown.count(route)} pages, not on one")

    def _place_schemas(self) -> dict[str, str]:
        """Schema → its page: the first that wants it."""
        placed: dict[str, str] = {}
        for mark in self._schema_marks():
            for name in self._wanted(mark):
                placed.setdefault(name, mark.page)
        homeless = self._document.schemas.keys() - placed.keys()
        if homeless:
            raise ValueError(f"no page has the schemas {', '.join(sorted(homeless))}")
        return placed

    def _link_from(self, page: str) -> Callable[[str], str]:
        def link(name: str) -> str:
            target = self._schemas_on.get(name)
            if target is None:
                return name
            place = "" if target == page else _relative(target, page)
            return f"[{name}]({place}#{name.lower()})"

        return link


def read_pages(folder: Path = PAGES) -> dict[str, str]:
    """Every page of the tree, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.md"))
    }


def main(arguments: list[str]) -> None:
    fleet = arguments[0] if arguments else FLEET
    answer = httpx.get(f"{fleet}/openapi.json", timeout=FETCH_S).raise_for_status()
    pages = read_pages()
    for page, text in Generator(OpenapiDocument(answer.json()), pages).generate().items():
        if text != pages[page]:
            (PAGES / page).write_text(text, encoding="utf-8")
            sys.stdout.write(f"docs/api/{page}\n")


def _marks(pages: dict[str, str]) -> Iterator[Mark]:
    for page, text in pages.items():
        for match in PART.finditer(text):
            yield Mark(page, match[2], match[3].split())


def _relative(target: str, page: str) -> str:
    """From one page's folder to another page; the tree is one folder deep."""
    up = "../" * (len(PurePosixPath(page).parts) - 1)
    same_folder = PurePosixPath(target).parent == PurePosixPath(page).parent
    return PurePosixPath(target).name if same_folder else up + target


if __name__ == "__main__":
    main(sys.argv[1:])

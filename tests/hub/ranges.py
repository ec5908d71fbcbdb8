"""Conditional and partial GET as RFC 9110 has it, pure."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """What to answer: status 200 or 206 with bytes [start, end), or 304, 412, 416 without."""

    status: int
    start: int = 0
    end: int = 0


def select(size: int, etag: str, headers: dict[str, str]) -> Selection:
    """Apply If-Match, If-None-Match, If-Range and Range.

    headers: names in lower case. etag: without quotes.
    """
    if "if-match" in headers and not _matches(headers["if-match"], etag):
        return Selection(412)
    if "if-none-match" in headers and _matches(headers["if-none-match"], etag):
        return Selection(304)
    wanted = headers.get("range")
    if wanted is None or not _if_range_holds(headers.get("if-range"), etag):
        return Selection(200, 0, size)
    return _select_range(wanted, size)


def _select_range(wanted: str, size: int) -> Selection:
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted.replace(" ", ""))
    if found is None or found.groups() == ("", ""):
        return Selection(200, 0, size)  # Several ranges or another unit: allowed to be ignored.
    first, last = found.groups()
    if not first:
        start, end = max(size - int(last), 0), size
        return Selection(206, start, end) if int(last) and size else Selection(416)
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return Selection(200, 0, size)
    return Selection(206, start, end) if start < size else Selection(416)


def _matches(condition: str, etag: str) -> bool:
    named = {part.strip().removeprefix("W/").strip('"') for part in condition.split(",")}
    return "*" in named or etag in named


def _if_range_holds(condition: str | None, etag: str) -> bool:
    return condition is None or condition.strip().strip('"') == etag

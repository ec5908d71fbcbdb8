"""What a dashboard page shows: tiles, charts, tables; the same shapes for every service."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Tile:
    """One number; ``value`` is text already rounded for reading."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart; None where nothing was measured."""

    label: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """``times`` are seconds since the epoch, one for each value of each line."""

    title: str
    unit: str
    times: Sequence[float]
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts and numbers; ``empty`` stands where there are none.

    A cell {"progress": 0 to 1} is drawn as a bar.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    empty: str = "None."


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    path: str


@dataclass(frozen=True, slots=True)
class View:
    """A whole page at one moment; ``note`` is a sentence that matters now, such as a fault."""

    title: str
    state: str
    subtitle: str
    tiles: Sequence[Tile] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    links: Sequence[Link] = field(default_factory=tuple)
    note: str = ""

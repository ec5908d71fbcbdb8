"""Columns of text."""

from collections.abc import Iterable, Sequence

GAP = "   "


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines with the columns aligned, the head first, no blanks at the ends."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = (
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
    return [line.rstrip() for line in padded]

"""What the columns of a table are, by their titles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from intake.reading.words import plain, words

REFERENCES = ("our_reference", "reference", "own_reference", "gtin")


@cache
def _columns() -> dict[str, str]:
    return {_title(name): column for column, names in words("documents")["columns"].items() for name in names}


def _title(cell: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[.:*()€]+", " ", plain(cell))).strip()


@cache
def column_of(cell: str) -> str:
    """The column that a title names: whole, else by its longest beginning; empty when it names none."""
    title = _title(cell)
    if not title or len(title) > 40:
        return ""
    if title in _columns():
        return _columns()[title]
    known = [name for name in _columns() if len(name) > 2 and title.startswith(f"{name} ")]
    return _columns()[max(known, key=len)] if known else ""


def header(cells: Sequence[str]) -> dict[str, int]:
    """Which column is which; empty when the row is no header: it must name what and how many."""
    titles: dict[str, int] = {}
    for position, cell in enumerate(cells):
        column = column_of(cell)
        if column:
            titles.setdefault(column, position)
    named = {"designation", *REFERENCES} & titles.keys()
    return titles if named and "quantity" in titles else {}

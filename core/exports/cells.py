"""Cells of a file that a spreadsheet opens: a text never becomes a formula (S31)."""

from __future__ import annotations

import unicodedata

#: What makes a spreadsheet calculate, also when written in full width.
STARTS = frozenset("=+-@\t\r\n")


def text_cell(value: str) -> str:
    """The text as a cell that only shows it: with an apostrophe before what would start a formula."""
    bare = unicodedata.normalize("NFKC", value.lstrip(" \u00a0\u3000")[:1])
    return f"'{value}" if value[:1] in STARTS or bare in STARTS else value

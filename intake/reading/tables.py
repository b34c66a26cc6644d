"""Lines of an order in a table: the header says what each column is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from intake.attachments import Paper
from intake.reading.values import AskedLine, Evidence
from intake.reading.words import plain, unit_forms, words

_REFERENCES = ("own_reference", "reference", "our_reference", "gtin")


def lines(paper: Paper) -> Iterator[AskedLine]:
    """The rows below each header that have a designation or a reference, and a quantity above zero."""
    for table in paper.tables:
        columns: dict[str, int] = {}
        for number, cells in enumerate(table.rows):
            header = _header(cells)
            if header:
                columns = header
                continue
            if columns:
                line = _row(paper, table.page, number, cells, columns)
                if line is not None:
                    yield line


def _header(cells: Sequence[str]) -> dict[str, int]:
    """Which column is which; empty when the row is no header: it must name what and how many."""
    titles: dict[str, int] = {}
    for position, cell in enumerate(cells):
        title = plain(cell).strip(" .:")
        for column, names in words("documents")["columns"].items():
            if column not in titles and title and any(title == plain(name).strip(" .") for name in names):
                titles[column] = position
                break
    named = {"designation", *_REFERENCES} & titles.keys()
    return titles if named and "quantity" in titles else {}


def _row(paper: Paper, page: int, number: int, cells: Sequence[str], columns: dict[str, int]) -> AskedLine | None:
    def cell(column: str) -> str:
        position = columns.get(column)
        return " ".join(cells[position].split()) if position is not None and position < len(cells) else ""

    quantity, unit = _quantity(cell("quantity"))
    designation = cell("designation")
    reference = next((cell(column) for column in _REFERENCES if cell(column)), "")
    if quantity is None or quantity <= 0 or not (designation or reference):
        return None
    if any(plain(designation).startswith(word) for word in words("documents")["words"]["total"]):
        return None
    named = unit_forms().get(plain(cell("unit")).strip(" ."), ("", ""))[0]
    return AskedLine(
        text=" ".join(" ".join(value.split()) for value in cells if value),
        designation=designation,
        quantity=quantity,
        unit=named or unit,
        reference=reference,
        unit_price=number_of(cell("unit_price")),
        evidence=Evidence(paper.name, page=page, row=number),
    )


def _quantity(text: str) -> tuple[Decimal | None, str]:
    found = re.fullmatch(r"\s*([\d\s.,]+)\s*([^\d\s]*)\s*", plain(text))
    if found is None:
        return None, ""
    return number_of(found[1]), unit_forms().get(found[2].strip("."), ("", ""))[0]


def number_of(text: str) -> Decimal | None:
    """A number as French or English papers write it; None when the cell holds none."""
    kept = re.sub(r"[^\d.,-]", "", text)
    if "," in kept:
        kept = kept.replace(".", "").replace(",", ".")
    try:
        return Decimal(kept)
    except InvalidOperation:
        return None

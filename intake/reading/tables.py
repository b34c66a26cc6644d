"""Lines of an order in a table: the header says what each column is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from intake.attachments import Paper
from intake.reading.titles import REFERENCES, header
from intake.reading.values import AskedLine, Evidence
from intake.reading.words import plain, unit_forms, unit_named, words


def lines(paper: Paper) -> tuple[AskedLine, ...]:
    """The rows below each header that have a designation or a reference, and a quantity above zero."""
    found: list[AskedLine] = []
    for table in paper.tables:
        found += rows(table.rows, paper.name, table.page)
    return tuple(found)


def charges(paper: Paper) -> tuple[str, ...]:
    """Carriage and fees that the tables list; they are no articles."""
    cells = (" ".join(cell.split()) for table in paper.tables for row in table.rows for cell in row)
    return tuple(dict.fromkeys(cell for cell in cells if _is_charge(cell)))


def rows(cells_of: Sequence[Sequence[str]], part: str, page: int = 0) -> list[AskedLine]:
    """The lines of one table; a row with nothing but more words continues the designation above it."""
    columns: dict[str, int] = {}
    found: list[AskedLine] = []
    follows = False
    for number, cells in enumerate(cells_of, start=1):
        titles = header(cells)
        if titles:
            columns = titles
            continue
        if not columns:
            continue
        if _is_total(cells):
            follows = False
            continue
        line = _row(part, page, number, cells, columns)
        filled = [position for position, cell in enumerate(cells) if cell.strip()]
        if line is not None:
            found.append(line)
        elif follows and filled == [columns.get("designation")] and len(cells[filled[0]]) <= 60 and page:
            more = " ".join(cells[filled[0]].split())
            found[-1] = replace(found[-1], designation=f"{found[-1].designation} {more}")
        follows = line is not None
    return found


def _is_charge(text: str) -> bool:
    flat = plain(text).strip(" .:")
    return len(flat) <= 40 and any(
        re.match(rf"{re.escape(plain(word))}(?!\w)", flat) for word in words("documents")["words"]["charges"]
    )


def _is_total(cells: Sequence[str]) -> bool:
    first = plain(next((cell for cell in cells if cell.strip()), "")).strip(" .:")
    return any(re.match(rf"{re.escape(word)}(?!\w)", first) for word in words("documents")["words"]["total"])


def _row(part: str, page: int, number: int, cells: Sequence[str], columns: dict[str, int]) -> AskedLine | None:
    def cell(column: str) -> str:
        position = columns.get(column)
        return " ".join(cells[position].split()) if position is not None and position < len(cells) else ""

    quantity, unit = _quantity(cell("quantity"))
    designation = cell("designation")
    codes = tuple(dict.fromkeys(code for column in REFERENCES if (code := cell(column))))
    if quantity is None or quantity <= 0 or not (designation or codes) or _is_charge(designation):
        return None
    if not designation and not re.search(r"\w", "".join(codes)):
        return None
    price = number_of(cell("unit_price"))
    said = re.search(r"\(([^()\d]{2,20})\)\s*$", designation)
    return AskedLine(
        text=" ".join(" ".join(value.split()) for value in cells if value),
        designation=designation,
        quantity=quantity,
        unit=_unit(cell("unit")) or unit or (unit_named(said[1]) if said else ""),
        reference=cell("own_reference") or next(iter(codes), ""),
        unit_price=price if price and price > 0 else None,
        codes=codes,
        in_table=True,
        evidence=Evidence(part, page=page, row=number),
    )


def _unit(text: str) -> str:
    """The unit that a cell names; a longer cell (« carton de 6 ») by its first word."""
    return unit_named(text) or (unit_named(text.split(maxsplit=1)[0]) if text.split() else "")


def _quantity(text: str) -> tuple[Decimal | None, str]:
    found = re.fullmatch(r"\s*(?P<number>\d[\d\s.,]*)\s*(?P<unit>[^\d\s]*)\s*", plain(text))
    if found is None:
        return None, ""
    name, kind = unit_forms().get(found["unit"].strip(".()"), ("", ""))
    return number_of(found["number"]), name if kind != "measure" or found["unit"] else ""


def number_of(text: str) -> Decimal | None:
    """A number as French or English papers write it; None when the cell holds none."""
    kept = re.sub(r"[^\d.,-]", "", text).strip(".,")
    if "," in kept:
        kept = kept.replace(".", "").replace(",", ".") if kept.rfind(",") > kept.rfind(".") else kept.replace(",", "")
    try:
        return Decimal(kept)
    except InvalidOperation:
        return None

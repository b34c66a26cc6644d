"""`Paper`: what a file says, as text and tables, with the place of each row; the same shape for every kind of file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from intake.attachments.orders import StructuredOrder

#: Left, top, right and bottom on a page, in points from its top left corner.
Box = tuple[float, float, float, float]
SURE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, and where they stand: the page or the sheet (its number and name), a box for each row of a page.

    `certainties` says for each cell (row, column) that a picture was read into how sure its figures are; what is not
    named there is certain; column -1 stands for the whole row. `left` columns of the sheet stand before the first one
    of a table that is part of one. `scanned` tables were read from a picture, where a figure may have been overlooked.
    """

    page: int
    rows: tuple[tuple[str, ...], ...]
    sheet: str = ""
    boxes: tuple[Box, ...] = ()
    certainties: Mapping[tuple[int, int], Decimal] = field(default_factory=dict)
    scanned: bool = False
    left: int = 0

    def part(self, start: int, end: int) -> Table:
        """The table of these columns only."""
        sure = {(row, c - start): value for (row, c), value in self.certainties.items() if start <= c < end}
        whole = {(row, c): value for (row, c), value in self.certainties.items() if c < 0}
        rows = tuple(row[start:end] for row in self.rows)
        return replace(self, rows=rows, certainties=sure | whole, left=self.left + start)

    def certainty(self, row: int) -> Decimal:
        """How sure the words of this row (from 0) are."""
        return min((value for (at, _), value in self.certainties.items() if at == row), default=SURE)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Characters of a paper's text that may have been misread, and how sure they are."""

    start: int
    end: int
    certainty: Decimal


@dataclass(frozen=True, slots=True)
class Paper:
    """A file's words: its text and the tables in it, or the orders that a machine wrote; `findings` say what failed.

    A `scanned` paper was read from a picture: its `doubts` say which characters of the text are not certain.
    """

    name: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    orders: tuple[StructuredOrder, ...] = ()
    findings: tuple[str, ...] = ()
    scanned: bool = False
    doubts: tuple[Doubt, ...] = ()

    @property
    def order(self) -> StructuredOrder | None:
        """The first order that a machine wrote."""
        return self.orders[0] if self.orders else None

    def certainty(self, start: int, end: int) -> Decimal:
        """How sure these characters of the text are: as sure as the least sure word among them."""
        return min((doubt.certainty for doubt in self.doubts if doubt.start < end and doubt.end > start), default=SURE)


def packed(paper: Paper) -> dict[str, Any]:
    """The paper as plain values that JSON can carry; the orders of machines are not part of it."""
    return {
        "text": paper.text,
        "tables": [
            {
                "page": table.page,
                "rows": table.rows,
                "sheet": table.sheet,
                "boxes": table.boxes,
                "certainties": [[row, column, str(value)] for (row, column), value in table.certainties.items()],
                "scanned": table.scanned,
            }
            for table in paper.tables
        ],
        "findings": paper.findings,
        "scanned": paper.scanned,
        "doubts": [[doubt.start, doubt.end, str(doubt.certainty)] for doubt in paper.doubts],
    }


def unpacked(name: str, values: Mapping[str, Any]) -> Paper:
    """The paper from `packed` values; whatever is not of that shape raises `ValueError`, `KeyError` or `TypeError`."""
    return Paper(
        name=name,
        text=str(values["text"]),
        tables=tuple(_table(table) for table in values["tables"]),
        findings=tuple(str(finding) for finding in values["findings"]),
        scanned=bool(values["scanned"]),
        doubts=tuple(Doubt(int(start), int(end), Decimal(value)) for start, end, value in values["doubts"]),
    )


def _table(values: Mapping[str, Any]) -> Table:
    return Table(
        page=int(values["page"]),
        rows=tuple(tuple(str(cell) for cell in row) for row in values["rows"]),
        sheet=str(values["sheet"]),
        boxes=tuple(_box(box) for box in values["boxes"]),
        certainties={(int(row), int(column)): Decimal(value) for row, column, value in values["certainties"]},
        scanned=bool(values["scanned"]),
    )


def _box(values: Sequence[float]) -> Box:
    left, top, right, bottom = (float(value) for value in values)
    return left, top, right, bottom

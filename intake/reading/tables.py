"""Lines of an order in a table: the header says what each column is, each line says which cell it came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from statistics import median

from intake.attachments import Paper, Table
from intake.reading import figures
from intake.reading.titles import ATTRIBUTE, REFERENCES, Layout, inferred, layout_at, panels
from intake.reading.values import AskedLine, Evidence
from intake.reading.words import plain, unit_family, unit_named, words

_SURE = Decimal(1)
#: How sure a quantity is that the sum of the sites does not confirm, or that nothing says is one.
_DIFFERS, _UNNAMED = Decimal("0.5"), Decimal("0.7")


def lines(paper: Paper) -> tuple[AskedLine, ...]:
    """The rows below each header that have a designation or a reference, and a quantity above zero."""
    found: list[AskedLine] = []
    for table in paper.tables:
        for panel in _panels(table):
            found += _lines(panel, paper.name)
    return tuple(found)


def _panels(table: Table) -> list[Table]:
    """The tables that stand side by side in one."""
    starts = max((panels(row) for row in table.rows[:200]), key=len, default=(0,))
    if len(starts) == 1:
        return [table]
    ends = [*starts[1:], max(len(row) for row in table.rows)]
    return [table.part(start, end) for start, end in zip(starts, ends, strict=True)]


def charges(paper: Paper) -> tuple[str, ...]:
    """Carriage and fees that the tables list; they are no articles."""
    cells = (" ".join(cell.split()) for table in paper.tables for row in table.rows for cell in row)
    return tuple(dict.fromkeys(cell for cell in cells if _is_charge(cell)))


def rows(cells_of: Sequence[Sequence[str]], part: str, page: int = 0) -> list[AskedLine]:
    """The lines of one table; a row with nothing but more words continues the designation above it."""
    return _lines(Table(page, tuple(tuple(row) for row in cells_of)), part)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a table under the titles that hold for it."""

    table: Table
    part: str
    number: int
    layout: Layout

    @property
    def cells(self) -> Sequence[str]:
        return self.table.rows[self.number]

    def cell(self, column: str) -> str:
        position = self.layout.columns.get(column)
        return self.at(position) if position is not None else ""

    @property
    def designation(self) -> str:
        """The name, and what columns of their own say of it: size, colour."""
        name = row_name = self.cell("designation")
        article = self.cell("article")
        if article and not is_code(article) and plain(article) not in plain(name):
            name = f"{article} {name}".strip()
        for column, position in sorted(self.layout.columns.items(), key=lambda one: one[1]):
            said = self.at(position) if column.startswith(ATTRIBUTE) else ""
            if said and plain(said) not in plain(row_name):
                name = f"{name} {said}".strip()
        return name

    def at(self, position: int) -> str:
        return " ".join(self.cells[position].split()) if position < len(self.cells) else ""


def is_code(text: str) -> bool:
    """One word with a figure in it, or all of it in capitals: no name."""
    return bool(re.fullmatch(r"(?=\S*\d)\S+|[A-Z]+(?:[-/.][A-Z]+)+", text))


def _lines(table: Table, part: str) -> list[AskedLine]:
    layouts = [layout_at(table.rows, number) for number in range(len(table.rows))]
    layout = None if any(layouts) or table.boxes else inferred(table.rows)
    found: list[AskedLine] = []
    number, follows, blank = 0, False, _blank(table)
    while number < len(table.rows):
        titles = layouts[number]
        if titles is not None:
            layout, follows = titles, False
            number += titles.height
            continue
        row = _Row(table, part, number, layout) if layout is not None else None
        number += 1
        if row is None or _is_total(row):
            follows = False
            continue
        line = _line(row)
        if line is not None:
            found.append(line)
        elif follows and _continues(row, blank):
            more = row.cell("designation")
            found[-1] = replace(found[-1], designation=f"{found[-1].designation} {more}")
        follows = line is not None
    return found


def _blank(table: Table) -> float:
    """The usual blank between two rows of a page."""
    boxes = table.boxes[1:]
    gaps = [after[1] - before[3] for before, after in pairwise(boxes)]
    return median(gaps) if gaps else 0.0


def _continues(row: _Row, blank: float) -> bool:
    """The row holds only more words of the designation above: it stands nearer, or begins within a sentence."""
    filled = [position for position, cell in enumerate(row.cells) if cell.strip()]
    text = row.cell("designation")
    if filled != [row.layout.columns.get("designation")] or len(text) > 60 or not row.table.page or row.table.sheet:
        return False
    boxes = row.table.boxes
    near = not boxes or boxes[row.number][1] - boxes[row.number - 1][3] < blank - 1.5
    return near or not text[0].isupper()


def _is_charge(text: str) -> bool:
    flat = plain(text).strip(" .:")
    return len(flat) <= 40 and any(
        re.match(rf"{re.escape(plain(word))}(?!\w)", flat) for word in words("documents")["words"]["charges"]
    )


def _is_total(row: _Row) -> bool:
    """A total, a sub-total, a carry-over: it begins with such a word and has no price of one unit."""
    first = plain(next((cell for cell in row.cells if cell.strip()), "")).strip(" .:")
    said = any(re.match(rf"{re.escape(word)}(?!\w)", first) for word in words("documents")["words"]["total"])
    return said and not row.cell("unit_price")


def _line(row: _Row) -> AskedLine | None:
    designation = row.designation
    columns = (*REFERENCES, "position", "article")
    codes = tuple(dict.fromkeys(code for column in columns if (code := _code(row, column))))
    asked = _asked(row)
    if asked is None and row.table.scanned and codes and designation and "quantity" in row.layout.columns:
        asked = figures.Quantity(None, certainty=_DIFFERS)  # a figure may have been overlooked: a person looks
    if asked is None or not (designation or codes) or _is_charge(designation):
        return None
    if not designation and not re.search(r"\w", "".join(codes)):
        return None
    price = figures.number_of(row.cell("unit_price"))
    packed, holds = figures.packing(row.cell("unit"))
    said = re.search(r"\(([^()\d]{2,20})\)\s*$", designation)
    return AskedLine(
        text=" ".join(" ".join(value.split()) for value in row.cells if value),
        designation=designation,
        quantity=asked.value,
        unit=_unit(row.cell("unit"))
        or packed
        or asked.unit
        or unit_named(row.cell("content"))
        or (_pack_named(said[1]) if said else ""),
        reference=row.cell("own_reference") or next(iter(codes), ""),
        unit_price=price if price and price > 0 else None,
        codes=codes,
        content=asked.content or holds,
        certainty=_certainty(row, asked, price),
        in_table=True,
        evidence=_evidence(row),
    )


def _code(row: _Row, column: str) -> str:
    """The code in a column; what stands under « item » is one when it is no mere number of the line."""
    text = row.cell(column)
    if column == "article" and not is_code(text):
        return ""
    return "" if column == "position" and not re.search(r"[^\W\d]|\d{5,}", text) else text


def _asked(row: _Row) -> figures.Quantity | None:
    """The quantity of a row, summed over its sites; None when it orders nothing."""
    layout = row.layout
    written = row.cell("quantity") or _slipped(row)
    if row.table.boxes and not re.match(r"\d.{0,30}$", written):
        written = ""  # words below a title on a page may be anything
    whole = figures.quantity(written) if written else None
    if layout.sites:
        parts = [figures.quantity(row.at(position)) for position in layout.sites]
        whole = _of_sites(layout, parts, whole)
    if whole is None or (whole.value is not None and whole.value <= 0):
        return None
    if whole.value is None and not row.table.page:
        return None
    return replace(whole, certainty=min(whole.certainty, layout.certainty))


def _of_sites(
    layout: Layout, parts: Sequence[figures.Quantity | None], whole: figures.Quantity | None
) -> figures.Quantity | None:
    """The total that is written, doubtful when it is not the sum of the sites; without one the sum."""
    written = [part for part in parts if part is not None]
    values = [part.value for part in written if part.value is not None]
    if whole is not None and whole.value is not None:
        return replace(whole, certainty=_DIFFERS) if values and sum(values) != whole.value else whole
    if len(values) < len(written):
        return figures.Quantity(None)
    if not any(values):
        return None
    if layout.units:
        return _in_units(layout, parts)
    return figures.Quantity(sum(values, Decimal(0)), next((part.unit for part in written if part.unit), ""))


def _in_units(layout: Layout, parts: Sequence[figures.Quantity | None]) -> figures.Quantity:
    """What stands in the columns of units: two that are filled may mean the same, or a sum."""
    filled = [(p, part) for p, part in zip(layout.sites, parts, strict=True) if part is not None and part.value]
    position, first = filled[0]
    sure = layout.certainty if len(filled) == 1 else _DIFFERS
    return replace(first, unit=layout.units[position], certainty=min(first.certainty, sure))


def _slipped(row: _Row) -> str:
    """On a page a short figure may stand nearer to the title of the unit: « 6 BTE »."""
    beside = row.cell("unit") if row.table.boxes else ""
    return beside if re.fullmatch(r"\d{1,5}(?:[.,]\d{1,3})? ?[^\W\d_]{1,10}\.?", beside) else ""


def _certainty(row: _Row, asked: figures.Quantity, price: Decimal | None) -> Decimal:
    """As sure as the figures of the row are: what multiplies to the amount is right, whatever a picture shows."""
    amount = figures.number_of(row.cell("amount"))
    read = row.table.certainty(row.number)
    if asked.value and price and amount and abs(asked.value * price - amount) <= Decimal("0.015"):
        return max(read, Decimal("0.99")) if read < _SURE else _SURE
    column = [row.table.rows[n][row.layout.columns["quantity"]] for n in _below(row)] if _ambiguous(row) else []
    certainty = asked.certainty
    if column and not figures.decimals_prove(column):
        certainty = min(certainty, _DIFFERS)
    return min(certainty, read, _UNNAMED if _packs_or_units(row, asked) else certainty)


def _packs_or_units(row: _Row, asked: figures.Quantity) -> bool:
    """The row says how many a pack holds, not what it counts, and the quantity is no multiple: packs are likely."""
    found = re.search(r"\d+", row.cell("content"))
    if found is None or row.cell("unit") or asked.unit or not int(found[0]):
        return False
    return asked.value is not None and bool(asked.value % int(found[0]))


def _ambiguous(row: _Row) -> bool:
    return "quantity" in row.layout.columns and figures.may_be_thousands(row.cell("quantity"))


def _below(row: _Row) -> list[int]:
    position = row.layout.columns["quantity"]
    return [n for n, cells in enumerate(row.table.rows) if position < len(cells)]


def _evidence(row: _Row) -> Evidence:
    table, number = row.table, row.number
    position = row.layout.columns.get("quantity", row.layout.sites[0] if row.layout.sites else None)
    return Evidence(
        row.part,
        page=table.page,
        row=number + 1,
        sheet=table.sheet,
        cell=f"{letters(table.left + position)}{number + 1}"
        if position is not None and table.page and not table.boxes
        else "",
        box=table.boxes[number] if table.boxes else None,
    )


def letters(column: int) -> str:
    """A column of a sheet (from 0) by its letters."""
    name, rest = "", column + 1
    while rest:
        rest, last = divmod(rest - 1, 26)
        name = chr(65 + last) + name
    return name


def _pack_named(text: str) -> str:
    """The pack that a bracket behind the name gives; a part (« (quart) ») says which article it is."""
    name = unit_named(text)
    return name if unit_family(name) != "part" else ""


def _unit(text: str) -> str:
    """The unit that a cell names; a longer cell (« carton de 6 ») by its first word."""
    return unit_named(text) or (unit_named(text.split(maxsplit=1)[0]) if text.split() else "")

"""What the columns of a table are, by their titles; several columns of quantities are the sites of one customer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from intake.reading.words import plain, words

#: Columns that belong to the designation, each under its own name.
ATTRIBUTE = "attribute"
REFERENCES = ("our_reference", "reference", "own_reference", "gtin")
_NAMED = frozenset({"designation", *REFERENCES})
_NUMBER = re.compile(r"\s*\d{1,5}(?:[.,]\d{1,2})?\s*")
#: Rows below a header that are looked at to see what an unnamed column holds.
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column is which, the columns of the sites, how many rows the header takes, how sure the quantity is."""

    columns: dict[str, int]
    sites: tuple[int, ...] = ()
    height: int = 1
    certainty: Decimal = field(default=Decimal(1))


@cache
def _columns() -> dict[str, str]:
    return {
        _title(name): f"{column} {name}" if column == ATTRIBUTE else column
        for column, names in words("documents")["columns"].items()
        for name in names
    }


@cache
def _weak() -> frozenset[str]:
    """Titles that name the article by its number where another column names it in words."""
    return frozenset(map(_title, words("documents")["words"]["weak_designation"]))


def _title(cell: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[.:*()€/]+", " ", plain(cell))).strip()


@cache
def column_of(cell: str) -> str:
    """The column that a title names: whole, else by its longest beginning; empty when it names none."""
    title = _title(cell)
    if not title or len(title) > 40:
        return ""
    if title in _columns():
        return _columns()[title]
    known = [name for name in _columns() if len(name) > 2 and title.startswith(f"{name} ")]
    return _columns()[max(known, key=len)] if known else _misread(title)


def _misread(title: str) -> str:
    """A long title with one letter wrong, as pictures and hurried people write it."""
    from rapidfuzz.distance import DamerauLevenshtein

    if len(title) < 7 or not title.isalpha():
        return ""
    near = {
        column
        for name, column in _columns().items()
        if len(name) >= 7 and DamerauLevenshtein.distance(title, name, score_cutoff=1) <= 1
    }
    return near.pop() if len(near) == 1 else ""


def header(cells: Sequence[str]) -> dict[str, int]:
    """Which column is which; empty when the row is no header: it must name what and how many."""
    titles = _titles(cells)
    return titles if _NAMED & titles.keys() and "quantity" in titles else {}


def _titles(cells: Sequence[str]) -> dict[str, int]:
    titles: dict[str, int] = {}
    whole: set[str] = set()
    for position, cell in enumerate(cells):
        column = column_of(cell)
        exact = bool(column) and _title(cell) in _columns()
        if column == "designation" and column in titles and _title(cells[titles[column]]) in _weak():
            titles.setdefault("reference", titles.pop(column))  # « Article | Désignation »: the first is a number
            whole.discard(column)
        if column and (column not in titles or (exact and column not in whole)):
            titles[column] = position
        if exact:
            whole.add(column)
    if "position" in titles and not _NAMED & titles.keys():
        titles["designation"] = titles.pop("position")  # « Item | Qty »
    return titles


def layout_at(rows: Sequence[Sequence[str]], number: int) -> Layout | None:
    """The header that begins at this row, one or two rows high; None when the row is none."""
    first = rows[number]
    if not any(cell.strip() for cell in first):
        return None
    second = rows[number + 1] if number + 1 < len(rows) else ()
    titles = header(first)
    if titles:
        below = _names_below(first, second, titles["quantity"])
        if below:
            return _layout(rows, number + 2, titles, below, 2, named=True)
        return _layout(rows, number + 1, titles, _unnamed(first, titles), 1, named=True)
    return _two_rows_high(rows, number) or _without_quantity(rows, number)


def inferred(rows: Sequence[Sequence[str]]) -> Layout | None:
    """The layout of a list without titles: words on the left, one column of whole numbers; never quite sure."""
    filled = [row for row in rows if sum(1 for cell in row if cell.strip()) >= 2]
    width = max((len(row) for row in filled), default=0)
    counted = [p for p in range(width) if len(filled) >= 2 and _counts(filled, p) and _whole(filled, p)]
    worded = [p for p in range(width) if _worded(filled, p) >= 0.8 * len(filled)]
    if not counted or not worded:
        return None
    if len(counted) > 1:
        return _sites_without_title(rows, filled, worded, counted)
    columns = {"designation": max(worded, key=lambda p: sum(len(row[p]) for row in filled if p < len(row)))}
    columns["quantity"] = counted[0]
    codes = [p for p in worded if p != columns["designation"] and _coded(filled, p)]
    if codes:
        columns["reference"] = codes[0]
    return Layout(columns, height=0, certainty=Decimal("0.85"))


def _sites_without_title(
    rows: Sequence[Sequence[str]], filled: Sequence[Sequence[str]], worded: list[int], counted: list[int]
) -> Layout | None:
    """« Emballages | Dole | Lons » : columns of whole numbers under names that are no known titles are sites."""
    first = next((row for row in rows if any(cell.strip() for cell in row)), ())
    named = all(p < len(first) and re.search(r"[^\W\d_]{2}", first[p]) and not column_of(first[p]) for p in counted)
    others = any(_counts(filled[1:], p) for p in range(max(map(len, filled))) if p not in counted)
    if not named or others or min(counted) < min(worded):
        return None
    return Layout({"designation": worded[0]}, tuple(counted), height=0, certainty=Decimal("0.7"))


def _whole(rows: Sequence[Sequence[str]], position: int) -> bool:
    found = [row[position] for row in rows if position < len(row) and row[position].strip()]
    return all(re.fullmatch(r"\s*\d{1,4}\s*", cell) for cell in found) and len(found) >= 0.5 * len(rows)


def _worded(rows: Sequence[Sequence[str]], position: int) -> int:
    """How many cells of the column hold words."""
    return sum(1 for row in rows if position < len(row) and re.search(r"[^\W\d_]{2}", row[position]))


def _coded(rows: Sequence[Sequence[str]], position: int) -> bool:
    cells = [row[position].strip() for row in rows if position < len(row) and row[position].strip()]
    return all(" " not in cell and re.search(r"\d", cell) for cell in cells)


def _two_rows_high(rows: Sequence[Sequence[str]], number: int) -> Layout | None:
    """A header whose quantity title stands a row above the others, over the names of the sites or alone."""
    first, second = rows[number], rows[number + 1] if number + 1 < len(rows) else ()
    upper, lower = _titles(first), _titles(second)
    if not second or _figures(second) or _NAMED & upper.keys():
        return None
    if "quantity" in upper and _NAMED & lower.keys() and "quantity" not in lower:
        under = range(upper["quantity"], len(second))
        sites = tuple(p for p in under if second[p].strip() and not column_of(second[p]))
        if sites:
            return _layout(rows, number + 2, lower, sites, 2, named=True)
    both = header(_over(first, second))
    return Layout(both, height=2) if both else None


def _without_quantity(rows: Sequence[Sequence[str]], number: int) -> Layout | None:
    """A header that names articles, and sites whose columns hold counts."""
    titles = _titles(rows[number])
    if not _NAMED & titles.keys() or _figures(rows[number]):
        return None
    return _layout(rows, number + 1, titles, _unnamed(rows[number], titles), 1, named=False)


def _over(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Titles that stand in either of two rows."""
    width = max(len(first), len(second))
    return [
        (second[p] if p < len(second) and second[p].strip() else first[p] if p < len(first) else "")
        for p in range(width)
    ]


def _figures(cells: Sequence[str]) -> bool:
    return any(_NUMBER.fullmatch(cell) for cell in cells)


def _names_below(first: Sequence[str], second: Sequence[str], quantity: int) -> tuple[int, ...]:
    """Names of sites in the row below a quantity title that spans several columns."""
    end = quantity + 1
    while end < len(first) and not first[end].strip():
        end += 1
    sites = tuple(p for p in range(quantity, min(end, len(second))) if second[p].strip())
    names = len(sites) > 1 and not any(_NUMBER.fullmatch(second[p]) for p in sites)
    others = [cell for p, cell in enumerate(second) if p not in sites and cell.strip()]
    return sites if names and all(column_of(cell) for cell in others) else ()


def _unnamed(cells: Sequence[str], titles: dict[str, int]) -> tuple[int, ...]:
    """The columns whose title is no known one, right of what is named; columns of quantities beside the first too."""
    start = min(titles[name] for name in _NAMED & titles.keys())
    return tuple(
        position
        for position, cell in enumerate(cells)
        if position > start and cell.strip() and len(cell) <= 40
        and (not column_of(cell) or (column_of(cell) == "quantity" and position != titles.get("quantity")))
    )  # fmt: skip


def _layout(
    rows: Sequence[Sequence[str]],
    start: int,
    titles: dict[str, int],
    unnamed: tuple[int, ...],
    height: int,
    *,
    named: bool,
) -> Layout | None:
    """The layout with those columns as sites that hold counts and whose sum is the total, where there is one."""
    columns = dict(titles)
    below = list(_until_header(rows, start))
    sites = tuple(p for p in unnamed if _counts(below, p))
    if height == 2 and columns.get("quantity") in sites:
        del columns["quantity"]
    total = columns.get("quantity")
    if total is None and "amount" in columns and _sums(below, sites, columns["amount"]) > 0.5:
        total = columns["quantity"] = columns.pop("amount")
    if total is not None:
        if len(sites) < 2 or _sums(below, sites, total) <= 0.5:
            sites = _beside(rows, start - height, total, sites, below)
            if sites:
                del columns["quantity"]
        return Layout(columns, sites, height)
    if not sites:
        return None
    sure = Decimal(1) if named else Decimal("0.8") if len(sites) > 1 else Decimal("0.7")
    return Layout(columns, sites, height, sure)


def _beside(
    rows: Sequence[Sequence[str]], number: int, quantity: int, sites: tuple[int, ...], below: Sequence[Sequence[str]]
) -> tuple[int, ...]:
    """Several columns of quantities and no total among them: they are the sites."""
    titles = rows[number]
    others = tuple(p for p in sites if column_of(titles[p]) == "quantity")
    exact = _title(titles[quantity]) in _columns()
    return tuple(sorted((quantity, *others))) if others and not exact and _counts(below, quantity) else ()


def _until_header(rows: Sequence[Sequence[str]], start: int) -> Iterator[Sequence[str]]:
    for row in rows[start : start + _LOOKED_AT]:
        if header(row):
            return
        if any(cell.strip() for cell in row):
            yield row


def _value(row: Sequence[str], position: int) -> Decimal | None:
    cell = row[position].strip() if position < len(row) else ""
    return Decimal(cell.replace(",", ".")) if _NUMBER.fullmatch(cell) else None


def _counts(rows: Sequence[Sequence[str]], position: int) -> bool:
    """The column holds plain numbers and nothing else, at least one."""
    cells = [row[position].strip() for row in rows if position < len(row)]
    filled = [cell for cell in cells if cell not in {"", "-"}]
    plain_numbers = [cell for cell in filled if _NUMBER.fullmatch(cell)]
    return bool(plain_numbers) and len(plain_numbers) >= 0.8 * len(filled)


def _sums(rows: Sequence[Sequence[str]], sites: Sequence[int], total: int) -> float:
    """The part of the rows in which the sites add up to the total."""
    told = [(whole, [_value(row, p) or Decimal(0) for p in sites]) for row in rows if (whole := _value(row, total))]
    told = [(whole, parts) for whole, parts in told if any(parts)]
    return sum(whole == sum(parts) for whole, parts in told) / len(told) if told else 0.0

"""Rows of a table whose cells are wrapped: the lines between two rules, or between two wider blanks, are one row."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

from intake.attachments.places import Columns, Row, Rules, text_of


def joined(columns: Columns, rows: Sequence[Row], rules: Rules) -> list[Row]:
    """The rows of the table, lines of one row put together."""
    quantity = _quantity_column(columns)
    if not rows or quantity is None:
        return list(rows)
    for found in (_between_rules(columns, rows, rules), _by_blanks(rows)):
        groups = [part for group in found for part in _grouped(group, lambda row: row.apart)]
        whole = [_is_one_row(group, quantity) for group in groups]
        if any(len(group) > 1 for group in groups) and sum(whole) >= 0.8 * len(whole):
            joined = ([_together(group)] if one else group for group, one in zip(groups, whole, strict=True))
            return [row for group in joined for row in group]
    return list(rows)


def _quantity_column(columns: Columns) -> int | None:
    from intake.reading.titles import header

    return header(columns.titles).get("quantity")


def _is_one_row(group: Sequence[Row], quantity: int) -> bool:
    """The lines hold one quantity, or one that is wrapped itself (« 1 » above « 200 »)."""
    counts = [text for row in group if re.match(r"\d", text := text_of(row.cells[quantity]))]
    if len(counts) < 2:
        return True
    others = [
        row for row in group if sum(bool(cell) for number, cell in enumerate(row.cells) if number != quantity) > 1
    ]
    return len(others) < 2 and bool(re.fullmatch(r"\d{1,3}(?: \d{3})+", " ".join(counts)))


def _between_rules(columns: Columns, rows: Sequence[Row], rules: Rules) -> list[list[Row]]:
    """The lines between each two rules that run along the table."""
    spans = [span for span in columns.spans if span[0] > -1e5 and span[1] < 1e5] or list(columns.spans)
    left, right = min(a for a, _ in spans), max(b for _, b in spans)
    drawn: dict[int, float] = {}
    for y, (x0, x1) in rules.horizontal:
        drawn[round(y)] = drawn.get(round(y), 0) + max(0.0, min(x1, right) - max(x0, left))
    levels = sorted(y for y, length in drawn.items() if length > 0.5 * (right - left))
    if len(levels) < 2:
        return []
    return _grouped(rows, lambda row: sum(level < (row.top + row.bottom) / 2 for level in levels))


def _by_blanks(rows: Sequence[Row]) -> list[list[Row]]:
    """The lines between the wider of the blanks between lines, where there are wide and narrow ones."""
    gaps = [max(0.0, after.top - before.bottom) for before, after in pairwise(rows)]
    height = median(row.bottom - row.top for row in rows)
    levels = sorted({gap for gap in gaps if gap < 2 * height})
    wider = [(lower, upper) for lower, upper in pairwise(levels) if upper - lower >= 0.15 * height]
    if not wider:
        return [list(rows)] if levels and levels[-1] < 0.15 * height else []
    limit, groups = sum(wider[0]) / 2, [[rows[0]]]
    for gap, row in zip(gaps, rows[1:], strict=True):
        if gap > limit:
            groups.append([])
        groups[-1].append(row)
    return groups


def _grouped(rows: Sequence[Row], key: Callable[[Row], int | bool]) -> list[list[Row]]:
    groups: list[list[Row]] = []
    last: int | bool | None = None
    for row in rows:
        if key(row) != last:
            groups.append([])
        groups[-1].append(row)
        last = key(row)
    return groups


def _together(group: Sequence[Row]) -> Row:
    cells = [[word for row in group for word in row.cells[number]] for number in range(len(group[0].cells))]
    return Row(cells, group[0].top, group[-1].bottom, [word for row in group for word in row.words])

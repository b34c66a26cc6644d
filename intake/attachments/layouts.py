"""Tables on a page, from the places of its words and of its ruled lines: columns stand under the titles of a header.

A wrapped description belongs to one row: where lines are ruled they say so, elsewhere the blanks between rows do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise
from statistics import median

from intake.attachments.papers import SURE, Box, Table

#: A column's place on the page: from its title and from what was found below it.
Span = tuple[float, float]
#: A row between two rules is not higher than this, in points.
_ROW = 90.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A word and its place on the page, in any measure, from the top left corner."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    certainty: Decimal = SURE


@dataclass(frozen=True, slots=True)
class Cell:
    """Words that stand together on a line."""

    words: tuple[Placed, ...]

    @property
    def text(self) -> str:
        """The words with a blank between them."""
        return " ".join(word.text for word in self.words)

    @property
    def left(self) -> float:
        """Where the first word begins."""
        return self.words[0].x0

    @property
    def right(self) -> float:
        """Where the last word ends."""
        return self.words[-1].x1


@dataclass(frozen=True, slots=True)
class Rules:
    """The ruled lines of a page: where each stands, and from where to where it goes."""

    horizontal: tuple[tuple[float, Span], ...] = ()
    vertical: tuple[tuple[float, Span], ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """The titles of a table and where its columns are; `edges` are the ruled lines between them, if any."""

    titles: tuple[str, ...]
    spans: tuple[Span, ...]
    edges: tuple[float, ...] = ()
    bottom: float = 0.0

    @property
    def rules(self) -> Rules:
        """The lines between the columns, as if they ran down the page."""
        return Rules(vertical=tuple((x, (-1e9, 1e9)) for x in self.edges))


@dataclass(slots=True)
class _Row:
    """A row of a table while it is put together: the words of each column; a sentence stands `apart`."""

    cells: list[list[Placed]]
    top: float
    bottom: float
    words: list[Placed] = field(default_factory=list)
    apart: bool = False


def rows_of(words: Iterable[Placed], blank: float = 0.6) -> list[list[Cell]]:
    """The words of a page as lines of cells; a gap wider than a blank (in heights of a letter) begins a new cell."""
    lines: list[list[Placed]] = []
    for word in sorted(words, key=lambda word: (word.top + word.bottom) / 2):
        last = lines[-1] if lines else []
        if any(_level(word, other) for other in last[-6:]) and not any(_beneath(word, other) for other in last):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [_cells(sorted(line, key=lambda word: word.x0), blank) for line in lines]


def _level(one: Placed, other: Placed) -> bool:
    """The words stand on one line: they share more than half of the lower one's height."""
    common = min(one.bottom, other.bottom) - max(one.top, other.top)
    return common > 0.5 * min(one.bottom - one.top, other.bottom - other.top)


def _beneath(one: Placed, other: Placed) -> bool:
    """The words stand one below the other, so not on one line."""
    common = min(one.x1, other.x1) - max(one.x0, other.x0)
    return common > 0.3 * min(one.x1 - one.x0, other.x1 - other.x0)


def _cells(line: Sequence[Placed], blank: float) -> list[Cell]:
    height = median(sorted(word.bottom - word.top for word in line)[len(line) // 2 :])
    cells: list[list[Placed]] = []
    for word in line:
        if cells and word.x0 - cells[-1][-1].x1 <= blank * height:
            cells[-1].append(word)
        else:
            cells.append([word])
    return [Cell(tuple(cell)) for cell in cells]


def tables_in(
    rows: Sequence[list[Cell]],
    page: int,
    rules: Rules = Rules(),
    above: Columns | None = None,
) -> list[Table]:
    """The tables of a page, each with its header first; one that began on a page before goes on under `above`."""
    return [_table(columns, lines, page, rules) for columns, lines in _tables(rows, rules, above)]


def columns_after(rows: Sequence[list[Cell]], rules: Rules, above: Columns | None) -> Columns | None:
    """The columns of the table with which the page ends."""
    found = _tables(rows, rules, above)
    return found[-1][0] if found else above


def _tables(rows: Sequence[list[Cell]], rules: Rules, above: Columns | None) -> list[tuple[Columns, list[list[Cell]]]]:
    found: list[tuple[Columns, list[list[Cell]]]] = []
    columns, position = above, 0
    lines: list[list[Cell]] = []
    while position < len(rows):
        titles, taken = _header(rows, position, rules)
        if titles:
            if columns is not None and (lines or columns is not above):
                found.append((columns, lines))
            columns, lines = _columns(titles, rules, rows[position]), []
            position += taken
            continue
        lines = [*lines, rows[position]]
        position += 1
    if columns is not None and (lines or columns is not above):
        found.append((columns, lines))
    return found


def _header(rows: Sequence[list[Cell]], position: int, rules: Rules) -> tuple[list[Cell], int]:
    """The titles of a header that begins at this line, and how many lines it takes; titles may be wrapped."""
    from intake.reading.titles import header  # reading imports this package

    titles = _untied(_split(rows[position], rules))
    if len(titles) < 2 and len(rows[position]) < 2:
        return [], 0
    most = len(header([cell.text for cell in titles]))
    best: tuple[list[Cell], int] = (titles, 1) if most else ([], 0)
    for taken in range(2, 4):
        if position + taken > len(rows):
            break
        following, before = rows[position + taken - 1], rows[position + taken - 2]
        apart = min(y for cell in following for y in _tops(cell)) - max(y for cell in before for y in _bottoms(cell))
        if apart > 0.6 * _height(before) or any(re.match(r"\d", cell.text) for cell in following):
            break
        more = _untied(_split(following, rules))
        below = all(any(_common(cell, title) > 0 for title in titles) for cell in more)
        titles = _merged(titles, more)
        named = len(header([cell.text for cell in titles]))
        wrapped = below and not any(letter.isdigit() for cell in more for letter in cell.text)
        if named > most or (named == most > 0 and wrapped and apart <= 0.35 * _height(before)):
            best, most = (titles, taken), named
    return best


def _common(cell: Cell, title: Cell) -> float:
    return min(cell.right, title.right) - max(cell.left, title.left)


def _untied(titles: Sequence[Cell]) -> list[Cell]:
    """Titles that stand so close that they look like one, taken apart where each part is a title of its own."""
    from intake.reading.titles import column_of, is_title

    found: list[Cell] = []
    for cell in titles:
        words, start = cell.words, 0
        if len(words) == 1 or is_title(cell.text) or len(words) > 12:
            found.append(cell)
            continue
        parts: list[Cell] = []
        while start < len(words):
            ends = [end for end in range(len(words), start, -1) if is_title(Cell(words[start:end]).text)]
            if not ends:
                break
            parts.append(Cell(words[start : ends[0]]))
            start = ends[0]
        kinds = [column_of(part.text) for part in parts]
        found += parts if start == len(words) and len(set(kinds)) == len(kinds) else [cell]
    return found


def _split(row: Sequence[Cell], rules: Rules) -> list[Cell]:
    """The cells of a line, cut where a vertical rule runs between two words."""
    top, bottom = (f([f2 for c in row for f2 in v(c)]) for f, v in ((min, _tops), (max, _bottoms)))
    middle = (top + bottom) / 2
    edges = [x for x, (y0, y1) in rules.vertical if y0 <= middle <= y1]
    cells: list[list[Placed]] = []
    for cell in row:
        cells.append([])
        for word in cell.words:
            middle = (word.x0 + word.x1) / 2
            if cells[-1] and any((cells[-1][-1].x0 + cells[-1][-1].x1) / 2 < x < middle for x in edges):
                cells.append([])
            cells[-1].append(word)
    return [Cell(tuple(words)) for words in cells]


def _tops(cell: Cell) -> list[float]:
    return [word.top for word in cell.words]


def _bottoms(cell: Cell) -> list[float]:
    return [word.bottom for word in cell.words]


def _height(row: Sequence[Cell]) -> float:
    return median(word.bottom - word.top for cell in row for word in cell.words)


def _merged(titles: Sequence[Cell], more: Sequence[Cell]) -> list[Cell]:
    """Titles with the second line of those that are wrapped."""
    found = [list(cell.words) for cell in titles]
    for cell in more:
        common = [_common(cell, title) for title in titles]
        nearest = max(range(len(titles)), key=common.__getitem__)
        if common[nearest] > 0:
            found[nearest] += cell.words
        else:
            found.append(list(cell.words))
    return sorted((Cell(tuple(words)) for words in found), key=lambda cell: min(w.x0 for w in cell.words))


def _columns(titles: Sequence[Cell], rules: Rules, row: Sequence[Cell]) -> Columns:
    middle = sum(_tops(row[0]) + _bottoms(row[0])) / (2 * len(row[0].words))
    edges = sorted({x for x, (y0, y1) in rules.vertical if y0 - 1 <= middle <= y1 + 1})
    edges = [x for number, x in enumerate(edges) if number == 0 or x - edges[number - 1] > 2]
    spans = [(min(w.x0 for w in cell.words), max(w.x1 for w in cell.words)) for cell in titles]
    if len(edges) < 2 or any(sum(a < x < b for x in edges) for a, b in spans):
        return Columns(tuple(cell.text for cell in titles), tuple(spans))
    between = [sum(x < (a + b) / 2 for x in edges) for a, b in spans]
    if len(set(between)) < len(between):
        return Columns(tuple(cell.text for cell in titles), tuple(spans))
    names = [""] * (len(edges) + 1)
    for cell, place in zip(titles, between, strict=True):
        names[place] = cell.text
    bounds = [-1e6, *edges, 1e6]
    spans = [(bounds[i], bounds[i + 1]) for i in range(len(names))]
    return Columns(tuple(names), tuple(spans), tuple(edges), max(y for cell in titles for y in _bottoms(cell)))


def _table(columns: Columns, lines: Sequence[list[Cell]], page: int, rules: Rules) -> Table:
    within = _within(columns, lines, rules)
    placed = [_placed(columns, line, rules) for line in within]
    if not columns.edges:
        full = [row for row in placed if sum(map(bool, row.cells)) >= max(2, 0.75 * len(row.cells))]
        spans = _spans(columns, full)  # titles may stand in the middle of their column, figures at its right
        placed = [_apart(spans, _placed(replace(columns, spans=tuple(spans)), line, rules)) for line in within]
    rows = _joined(columns, placed, rules)
    boxes: list[Box] = [(0, 0, 0, 0)]
    texts = [columns.titles]
    certainties: dict[tuple[int, int], Decimal] = {}
    for number, row in enumerate(rows, start=1):
        texts.append(tuple(_text(cell) for cell in row.cells))
        words = [word for cell in row.cells for word in cell]
        edges = [word.x0 for word in words], [word.top for word in words]
        ends = [word.x1 for word in words], [word.bottom for word in words]
        left, top, right, bottom = *map(min, edges), *map(max, ends)
        boxes.append((round(left, 1), round(top, 1), round(right, 1), round(bottom, 1)))
        for column, cell in enumerate(row.cells):
            sure = min((word.certainty for word in cell), default=SURE)
            if sure < SURE:
                certainties[number, column] = sure
    return Table(page, tuple(texts), boxes=tuple(boxes), certainties=certainties)


def _text(words: Sequence[Placed]) -> str:
    return " ".join(word.text for word in words)


def _within(columns: Columns, lines: Sequence[list[Cell]], rules: Rules) -> list[list[Cell]]:
    """The lines of a ruled table end where its rules end."""
    if not columns.edges or not lines:
        return list(lines)
    left, right = columns.edges[0] - 2, columns.edges[-1] + 2
    ends = min(_tops(lines[0][0]))
    down = [(y0, y1) for x, (y0, y1) in rules.vertical if left <= x <= right]
    across = [(y - _ROW, y) for y, (x0, x1) in rules.horizontal if x0 < right and x1 > left]
    for y0, y1 in sorted(down + across, key=lambda rule: rule[1]):
        if y0 <= ends + 4:
            ends = max(ends, y1)
    if ends < columns.bottom + _ROW / 6:
        return list(lines)  # only the titles are ruled
    return [line for line in lines if min(_tops(line[0])) < ends]


def _placed(columns: Columns, line: Sequence[Cell], rules: Rules) -> _Row:
    """A line with each cell in its column: between the rules, else under the title that it stands nearest to."""
    cells: list[list[Placed]] = [[] for _ in columns.titles]
    words = [word for cell in line for word in cell.words]
    if columns.edges:
        for cell in _split(line, rules) if len(line) == 1 or _is_ruled(columns, rules) else _split(line, columns.rules):
            cells[sum(x < (cell.words[0].x0 + cell.words[0].x1) / 2 for x in columns.edges)] += cell.words
    else:
        for cell in line:
            over = [i for i, (a, b) in enumerate(columns.spans) if min(b, cell.right) - max(a, cell.left) > 0]
            nearest = min(range(len(cells)), key=lambda i, cell=cell: _distance(cell, columns.spans[i]))  # type: ignore[misc]
            cells[over[0] if len(over) > 1 else nearest] += cell.words
    named = any(cell and title for cell, title in zip(cells, columns.titles, strict=True))
    most = 1 if columns.edges else 2  # without rules a description may run below the next title
    wide = len(line) == 1 and sum(line[0].left < b and line[0].right > a for a, b in columns.spans) > most
    return _Row(cells, min(w.top for w in words), max(w.bottom for w in words), words, apart=wide or not named)


def _is_ruled(columns: Columns, rules: Rules) -> bool:
    """Rules run down between the columns, not only between the titles: what they do not cut is one cell."""
    return any(x in columns.edges[1:-1] and y1 > columns.bottom + _ROW / 6 for x, (_, y1) in rules.vertical)


def _distance(cell: Cell, span: Span) -> float:
    overlap = min(cell.right, span[1]) - max(cell.left, span[0])
    if overlap > 0:
        return -overlap
    return min(abs(cell.left - span[0]), abs(cell.right - span[1]), abs(cell.left + cell.right - sum(span)) / 2)


def _spans(columns: Columns, rows: Sequence[_Row]) -> list[Span]:
    """Where each column is: its title, and the cells that stand under one title only."""
    found = []
    for number, (left, right) in enumerate(columns.spans):
        others = [span for i, span in enumerate(columns.spans) if i != number]
        mine = [row.cells[number] for row in rows if row.cells[number]]
        mine = [c for c in mine if not any(c[-1].x1 > a and c[0].x0 < b for a, b in others)]
        found.append((min([left, *(c[0].x0 for c in mine)]), max([right, *(c[-1].x1 for c in mine)])))
    return found


def _apart(spans: Sequence[Span], row: _Row) -> _Row:
    """A cell that runs under several titles, beside other cells, is cut at the columns; alone it is a sentence."""
    filled = [cell for cell in row.cells if cell]
    cells: list[list[Placed]] = [[] for _ in row.cells]
    for number, cell in enumerate(row.cells):
        wide = [i for i, (a, b) in enumerate(spans) if cell and cell[0].x0 < b and cell[-1].x1 > a]
        if len(wide) < 2 or len(filled) < 2:
            strayed = _strayed(cell[-1], spans, number) if len(cell) > 1 else number
            cells[number] += cell if strayed == number else cell[:-1]
            cells[strayed] += [] if strayed == number else cell[-1:]
            continue
        placed = [_nearest(word, spans, number) for word in cell]
        for at, (word, following) in reversed(list(enumerate(pairwise(cell)))):
            if _thousands(word, following):
                placed[at] = placed[at + 1]
        for word, column in zip(cell, placed, strict=True):
            cells[column].append(word)
    for cell in cells:
        cell.sort(key=lambda word: word.x0)
    return _Row(cells, row.top, row.bottom, row.words, apart=row.apart)


def _nearest(word: Placed, spans: Sequence[Span], number: int) -> int:
    """The column that a word of a wide cell stands in, else the last one that begins before it."""
    common, _, column = max((min(word.x1, b) - max(word.x0, a), -abs(i - number), i) for i, (a, b) in enumerate(spans))
    begun = [i for i, (a, _) in enumerate(spans) if a <= word.x0 + 1]
    return column if common > 0 else max(begun, key=lambda i: spans[i][0], default=number)


def _thousands(word: Placed, following: Placed) -> bool:
    """Two words that are one number, « 1 200 »."""
    close = following.x0 - word.x1 < 0.56 * (word.bottom - word.top)
    return close and bool(re.fullmatch(r"\d{1,3}", word.text) and re.fullmatch(r"\d{3}(?:[.,]\d+)?", following.text))


def _strayed(word: Placed, spans: Sequence[Span], number: int) -> int:
    """The column of a last figure that stands close to a sentence but in a column of its own."""
    if not re.fullmatch(r"\d{1,3}", word.text):
        return number
    inside = [i for i, (a, b) in enumerate(spans) if a - 1 <= word.x0 and word.x1 <= b + 1]
    return inside[0] if len(inside) == 1 else number


def _joined(columns: Columns, rows: Sequence[_Row], rules: Rules) -> list[_Row]:
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


def _is_one_row(group: Sequence[_Row], quantity: int) -> bool:
    """The lines hold one quantity, or one that is wrapped itself (« 1 » above « 200 »)."""
    counts = [text for row in group if re.match(r"\d", text := _text(row.cells[quantity]))]
    if len(counts) < 2:
        return True
    others = [
        row for row in group if sum(bool(cell) for number, cell in enumerate(row.cells) if number != quantity) > 1
    ]
    return len(others) < 2 and bool(re.fullmatch(r"\d{1,3}(?: \d{3})+", " ".join(counts)))


def _between_rules(columns: Columns, rows: Sequence[_Row], rules: Rules) -> list[list[_Row]]:
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


def _by_blanks(rows: Sequence[_Row]) -> list[list[_Row]]:
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


def _grouped(rows: Sequence[_Row], key: Callable[[_Row], int | bool]) -> list[list[_Row]]:
    groups: list[list[_Row]] = []
    last: int | bool | None = None
    for row in rows:
        if key(row) != last:
            groups.append([])
        groups[-1].append(row)
        last = key(row)
    return groups


def _together(group: Sequence[_Row]) -> _Row:
    cells = [[word for row in group for word in row.cells[number]] for number in range(len(group[0].cells))]
    return _Row(cells, group[0].top, group[-1].bottom, [word for row in group for word in row.words])

"""Tables on a page, from the places of its words and of its ruled lines: columns stand under the titles of a header.

A wrapped description belongs to one row: where lines are ruled they say so, elsewhere the blanks between rows do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from statistics import median

from intake.attachments.papers import SURE, Box, Table
from intake.attachments.places import NO_RULES, Cell, Columns, Placed, Row, Rules, Span, bottoms, text_of, tops
from intake.attachments.wraps import joined

#: A row between two rules is not higher than this, in points.
_ROW = 90.0


def tables_in(
    rows: Sequence[list[Cell]],
    page: int,
    rules: Rules = NO_RULES,
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
        apart = min(y for cell in following for y in tops(cell)) - max(y for cell in before for y in bottoms(cell))
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
    top, bottom = (f([f2 for c in row for f2 in v(c)]) for f, v in ((min, tops), (max, bottoms)))
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
    middle = sum(tops(row[0]) + bottoms(row[0])) / (2 * len(row[0].words))
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
    return Columns(tuple(names), tuple(spans), tuple(edges), max(y for cell in titles for y in bottoms(cell)))


def _table(columns: Columns, lines: Sequence[list[Cell]], page: int, rules: Rules) -> Table:
    within = _within(columns, lines, rules)
    placed = [_placed(columns, line, rules) for line in within]
    if not columns.edges:
        full = [row for row in placed if sum(map(bool, row.cells)) >= max(2, 0.75 * len(row.cells))]
        spans = _spans(columns, full)  # titles may stand in the middle of their column, figures at its right
        placed = [_apart(spans, _placed(replace(columns, spans=tuple(spans)), line, rules)) for line in within]
    rows = joined(columns, placed, rules)
    boxes: list[Box] = [(0, 0, 0, 0)]
    texts = [columns.titles]
    certainties: dict[tuple[int, int], Decimal] = {}
    for number, row in enumerate(rows, start=1):
        texts.append(tuple(text_of(cell) for cell in row.cells))
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


def _within(columns: Columns, lines: Sequence[list[Cell]], rules: Rules) -> list[list[Cell]]:
    """The lines of a ruled table end where its rules end."""
    if not columns.edges or not lines:
        return list(lines)
    left, right = columns.edges[0] - 2, columns.edges[-1] + 2
    ends = min(tops(lines[0][0]))
    down = [(y0, y1) for x, (y0, y1) in rules.vertical if left <= x <= right]
    across = [(y - _ROW, y) for y, (x0, x1) in rules.horizontal if x0 < right and x1 > left]
    for y0, y1 in sorted(down + across, key=lambda rule: rule[1]):
        if y0 <= ends + 4:
            ends = max(ends, y1)
    if ends < columns.bottom + _ROW / 6:
        return list(lines)  # only the titles are ruled
    return [line for line in lines if min(tops(line[0])) < ends]


def _placed(columns: Columns, line: Sequence[Cell], rules: Rules) -> Row:
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
    return Row(cells, min(w.top for w in words), max(w.bottom for w in words), words, apart=wide or not named)


def _is_ruled(columns: Columns, rules: Rules) -> bool:
    """Rules run down between the columns, not only between the titles: what they do not cut is one cell."""
    return any(x in columns.edges[1:-1] and y1 > columns.bottom + _ROW / 6 for x, (_, y1) in rules.vertical)


def _distance(cell: Cell, span: Span) -> float:
    overlap = min(cell.right, span[1]) - max(cell.left, span[0])
    if overlap > 0:
        return -overlap
    return min(abs(cell.left - span[0]), abs(cell.right - span[1]), abs(cell.left + cell.right - sum(span)) / 2)


def _spans(columns: Columns, rows: Sequence[Row]) -> list[Span]:
    """Where each column is: its title, and the cells that stand under one title only."""
    found = []
    for number, (left, right) in enumerate(columns.spans):
        others = [span for i, span in enumerate(columns.spans) if i != number]
        mine = [row.cells[number] for row in rows if row.cells[number]]
        mine = [c for c in mine if not any(c[-1].x1 > a and c[0].x0 < b for a, b in others)]
        found.append((min([left, *(c[0].x0 for c in mine)]), max([right, *(c[-1].x1 for c in mine)])))
    return found


def _apart(spans: Sequence[Span], row: Row) -> Row:
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
    return Row(cells, row.top, row.bottom, row.words, apart=row.apart)


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

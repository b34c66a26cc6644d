"""Tables without rules in a PDF: rows of words whose columns are found under the titles of a header line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cell:
    """Words that stand together on a line."""

    text: str
    left: float
    right: float


def rows_of(words: Iterable[dict[str, Any]]) -> list[list[Cell]]:
    """The words of a page as lines of cells; a gap wider than a blank begins a new cell."""
    lines: list[list[dict[str, Any]]] = []
    for word in sorted(words, key=lambda word: (round(word["bottom"], 1), word["x0"])):
        if lines and abs(lines[-1][0]["bottom"] - word["bottom"]) <= 0.4 * (word["bottom"] - word["top"]):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [_cells(sorted(line, key=lambda word: word["x0"])) for line in lines]


def _cells(line: list[dict[str, Any]]) -> list[Cell]:
    cells: list[Cell] = []
    for word in line:
        height = word["bottom"] - word["top"]
        if cells and word["x0"] - cells[-1].right <= 0.55 * height:
            cells[-1] = Cell(f"{cells[-1].text} {word['text']}", cells[-1].left, word["x1"])
        else:
            cells.append(Cell(word["text"], word["x0"], word["x1"]))
    return cells


def tables_under(
    rows: Sequence[list[Cell]], is_header: Callable[[list[str]], bool]
) -> list[tuple[tuple[str, ...], ...]]:
    """The tables that begin with a header line, each row's cells under the title that they stand nearest to."""
    tables: list[list[tuple[str, ...]]] = []
    titles: list[Cell] = []
    for row in rows:
        if len(row) > 1 and is_header([cell.text for cell in row]):
            titles = row
            tables.append([tuple(cell.text for cell in row)])
        elif titles:
            placed = [""] * len(titles)
            for cell in row:
                column = min(range(len(titles)), key=lambda i, cell=cell: _distance(cell, titles[i]))  # type: ignore[misc]
                placed[column] = f"{placed[column]} {cell.text}".strip()
            tables[-1].append(tuple(placed))
    return [tuple(table) for table in tables]


def _distance(cell: Cell, title: Cell) -> float:
    overlap = min(cell.right, title.right) - max(cell.left, title.left)
    if overlap > 0:
        return -overlap
    edges = abs(cell.left - title.left), abs(cell.right - title.right)
    return min(*edges, abs(cell.left + cell.right - title.left - title.right) / 2)

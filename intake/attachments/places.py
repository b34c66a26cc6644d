"""Words on a page and what they make: cells, lines, the ruled lines between them, the columns of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median

from intake.attachments.papers import SURE

#: A column's place on the page: from its title and from what was found below it.
Span = tuple[float, float]


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
class Row:
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


def tops(cell: Cell) -> list[float]:
    """Where each word of the cell begins, downwards."""
    return [word.top for word in cell.words]


def bottoms(cell: Cell) -> list[float]:
    """Where each word of the cell ends, downwards."""
    return [word.bottom for word in cell.words]


def text_of(words: Sequence[Placed]) -> str:
    """The words with a blank between them."""
    return " ".join(word.text for word in words)


NO_RULES = Rules()

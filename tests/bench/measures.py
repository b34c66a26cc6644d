"""What a bench gives: one row of the table, and how its times are taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TypeVar

Input = TypeVar("Input")


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds per call."""

    each: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the calls take less."""
        return median(self.each)

    @property
    def p95(self) -> float:
        """Of twenty calls nineteen take less."""
        return quantiles(self.each, n=20)[-1] if len(self.each) > 1 else self.each[0]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a figure, its bar, and how it stands to a plain reference measured in the same run."""

    name: str
    figure: str
    bar: str
    p95: str = ""
    ratio: float | None = None
    reference: str = ""


def timed(act: Callable[[Input], object], inputs: Iterable[Input]) -> Times:
    """How long each call takes, after five that are not counted."""
    asked = list(inputs)
    for one in asked[:5]:
        act(one)
    each: list[float] = []
    for one in asked:
        begun = time.perf_counter()
        act(one)
        each.append(time.perf_counter() - begun)
    return Times(tuple(each))


def once(act: Callable[[], object]) -> Times:
    """How long one call takes."""
    begun = time.perf_counter()
    act()
    return Times((time.perf_counter() - begun,))


def table(rows: Iterable[Row]) -> str:
    """The rows under their headings."""
    cells = [("bench", "median", "p95", "bar", "ratio", "to the reference")]
    for row in rows:
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        cells.append((row.name, row.figure, row.p95, row.bar, ratio, row.reference))
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])

"""`python -m tests.bench [NAME…]`: the benches, and one table of what they measured.

A bench is a module with a function `benches()` that gives rows; its name stands in `BENCHES`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

from tests.bench.measures import Row, table

BENCHES = ("mails", "reading", "matching", "checks", "documents", "issuing", "front")


def rows(names: list[str]) -> Iterator[Row]:
    """The rows of the benches with these names, or of all."""
    for name in names or BENCHES:
        yield from importlib.import_module(f"tests.bench.{name}").benches()


if __name__ == "__main__":
    sys.stdout.write(table(rows(sys.argv[1:])) + "\n")

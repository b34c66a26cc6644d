"""Articles of a dozen trades made from families of variants: the same ones at every run.

A family of `families.txt` is a name with attributes. Its articles are drawn in rows: one article, then all those that
differ from it by the value of one attribute, so that each has neighbours that a reader may take it for.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import prod
from pathlib import Path
from zlib import crc32

from intake.matching import CatalogueRow

FAMILIES = Path(__file__).with_name("families.txt")
SEED = 20261124


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a name: its words, and whether they are an attribute that varies within the family."""

    text: str
    varies: bool


@dataclass(frozen=True, slots=True)
class Article:
    """A made article: its name in pieces says what tells it from its neighbours."""

    sku: str
    trade: str
    family: int
    unit: str
    packs: str
    pieces: tuple[Piece, ...]

    @property
    def name(self) -> str:
        """The name as a catalogue prints it."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def row(self) -> CatalogueRow:
        """The article as the reader's catalogue has it."""
        packs = tuple((name, Decimal(size)) for name, _, size in (pack.partition("=") for pack in [self.packs]))
        number = crc32(self.sku.encode())
        return CatalogueRow(self.sku, self.name, self.unit, packs, f"200{number:010d}", f"FR{number:08X}")


@dataclass(frozen=True, slots=True)
class Family:
    """A name with attributes: literal texts and lists of values, in order."""

    number: int
    trade: str
    unit: str
    packs: str
    parts: tuple[tuple[str, ...], ...]

    @property
    def variants(self) -> int:
        """How many articles the family may have."""
        return prod(len(part) for part in self.parts)

    def article(self, choice: tuple[int, ...], sku: str) -> Article:
        """The article with these values."""
        pieces = (
            Piece(part[at], varies=len(part) > 1)
            for part, at in zip(self.parts, choice, strict=True) if part[at]
        )  # fmt: skip
        return Article(sku, self.trade, self.number, self.unit, self.packs, tuple(pieces))

    def drawn(self, count: int, seed: int) -> list[tuple[int, ...]]:
        """That many variants, in rows of neighbours."""
        chance = random.Random(f"{seed}:{self.number}")
        varying = [at for at, part in enumerate(self.parts) if len(part) > 1]
        found: dict[tuple[int, ...], None] = {}
        while len(found) < min(count, self.variants):
            base = tuple(chance.randrange(len(part)) for part in self.parts)
            axis = chance.choice(varying)
            for value in range(len(self.parts[axis])):
                found[(*base[:axis], value, *base[axis + 1 :])] = None
        return list(found)[:count]


@cache
def families() -> tuple[Family, ...]:
    """The families of the file, in order."""
    lists: dict[str, tuple[str, ...]] = {}
    found: list[Family] = []
    for line in FAMILIES.read_text("utf-8").splitlines():
        if line.startswith("@"):
            name, _, values = line.partition(" = ")
            lists[name] = tuple(value.strip() for value in values.split("|"))
        elif line and not line.startswith("#"):
            trade, unit, packs, name = (column.strip() for column in line.split(" ; "))
            parts = tuple(
                lists[inner] if inner.startswith("@") else tuple(inner.split("|")) if braced else (inner,)
                for braced, inner in _parts(name)
            )
            parts = (*parts, (" ",), _ranges(len(found))) if len(found) % 3 == 0 else parts
            found.append(Family(len(found), trade, unit, packs, parts))
    return tuple(found)


def _ranges(number: int) -> tuple[str, ...]:
    """The invented names of a family's ranges: a big catalogue has thousands of such words."""
    chance = random.Random(f"range:{number}")
    syllables = [first + vowel for first in "bcdfglmnprstvz" for vowel in "aeiou"]
    ends = ("l", "n", "r", "s", "x", "")
    names = {"".join(chance.choices(syllables, k=chance.choice((2, 3, 3)))) + chance.choice(ends) for _ in range(50)}
    return tuple(sorted(name.capitalize() for name in names))


def _parts(name: str) -> list[tuple[bool, str]]:
    cut = re.split(r"(\{[^}]*\})", name)
    return [(part.startswith("{"), part.strip("{}")) for part in cut if part]


def articles(count: int = 100_000, *, trades: frozenset[str] = frozenset(), seed: int = SEED) -> list[Article]:
    """About that many articles, each family the same share, in an order that mixes the families."""
    chosen = [family for family in families() if not trades or family.trade in trades]
    left, shares = count, {}
    for place, family in enumerate(sorted(chosen, key=lambda one: one.variants)):
        shares[family.number] = min(family.variants, -(-left // (len(chosen) - place)))
        left -= shares[family.number]
    made = [
        family.article(choice, f"{family.trade[:3].upper()}{family.number:03d}{at:05d}")
        for family in chosen
        for at, choice in enumerate(family.drawn(shares[family.number], seed))
    ]
    random.Random(seed).shuffle(made)
    return made

"""Articles as matching sees them: rows of a catalogue, and what their words say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from intake.reading.words import plain, unit_forms, words


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """An article as matching sees it: names, identifiers, and how many sales units a pack holds."""

    sku: str
    name: str
    unit: str
    packagings: tuple[tuple[str, Decimal], ...] = ()
    gtin: str = ""
    supplier_reference: str = ""
    aliases: tuple[str, ...] = ()
    price: Decimal | None = None


@lru_cache(maxsize=65536)
def root(word: str) -> str:
    """A word without its French ending, so that plurals and feminines meet."""
    table = words("words")
    if len(word) <= 3 or any(letter.isdigit() for letter in word):
        return word[:-1] if len(word) == 3 and word.endswith("s") and word.isalpha() else word
    for ending, instead in table["endings"]:
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= 3:
            return str(word[: len(word) - len(ending)] + instead)
    return word


@cache
def _contents() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in words("words")["contents"]["patterns"])


@lru_cache(maxsize=16384)
def content_of(name: str) -> Decimal | None:
    """How many things one sales unit holds, where the name says it (« boîte de 100 », « x50 »)."""
    flat = plain(name)
    found = [Decimal(match[1]) for pattern in _contents() if (match := pattern.search(flat)) is not None]
    return next((value for value in found if value > 1), None)


@lru_cache(maxsize=16384)
def holds(name: str, unit: str) -> Decimal | None:
    """How many things one sales unit holds: as names say it, or behind the unit's own word (« manchon 50 »)."""
    found = content_of(name)
    if found is not None or not unit:
        return found
    size = r"(?![\d,.x/°]|\s?(?:cm|mm|m|kg|g|l|cl|ml)\b)"
    named = re.search(rf"(?<!\w){re.escape(plain(unit))}s? (?:de )?(\d{{1,5}}){size}", plain(name))
    return Decimal(named[1]) if named and int(named[1]) > 1 else None


@lru_cache(maxsize=4096)
def unit_name(written: str) -> str:
    """The name of a unit, or the word itself."""
    return unit_forms().get(plain(written), (plain(written), ""))[0]


@lru_cache(maxsize=4096)
def unit_roots(name: str) -> frozenset[str]:
    """The roots of every word for a unit; none for no unit."""
    return frozenset(root(form) for form, (known, _) in unit_forms().items() if known == name) if name else frozenset()

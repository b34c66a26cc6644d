"""The vocabulary as data: French words live in `intake/vocabulary`, never in code."""

from __future__ import annotations

import importlib.resources
import re
import tomllib
import unicodedata
from decimal import Decimal
from functools import cache
from typing import Any


@cache
def words(name: str) -> dict[str, Any]:
    """One vocabulary file."""
    return tomllib.loads((importlib.resources.files("intake") / "vocabulary" / f"{name}.toml").read_text("utf-8"))


def plain(text: str) -> str:
    """The text in lower case, without accents, letter for letter so that positions stay; blanks become spaces."""
    return "".join(_plain_letter(letter) for letter in text)


@cache
def _plain_letter(letter: str) -> str:
    if letter.isspace():
        return "\n" if letter in "\n\r" else " "
    base = unicodedata.normalize("NFKD", letter.lower())
    stripped = "".join(part for part in base if not unicodedata.combining(part))
    special = {"\u2019": "'", "\u0153": "o", "\u00e6": "a"}.get(letter.lower())
    return special or (stripped if len(stripped) == 1 else letter)


@cache
def phrase(*path: str) -> re.Pattern[str]:
    """The expressions under a path of the phrases file, as one pattern on plain text."""
    found: Any = words("phrases")
    for step in path:
        found = found.get(step, {})
    return re.compile("|".join(found) if found else r"(?!)")


@cache
def unit_forms() -> dict[str, tuple[str, str]]:
    """Every written form of a unit (plain) to its name and kind: count, pack or measure."""
    return {plain(form): (unit["name"], unit["kind"]) for unit in words("units")["unit"] for form in unit["forms"]}


@cache
def unit_family(name: str) -> str:
    """What joins packs that people take for one another; the unit's own name when it has no family."""
    unit: dict[str, Any] = next((unit for unit in words("units")["unit"] if unit["name"] == name), {})
    return str(unit.get("family", name))


@cache
def number_words() -> dict[str, Decimal]:
    """Plain number words up to a hundred, and nouns that count (a dozen)."""
    table = words("numbers")
    return {
        plain(word): Decimal(value)
        for part in ("units", "tens", "groups", "scales")
        for word, value in table[part].items()
        if value
    }

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
def unit_codes() -> dict[str, str]:
    """UN/ECE recommendation 20 and 21 codes to the unit's name."""
    return {code: unit["name"] for unit in reversed(words("units")["unit"]) for code in unit["codes"]}


@cache
def measures() -> dict[str, tuple[str, Decimal]]:
    """Every written form of a measure (plain) to its dimension and its size in the dimension's base unit."""
    return {
        plain(form): (unit["dimension"], Decimal(unit["factor"]))
        for unit in words("units")["unit"]
        if unit["kind"] == "measure"
        for form in unit["forms"]
    }


def unit_named(written: str) -> str:
    """The name of the unit that a word or a code means; empty for another word."""
    return unit_forms().get(plain(written).strip(" .()"), ("", ""))[0] or unit_codes().get(written.strip().upper(), "")


@cache
def variant_classes() -> dict[str, str]:
    """Plain words for a quality that tells variants apart, to its class: colours, sizes, qualities."""
    return {plain(word): name for name in ("qualities", "sizes", "colours") for word in words("words")[name]}

"""Figures in the cells of a table: quantities, prices, and how sure it is what a comma and a point mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from intake.reading.counts import best_count
from intake.reading.tokens import blotted, tokens
from intake.reading.words import plain, unit_forms

_NOTHING = re.compile(r"[\s\-\u2013\u2014_./]*")
_COUNTED = re.compile(r"\s*(?P<number>\d{1,3}(?:\s\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)*)\s*(?P<unit>[^\d\s]*)\s*")
_THOUSANDS = re.compile(r"\s*\d{1,3}[.,]\d{3}\s*[^\d\s]*\s*")


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a quantity cell says; `value` None when it says something that is no number that we understand."""

    value: Decimal | None
    unit: str = ""
    content: Decimal | None = None
    certainty: Decimal = Decimal(1)


def quantity(text: str) -> Quantity | None:
    """The quantity in a cell, None for an empty one or a dash."""
    flat = plain(text)
    if _NOTHING.fullmatch(flat):
        return None
    found = _COUNTED.fullmatch(flat)
    if found is not None:
        name, kind = unit_forms().get(found["unit"].strip(".()"), ("", ""))
        value = number_of(found["number"])
        if may_be_thousands(found["number"]) and "." in found["number"] and value is not None:
            value *= 1000
        sure = Decimal(1) if name or not found["unit"].strip(".()x*") else Decimal("0.8")
        return Quantity(value, name if kind != "measure" or found["unit"] else "", certainty=sure)
    count = best_count(tokens(blotted(flat)))
    if count is None:
        return Quantity(None)
    return Quantity(count.value, count.unit, count.content, min(count.certainty, Decimal("0.85")))


def packing(text: str) -> tuple[str, Decimal | None]:
    """The packing that a cell names and what it holds (« carton de 6 »); empty when it names none."""
    count = best_count(tokens(blotted(plain(f"1 {text}")))) if text else None
    return (count.unit, count.content) if count is not None and count.value == 1 else ("", None)


def may_be_thousands(text: str) -> bool:
    """« 1.000 » or « 1,000 »: one thousand, or one with three decimals."""
    return bool(_THOUSANDS.fullmatch(text)) and not text.strip().startswith("0")


def decimals_prove(column: Iterable[str]) -> bool:
    """Another cell of the column shows that its comma or point stands before decimals (« 0,500 »)."""
    return any(re.fullmatch(r"\s*0[.,]\d+\s*[^\d\s]*\s*", cell) for cell in column)


def number_of(text: str) -> Decimal | None:
    """A number as French or English papers write it; None when the cell holds none."""
    kept = re.sub(r"[^\d.,-]", "", text).strip(".,")
    if "," in kept:
        kept = kept.replace(".", "").replace(",", ".") if kept.rfind(",") > kept.rfind(".") else kept.replace(",", "")
    elif kept.count(".") > 1:
        kept = kept.replace(".", "")
    try:
        return Decimal(kept)
    except InvalidOperation:
        return None

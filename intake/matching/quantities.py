"""From the customer's way of counting to the sales unit: packs, measures, pieces in a pack."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from intake.matching.articles import CatalogueRow, content_of, unit_name
from intake.matching.marks import cut
from intake.reading.values import AskedLine
from intake.reading.words import measures, plain, unit_family, unit_forms

SURE, LIKELY, DOUBTFUL = Decimal("0.98"), Decimal("0.85"), Decimal("0.5")


@dataclass(frozen=True, slots=True)
class BaseQuantity:
    """A quantity in sales units, the pack it was counted in, and how sure that is."""

    value: Decimal | None
    packaging: str = ""
    confidence: Decimal = SURE


def base_quantity(line: AskedLine, row: CatalogueRow) -> BaseQuantity:
    """How many sales units the line asks for; none when the article is not sold that way."""
    if line.quantity is None:
        return BaseQuantity(None, "", DOUBTFUL)
    found = _counted(line, row)
    if line.content is not None and found.value is not None and found.value != line.quantity * line.content:
        holds = content_of(row.name)
        if not (found.value == line.quantity and holds == line.content):
            found = BaseQuantity(found.value, found.packaging, DOUBTFUL)
    return _priced(line, row, found)


def _counted(line: AskedLine, row: CatalogueRow) -> BaseQuantity:
    quantity, unit, base = line.quantity or Decimal(0), line.unit, unit_name(row.unit)
    kind = unit_forms().get(plain(unit), ("", ""))[1] if unit else "count"
    if unit == base:
        return BaseQuantity(quantity)
    for name, size in row.packagings:
        if unit and unit_name(name) == unit:
            return BaseQuantity(quantity * size, name)
    if kind == "measure":
        return _measured(quantity, unit, row)
    return _pieces(line, row, quantity, base) if kind == "count" else _packed(quantity, unit, row, base)


def _packed(quantity: Decimal, unit: str, row: CatalogueRow, base: str) -> BaseQuantity:
    """A pack that the article does not name: one of the same family, or what the article itself is called."""
    family = unit_family(unit)
    near = [(name, size) for name, size in row.packagings if unit_family(unit_name(name)) == family]
    named = any(unit_name(word) == unit for word in plain(row.name).split())
    if len(near) == 1:
        sure = Decimal("0.92") if family == "case" else LIKELY
        return BaseQuantity(quantity * near[0][1], near[0][0], sure)
    if unit_family(base) == family:
        return BaseQuantity(quantity, "", LIKELY)
    if named:
        return BaseQuantity(quantity, "", LIKELY if row.packagings else Decimal("0.95"))
    packed = unit_forms().get(plain(base), ("", ""))[1] == "pack" and not near
    return BaseQuantity(quantity if packed else None, "", DOUBTFUL if packed else Decimal("0.3"))


def _measured(quantity: Decimal, unit: str, row: CatalogueRow) -> BaseQuantity:
    """« 20 kg » of an article sold in sacks of 5 kg: 4; only a whole number is sure."""
    dimension, factor = measures()[plain(unit)]
    wanted = quantity * factor
    base = measures().get(plain(row.unit))
    if base and base[0] == dimension:
        return BaseQuantity(wanted / base[1])
    held = [one.size for one in cut(row.name).measured if one.dimension == dimension]
    if len(held) == 1 and held[0]:
        count = wanted / held[0]
        return (
            BaseQuantity(count, "", Decimal("0.93"))
            if count == count.to_integral()
            else BaseQuantity(None, "", Decimal("0.3"))
        )
    return BaseQuantity(None, "", Decimal("0.3"))


def _pieces(line: AskedLine, row: CatalogueRow, quantity: Decimal, base: str) -> BaseQuantity:
    """A bare number: sales units, unless it plainly counts what a pack holds (200 cups in packets of 50)."""
    holds = content_of(row.name)
    if holds is None or line.in_table or unit_forms().get(plain(base), ("", ""))[1] == "count" or line.codes:
        return BaseQuantity(quantity, "", SURE if not holds or not line.unit or line.in_table else LIKELY)
    if quantity >= holds:
        packs = quantity / holds
        if packs != packs.to_integral():
            return BaseQuantity(None, "", Decimal("0.3"))
        return BaseQuantity(packs, "", Decimal("0.93") if holds >= 25 and packs <= 40 else LIKELY)
    return BaseQuantity(
        quantity, "", Decimal("0.3") if line.unit else Decimal("0.95") if quantity * 4 <= holds else LIKELY
    )


def _priced(line: AskedLine, row: CatalogueRow, found: BaseQuantity) -> BaseQuantity:
    """What the customer's price says of the pack he counts in: it may confirm it, or cast doubt."""
    if not line.unit_price or not row.price or line.quantity is None:
        return found
    ratio = line.unit_price / row.price
    if found.value is not None and line.quantity:
        each = found.value / line.quantity
        if each and Decimal("0.8") <= ratio / each <= Decimal("1.25"):
            return BaseQuantity(found.value, found.packaging, SURE)
    for name, size in row.packagings:
        if not line.unit and Decimal("0.9") <= ratio / size <= Decimal("1.1") and size >= 2:
            return BaseQuantity(line.quantity * size, name, LIKELY)
    doubted = found.value is None or not Decimal("0.4") <= ratio / (found.value / line.quantity) <= Decimal("2.5")
    return BaseQuantity(found.value, found.packaging, min(found.confidence, LIKELY)) if doubted else found

"""From the customer's way of counting to the sales unit: packs, measures, pieces in a pack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from intake.matching.articles import CatalogueRow, content_of, holds, unit_name
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
    if line.again is not None:
        found = _twice(line, row, found)
    if line.content is not None and found.value not in {None, line.quantity * line.content}:
        said_so = found.value == line.quantity and holds(row.name, row.unit) == line.content
        if not said_so:
            found = BaseQuantity(found.value, found.packaging, DOUBTFUL)
    return _priced(line, row, found)


def _twice(line: AskedLine, row: CatalogueRow, found: BaseQuantity) -> BaseQuantity:
    """A quantity said twice is sure when both come to the same, doubtful when they do not."""
    assert line.again is not None  # noqa: S101 - the caller looked
    value, unit = line.again
    second = _counted(replace(line, quantity=value, unit=unit, again=None), row)
    if second.value is None:
        return found
    if second.value == found.value:
        return BaseQuantity(found.value, found.packaging, max(found.confidence, SURE))
    return BaseQuantity(found.value, found.packaging, min(found.confidence, DOUBTFUL))


def _counted(line: AskedLine, row: CatalogueRow) -> BaseQuantity:
    quantity, unit, base = line.quantity or Decimal(0), line.unit, unit_name(row.unit)
    kind = unit_forms().get(plain(unit), ("", ""))[1] if unit else "count"
    if unit == base:
        return BaseQuantity(quantity)
    unsaid = _unsaid(quantity, line, row) if not unit and not line.in_table else None
    if unsaid is not None:
        return unsaid
    for name, size in row.packagings:
        if unit and unit_name(name) == unit:
            return BaseQuantity(quantity * size, name)
    if kind == "measure":
        return _measured(quantity, unit, row)
    return _pieces(line, row, quantity, base) if kind == "count" else _packed(quantity, unit, row, base)


def _unsaid(quantity: Decimal, line: AskedLine, row: CatalogueRow) -> BaseQuantity | None:
    """What a number without a unit counts of an article sold by weight, or of one whose pack ends the line."""
    if plain(row.unit) in measures():  # « 2 abondances » are no two kilos
        packs = [one for one in row.packagings if unit_forms().get(plain(one[0]), ("", ""))[1] != "measure"]
        if len(packs) == 1:
            return BaseQuantity(quantity * packs[0][1], packs[0][0], LIKELY)
        return BaseQuantity(quantity, "", DOUBTFUL)
    for name, size in row.packagings:
        if _ends_with(line.designation, name):  # « 1 x arôme vanille carton »
            return BaseQuantity(quantity * size, name, LIKELY)
    return None


def _ends_with(designation: str, pack: str) -> bool:
    return bool(designation.strip()) and unit_name(designation.rsplit(maxsplit=1)[-1]) == unit_name(pack)


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
    held = [one.size for one in cut(row.name).measured if one.dimension == dimension and one.size]
    if not held:
        return BaseQuantity(None, "", Decimal("0.3"))
    count = wanted / max(held)  # « bûchettes 4 g carton 5 kg »: the whole is what is sold
    if count != count.to_integral():
        return BaseQuantity(None, "", Decimal("0.3"))
    return BaseQuantity(count, "", Decimal("0.93") if len(held) == 1 else LIKELY)


def _pieces(line: AskedLine, row: CatalogueRow, quantity: Decimal, base: str) -> BaseQuantity:
    """A bare number: sales units, unless it plainly counts what a pack holds (200 cups in packets of 50)."""
    held = holds(row.name, row.unit)
    packed = unit_forms().get(plain(base), ("", ""))[1] != "count"
    if held is None or not packed or line.codes or (line.in_table and not line.unit):
        return BaseQuantity(quantity, "", SURE if not held or not line.unit or not packed else LIKELY)
    if content_of(line.designation) == held:  # « œufs boîte de 6 : 20 » counts boxes
        return BaseQuantity(quantity, "", Decimal("0.96"))
    if line.in_table:  # a list may call everything a piece
        return BaseQuantity(quantity, "", LIKELY)
    if quantity >= held:
        packs = quantity / held
        if packs != packs.to_integral():
            return BaseQuantity(None, "", Decimal("0.3"))
        return BaseQuantity(packs, "", Decimal("0.93") if held >= 25 and packs <= 40 else LIKELY)
    return BaseQuantity(
        quantity, "", Decimal("0.3") if line.unit else Decimal("0.95") if quantity * 4 <= held else LIKELY
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

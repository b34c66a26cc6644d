"""In what an order differs from the quote that it takes up, article by article: a pure comparison of plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from core.money import Money, total


class Gap(StrEnum):
    """How one article of the order differs from the quote."""

    ADDED = "added"
    MISSING = "missing"
    MORE = "more"
    LESS = "less"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class QuotedLine:
    """A line of the quote as it was sent; the price is without VAT."""

    position: int
    sku: str
    name: str
    quantity: Decimal
    unit_price: Decimal


class OrderedLine(Protocol):
    """What a line of an order says; `customer_price` is the price on the purchase order, if any."""

    @property
    def position(self) -> int: ...  # noqa: D102

    @property
    def sku(self) -> str | None: ...  # noqa: D102

    @property
    def quantity(self) -> Decimal | None: ...  # noqa: D102

    @property
    def unit_price(self) -> Decimal | None: ...  # noqa: D102

    @property
    def customer_price(self) -> Decimal | None: ...  # noqa: D102

    @property
    def price_choice(self) -> object | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Difference:
    """One gap; `position` is the order's line, or the quote's where the order has none."""

    gap: Gap
    position: int
    sku: str
    quoted: Decimal
    ordered: Decimal


def asked_price(line: OrderedLine) -> Decimal | None:
    """The price that the customer asks while nobody has settled it, else the one that the order has."""
    undecided = line.customer_price is not None and line.price_choice is None
    return line.customer_price if undecided else line.unit_price


def compare(quoted: Iterable[QuotedLine], ordered: Iterable[OrderedLine]) -> tuple[Difference, ...]:
    """Every gap in the order of the order's lines, then what is missing; lines without an article are not compared."""
    offered: dict[str, list[QuotedLine]] = {}
    for line in quoted:
        offered.setdefault(line.sku, []).append(line)
    wanted: dict[str, list[OrderedLine]] = {}
    for asked in ordered:
        if asked.sku is not None:
            wanted.setdefault(asked.sku, []).append(asked)
    found: list[Difference] = []
    for sku, asked_lines in wanted.items():
        have = sum((line.quantity or Decimal(0) for line in asked_lines), Decimal(0))
        had = sum((line.quantity for line in offered.get(sku, ())), Decimal(0))
        first = asked_lines[0].position
        if sku not in offered:
            found.append(Difference(Gap.ADDED, first, sku, Decimal(0), have))
            continue
        if have != had:
            found.append(Difference(Gap.MORE if have > had else Gap.LESS, first, sku, had, have))
        held = {line.unit_price for line in offered[sku]}
        for asked in asked_lines:
            price = asked_price(asked)
            if price is not None and price not in held:
                found.append(Difference(Gap.PRICE, asked.position, sku, offered[sku][0].unit_price, price))
    found += [
        Difference(Gap.MISSING, lines[0].position, sku, sum((line.quantity for line in lines), Decimal(0)), Decimal(0))
        for sku, lines in offered.items()
        if sku not in wanted
    ]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Beside:
    """One article of the quote and of the order side by side; None where one of them does not have it."""

    sku: str
    name: str
    quoted: Decimal | None
    quoted_price: Decimal | None
    ordered: Decimal | None
    ordered_price: Decimal | None

    @property
    def differs(self) -> bool:
        """The two do not say the same."""
        return (self.quoted, self.quoted_price) != (self.ordered, self.ordered_price)

    @property
    def gap(self) -> Money:
        """By how much the order is above the quote, without VAT; negative where it is below."""
        ordered = Money.of((self.ordered or Decimal(0)) * (self.ordered_price or Decimal(0)))
        return ordered - Money.of((self.quoted or Decimal(0)) * (self.quoted_price or Decimal(0)))


def beside(quoted: Iterable[QuotedLine], ordered: Iterable[OrderedLine], names: dict[str, str]) -> tuple[Beside, ...]:
    """Quote and order side by side, the quote's articles first; lines of one article at one price are summed."""
    rows: dict[str, dict[str, dict[Decimal | None, Decimal]]] = {}
    for line in quoted:
        prices = rows.setdefault(line.sku, {"quoted": {}, "ordered": {}})["quoted"]
        prices[line.unit_price] = prices.get(line.unit_price, Decimal(0)) + line.quantity
    for asked in ordered:
        if asked.sku is not None:
            prices = rows.setdefault(asked.sku, {"quoted": {}, "ordered": {}})["ordered"]
            price = asked_price(asked)
            prices[price] = prices.get(price, Decimal(0)) + (asked.quantity or Decimal(0))
    return tuple(
        row
        for sku, sides in rows.items()
        for row in _rows_of(sku, names.get(sku, sku), sides["quoted"], sides["ordered"])
    )


def _rows_of(
    sku: str, name: str, quoted: dict[Decimal | None, Decimal], ordered: dict[Decimal | None, Decimal]
) -> list[Beside]:
    if len(quoted) <= 1 and len(ordered) <= 1:
        price, count = next(iter(quoted.items()), (None, None))
        asked, wanted = next(iter(ordered.items()), (None, None))
        return [Beside(sku, name, count, price, wanted, asked)]
    return [
        Beside(
            sku, name, quoted.get(price), price if price in quoted else None, ordered.get(price),
            price if price in ordered else None,
        )
        for price in dict.fromkeys([*quoted, *ordered])
    ]  # fmt: skip


def gap_of(rows: Iterable[Beside]) -> Money:
    """By how much the whole order is above the quote, without VAT."""
    return total(row.gap for row in rows)

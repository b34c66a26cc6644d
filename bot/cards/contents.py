"""What a chat is shown, and how quantities, lines and orders are said in every text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import object_session

from bot import texts
from bot.keyboards import Rows
from core import (
    deposits,
    sale_terms,
)
from core.clock import business_date
from core.money import Money, rounded, total
from core.orders import Order, OrderLine
from core.quotes import QuoteLine
from core.roundings import WAYS

#: How much of a message is shown.
EXTRACT = 400


@dataclass(frozen=True, slots=True)
class Content:
    """A message as it is shown: Telegram HTML, buttons, and the order whose version the buttons are bound to.

    `view` says which side of a colleague's order card it is (empty: the card itself), so that a repaint shows the same
    side again; None for any other message.
    """

    html: str
    rows: Rows = ()
    order: Order | None = None
    language: str = "fr"
    view: str | None = None


def plural(unit: str, count: Decimal | None) -> str:
    """The unit as it is read after a number: symbols such as kg never change."""
    fixed = len(unit) <= 3 and unit not in {"sac", "lot", "bac"}
    ending = "x" if unit.endswith("eau") else "s"
    return unit if count is None or abs(count) < 2 or fixed or unit[-1:] in "sxz" else f"{unit}{ending}"


def counted(line: OrderLine | QuoteLine, language: str = "fr") -> str:
    """How many, as the customer counts and in sales units: « 10 cartons = 100 plaques »."""
    if line.quantity is None:
        return "?"
    unit = line.article.unit if line.article is not None else ""
    if isinstance(line, OrderLine) and line.closed_quantity:
        return parcelled(line, line.quantity - line.closed_quantity, language)
    base = f"{texts.shown(line.quantity, language)} {plural(unit, line.quantity)}".strip()
    if not line.packaging or line.packaging_count is None:
        return base
    packs = f"{texts.shown(line.packaging_count, language)} {plural(line.packaging, line.packaging_count)}"
    return packs if line.packaging == unit else f"{packs} = {base}"


def parcelled(line: OrderLine, quantity: Decimal, language: str = "fr") -> str:
    """A part of an ordered line, in whole packs where it makes whole packs."""
    unit = line.article.unit if line.article is not None else ""
    base = f"{texts.shown(quantity, language)} {plural(unit, quantity)}".strip()
    if not line.packaging or not line.packaging_count or not line.quantity or line.packaging == unit:
        return base
    packs = quantity * line.packaging_count / line.quantity
    if not packs or packs != packs.to_integral_value():
        return base
    return f"{texts.shown(packs, language)} {plural(line.packaging, packs)} = {base}"


def line_view(line: OrderLine | QuoteLine, language: str = "fr") -> dict[str, Any]:
    """What a template says of a line."""
    article = line.article
    return {
        "position": line.position, "name": article.name if article is not None else line.text,
        "sku": article.sku if article is not None else "", "known": article is not None, "text": line.text,
        "counted": counted(line, language), "price": line.unit_price, "unit": article.unit if article else "",
        "reference": line.customer_reference, "off": _off(line),
    }  # fmt: skip


def _off(line: OrderLine | QuoteLine) -> Decimal:
    """What was taken off the line's list price in all, in percent to two decimals; 0 for nothing."""
    if line.gross_price is None or line.unit_price is None:
        return Decimal(0)
    return rounded((line.gross_price - line.unit_price) * 100 / line.gross_price)


def saved(lines: Iterable[OrderLine | QuoteLine]) -> Money:
    """What the discounts take off these lines in all, without VAT."""
    return total(
        Money.of(line.quantity * line.gross_price) - line.net
        for line in lines
        if line.gross_price is not None and line.quantity is not None
    )


def order_context(order: Order, language: str = "fr") -> dict[str, Any]:
    """What every text about an order may use."""
    return {
        "order": order, "customer": order.customer,
        "lines": [line_view(line, language) for line in order.kept_lines if not line.given_up],
        "net": order.totals.net, "gross": order.totals.gross, "when": order.requested_delivery_date,
        "deposit": deposits.due(order), "saved": saved(order.kept_lines), "off_order": order.discount_percent,
        "place": _place(order), "rounding": rounding_told(order, language),
    }  # fmt: skip


def rounding_told(order: Order, language: str) -> str:
    """Why his own total differs from ours by a rounding, in words for the customer; nothing where it does not."""
    off = order.rounding()
    if off is None or not (off.small or off.way in WAYS):
        return ""
    what = texts.word(f"total_{off.what}", language)
    how = texts.answer(off.way, language)
    return texts.answer("rounding", language, what=what, theirs=off.theirs, ours=off.ours, how=how)


def terms_named(order: Order) -> str:
    """The version of our terms that a recap names: the one its acceptance counts for."""
    session = object_session(order)
    found = sale_terms.in_force(session, on=business_date(order.created_at)) if session is not None else None
    return found.version if found is not None else ""


def _place(order: Order) -> str:
    """The place that was chosen for this order, on one line; empty where it goes where it always goes."""
    chosen = order.delivery_address
    return f"{chosen.street}, {chosen.postcode} {chosen.city}" if chosen is not None else ""

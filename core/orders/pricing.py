"""What the lines of a draft cost: the quote's price, else the agreed one, then the discounts of lines and order.

A line keeps its list price and its own discount; its unit price follows from them and from the order's discount. A
price settled for the customer's own has no list price: no discount is taken off it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from core import prices
from core.money import Money, total
from core.orders.tables import DiscountBy, Order, OrderLine, OrderState, PriceChoice
from core.prices import PriceSource, Pricing

#: Prices that another quantity does not change.
FIXED = frozenset({PriceSource.QUOTE, PriceSource.GIVEN})


def given_by_agents(order: Order, line: OrderLine) -> Decimal:
    """The percentage that agents took off a line on their own authority, its own and the order's together."""
    if line.list_price is None or line.price_choice is PriceChoice.THEIRS:
        return Decimal(0)
    kept = Decimal(100)
    for given in (line, order):
        if given.discount_by is DiscountBy.AGENT:
            kept = kept * (100 - given.discount_percent) / 100
    return 100 - kept


def price_lines(session: Session, order: Order, lines: Sequence[OrderLine], *, on: date) -> None:
    """Price these lines for the order's customer on that day; what a colleague gave off them stays."""
    from core import quotes

    known = [line for line in lines if line.article is not None]
    wanted = [(line.article, line.quantity) for line in known if line.article is not None]
    found = dict(zip(map(id, known), prices.pricings(session, order.customer, wanted, on=on), strict=True))
    for line in lines:
        if line.article is None:
            line.unit_price, line.list_price, line.price_source = None, None, None
            line.discount_percent, line.discount_by = Decimal(0), None
            continue
        quoted = quotes.quoted_price(session, order.quote_id, line.article)
        pricing = Pricing(quoted, Decimal(0), PriceSource.QUOTE) if quoted is not None else found[id(line)]
        line.list_price, line.price_source = pricing.list_price, pricing.source
        if line.discount_by in {None, DiscountBy.RULE}:
            line.discount_percent = pricing.discount_percent
            line.discount_by = DiscountBy.RULE if pricing.discount_percent else None


def discount_order(session: Session, order: Order, *, on: date) -> None:
    """Bring every unit price to its list price less both discounts; the order's is the rules' unless one was given.

    Of an order that is registered only added lines are priced, at the discount that was agreed.
    """
    registered = order.state is OrderState.CONFIRMED
    open_lines = [
        line
        for line in order.kept_lines
        if line.list_price is not None
        and line.price_choice is not PriceChoice.THEIRS
        and not (registered and line.unit_price is not None)
    ]
    if order.discount_by in {None, DiscountBy.RULE} and not registered:
        listed = total(
            Money.of(line.quantity * prices.discounted(line.list_price, line.discount_percent))
            for line in open_lines
            if line.quantity is not None and line.list_price is not None and line.price_source in prices.LISTED
        )
        percent = prices.order_discount(session, order.customer, listed, on=on)
        order.discount_percent, order.discount_by = percent, DiscountBy.RULE if percent else None
    for line in open_lines:
        assert line.list_price is not None  # noqa: S101 - the lines were chosen by it
        taken = order.discount_by is not DiscountBy.RULE or line.price_source in prices.LISTED
        both = (line.discount_percent, order.discount_percent if taken else Decimal(0))
        line.unit_price = prices.discounted(line.list_price, *both)

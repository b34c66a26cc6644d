"""The prices of many lines by two queries, whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from core.catalogue import Article
from core.money import Money
from core.parties import Customer
from core.prices.rules import Pricing, best_discount, best_price
from core.prices.tables import Discount, Price, PriceSource

#: A line whose quantity is not known yet is priced as one sales unit.
_ONE = Decimal(1)


def pricings(
    session: Session, customer: Customer | None, wanted: Sequence[tuple[Article, Decimal | None]], *, on: date
) -> list[Pricing]:
    """The price and the rules' discount of each article at its quantity, in the order asked."""
    if not wanted:
        return []
    articles, categories = {article.id for article, _ in wanted}, {"", *(article.category for article, _ in wanted)}
    agreed: dict[int, list[Price]] = {}
    query = select(Price).where(Price.article_id.in_(articles), _in_time(Price, on), _for(Price, customer))
    for price in session.scalars(query):
        agreed.setdefault(price.article_id, []).append(price)
    off = list(
        session.scalars(
            select(Discount).where(
                Discount.whole_order.is_(False), _in_time(Discount, on), _for(Discount, customer),
                Discount.category.in_(categories),
                or_(Discount.article_id.is_(None), Discount.article_id.in_(articles)),
            )
        )
    )  # fmt: skip
    found = []
    for article, quantity in wanted:
        count = _ONE if quantity is None else quantity
        best = best_price(agreed.get(article.id, ()), on=on, quantity=count)
        source = best.source if best is not None else PriceSource.ARTICLE
        percent = best_discount(off, article, on=on, quantity=count)
        found.append(
            Pricing(
                best.price if best is not None else article.price,
                Decimal(0) if source is PriceSource.CONTRACT else percent,
                source,
            )
        )
    return found


def pricing_for(
    session: Session, customer: Customer | None, article: Article, *, on: date, quantity: Decimal | None = None
) -> Pricing:
    """The price of one article and the rules' discount on it."""
    return pricings(session, customer, [(article, quantity)], on=on)[0]


def price_for(
    session: Session, customer: Customer | None, article: Article, *, on: date, quantity: Decimal | None = None
) -> Decimal:
    """The price of one sales unit without VAT on that day and for that quantity, discounts taken off."""
    return pricing_for(session, customer, article, on=on, quantity=quantity).unit_price


def order_discount(session: Session, customer: Customer, net: Money, *, on: date) -> Decimal:
    """The percentage that the rules take off a whole order that comes to `net`; 0 when none applies."""
    query = select(Discount).where(Discount.whole_order, _in_time(Discount, on), _for(Discount, customer))
    return max(
        (rule.percent for rule in session.scalars(query) if rule.minimum_net is None or rule.minimum_net <= net),
        default=Decimal(0),
    )


def _in_time(table: type[Price | Discount], on: date) -> ColumnElement[bool]:
    return and_(table.valid_from <= on, or_(table.valid_until.is_(None), table.valid_until >= on))


def _for(table: type[Price | Discount], customer: Customer | None) -> ColumnElement[bool]:
    everybody = and_(table.customer_id.is_(None), table.group == "")
    if customer is None:
        return everybody
    group = and_(table.customer_id.is_(None), table.group == customer.group)  # an empty group is everybody's
    return or_(table.customer_id == customer.id, group, everybody)

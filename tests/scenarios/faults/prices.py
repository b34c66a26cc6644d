"""Faults of lines, prices and discounts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core import orders
from core.orders import AskedLine, Order
from core.parties import Role
from tests.scenarios.faults.world import World


def _priced(world: World, gap: Decimal) -> Order:
    """A good order whose first line is asked at our price plus a gap."""
    first, *rest = world.lines()
    assert first.customer_price is not None
    return world.order(lines=(replace(first, customer_price=first.customer_price + gap), *rest))


def a_cent_below_our_price(world: World) -> tuple[str, Order]:
    return "price_differs", _priced(world, Decimal("-0.01"))


def a_cent_above_our_price(world: World) -> tuple[str, Order]:
    return "price_differs", _priced(world, Decimal("0.01"))


def an_article_without_a_price(world: World) -> tuple[str, Order]:
    line = world.lines()[0]
    assert line.article is not None
    line.article.price = Decimal(0)
    return "price_missing", world.order(lines=(replace(line, customer_price=None),))


def a_discount_beyond_the_agents_limit(world: World) -> tuple[str, Order]:
    order = world.order()
    orders.set_discount(world.session, order, Decimal("5.01"), by=world.by(Role.SALES), at=world.at)
    return "discount_above_limit", order


def an_article_that_is_not_known(world: World) -> tuple[str, Order]:
    return "article_unknown", world.order(lines=(*world.lines(), AskedLine("des trucs bleus", None, Decimal(2))))


def an_article_that_is_not_sure(world: World) -> tuple[str, Order]:
    first, *rest = world.lines()
    return "article_doubtful", world.order(lines=(replace(first, confidence=Decimal("0.89")), *rest))


def a_quantity_that_was_not_read(world: World) -> tuple[str, Order]:
    first, *rest = world.lines()
    return "quantity_unknown", world.order(lines=(replace(first, quantity=None), *rest))


FAULTS = (
    a_cent_below_our_price,
    a_cent_above_our_price,
    an_article_without_a_price,
    a_discount_beyond_the_agents_limit,
    an_article_that_is_not_known,
    an_article_that_is_not_sure,
    a_quantity_that_was_not_read,
)

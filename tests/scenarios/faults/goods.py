"""Faults of stock, quantities and delivery days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from core import stock
from core.money import Money
from core.orders import Order
from tests.scenarios.faults.world import World


def one_unit_more_than_the_shelf_has(world: World) -> tuple[str, Order]:
    first, *rest = world.lines()
    return "stock_short", world.order(lines=(replace(first, quantity=Decimal(201)), *rest))


def short_for_a_customer_who_wants_all_at_once(world: World) -> tuple[str, Order]:
    world.customer.partial_deliveries = False
    return one_unit_more_than_the_shelf_has(world)


def a_shelf_that_was_counted_below_what_is_promised(world: World) -> tuple[str, Order]:
    order = world.order()
    article = order.lines[0].article
    assert article is not None
    line = replace(world.lines()[0], article=article, quantity=Decimal(150), customer_price=article.price)
    other = world.order(lines=(line,))
    stock.reserve(world.session, [(other.lines[0].id, article.id, Decimal(150))])
    stock.count(world.session, article.id, Decimal(149), source="count", at=world.at)
    return "stock_oversold", order


def less_than_the_smallest_quantity(world: World) -> tuple[str, Order]:
    order = world.order()
    assert order.lines[0].article is not None
    assert order.lines[0].quantity is not None
    order.lines[0].article.minimum_quantity = order.lines[0].quantity + 1
    return "below_minimum_quantity", order


def a_broken_pack(world: World) -> tuple[str, Order]:
    first, *rest = world.lines()
    assert first.article is not None
    first.article.multiple = Decimal(6)
    return "not_a_multiple", world.order(lines=(replace(first, quantity=Decimal(7)), *rest))


def an_order_too_small(world: World) -> tuple[str, Order]:
    order = world.order()
    world.customer.minimum_order = order.totals.net + Money.of("0.01")
    return "below_minimum_order", order


def wanted_yesterday(world: World) -> tuple[str, Order]:
    return "delivery_date_past", world.order(requested_delivery_date=world.at.date() - timedelta(days=1))


def wanted_on_a_holiday(world: World) -> tuple[str, Order]:
    return "delivery_on_holiday", world.order(requested_delivery_date=date(2026, 5, 1))


def wanted_on_a_day_without_a_tour(world: World) -> tuple[str, Order]:
    world.customer.delivery_weekdays, world.customer.delivery_strict = "14", True
    return "delivery_day_closed", world.order(requested_delivery_date=date(2026, 3, 18))  # a Wednesday


FAULTS = (
    one_unit_more_than_the_shelf_has,
    short_for_a_customer_who_wants_all_at_once,
    a_shelf_that_was_counted_below_what_is_promised,
    less_than_the_smallest_quantity,
    a_broken_pack,
    an_order_too_small,
    wanted_yesterday,
    wanted_on_a_holiday,
    wanted_on_a_day_without_a_tour,
)

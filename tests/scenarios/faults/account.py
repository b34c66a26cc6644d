"""Faults that accounting must find."""

from __future__ import annotations

from datetime import timedelta

from core.money import Money
from core.orders import Order
from core.payments import OpenItem
from tests.scenarios.faults.world import World


def over_the_limit_by_one_cent(world: World) -> tuple[str, Order]:
    order = world.order()
    world.customer.credit_limit = order.totals.gross - Money.of("0.01")
    return "over_limit", order


def over_the_limit_with_an_old_item(world: World) -> tuple[str, Order]:
    order = world.order()
    owed = Money.of(world.rng.randint(100, 900))
    _open_item(world, owed, due_in=5)
    world.customer.credit_limit = order.totals.gross + owed - Money.of("0.01")
    return "over_limit", order


def an_item_one_day_overdue(world: World) -> tuple[str, Order]:
    _open_item(world, Money.of(world.rng.randint(10, 500)), due_in=-1)
    return "overdue", world.order()


def a_customer_on_hold(world: World) -> tuple[str, Order]:
    world.customer.on_hold = True
    return "customer_on_hold", world.order()


def a_closed_customer(world: World) -> tuple[str, Order]:
    order = world.order()
    world.customer.active = False
    return "customer_closed", order


def _open_item(world: World, gross: Money, *, due_in: int) -> None:
    today = world.at.date()
    world.session.add(
        OpenItem(
            customer=world.customer, number=f"F-{world.rng.randint(1, 10**6)}", issue_date=today - timedelta(days=60),
            due_date=today + timedelta(days=due_in), gross=gross, paid=Money.of(0), as_of=today,
        )
    )  # fmt: skip


def beyond_what_is_insured(world: World) -> tuple[str, Order]:
    order = world.order()
    world.customer.insured_limit = order.totals.gross - Money.of("0.01")
    return "over_insured_limit", order


def an_insolvent_customer(world: World) -> tuple[str, Order]:
    world.customer.insolvent_since = world.at.date()
    return "customer_insolvent", world.order()


FAULTS = (
    over_the_limit_by_one_cent, over_the_limit_with_an_old_item, an_item_one_day_overdue, a_customer_on_hold,
    a_closed_customer, beyond_what_is_insured, an_insolvent_customer,
)  # fmt: skip

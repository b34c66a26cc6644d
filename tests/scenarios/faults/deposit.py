"""Faults of the deposit."""

from __future__ import annotations

from decimal import Decimal

from core import deposits, invoices, orders, payments
from core.deposits import DepositRule
from core.money import Money
from core.orders import Order
from core.parties import Role
from tests.scenarios.faults.world import World


def not_invoiced_yet(world: World) -> tuple[str, Order]:
    world.customer.deposit_percent = Decimal(30)
    return "deposit_due", world.order()


def due_by_a_rule_on_large_orders(world: World) -> tuple[str, Order]:
    world.session.add(DepositRule(code="LARGE", from_amount=Money.of(1), percent=Decimal(20)))
    return "deposit_due", world.order()


def one_cent_missing(world: World) -> tuple[str, Order]:
    world.customer.deposit_percent = Decimal(30)
    order = world.order()
    orders.accept_recap(world.session, order, by=world.buyer, at=world.at)
    by = world.by(Role.ACCOUNTING)
    deposit = invoices.issue_deposit(world.session, order, house=world.house, by=by, at=world.at, label="Acompte")
    payments.record(
        world.session, world.customer, deposit.gross - Money.of("0.01"), received_on=world.at.date(), by=by,
        at=world.at, house=world.house, settles=deposit,
    )  # fmt: skip
    return "deposit_unpaid", order


def agreed_below_the_rules(world: World) -> tuple[str, Order]:
    world.customer.deposit_percent = Decimal(30)
    order = world.order()
    deposits.agree(world.session, order, percent=Decimal(29), by=world.by(Role.SALES), at=world.at)
    return "deposit_below_rules", order


FAULTS = (not_invoiced_yet, due_by_a_rule_on_large_orders, one_cent_missing, agreed_below_the_rules)

"""Faults of the purchase order itself."""

from __future__ import annotations

from datetime import timedelta

from core.money import Money
from core.orders import Order
from tests.scenarios.faults.world import World


def without_a_number(world: World) -> tuple[str, Order]:
    return "order_number_missing", world.order(customer_reference="")


def without_a_date(world: World) -> tuple[str, Order]:
    return "order_date_missing", world.order(customer_reference_date=None)


def dated_tomorrow(world: World) -> tuple[str, Order]:
    return "order_date_ahead", world.order(customer_reference_date=world.at.date() + timedelta(days=1))


def without_consent(world: World) -> tuple[str, Order]:
    return "recap_not_accepted", world.order(accord=False)


def from_a_buyer_beyond_his_limit(world: World) -> tuple[str, Order]:
    order = world.order()
    world.customer.contacts[0].order_limit = order.totals.gross - Money.of("0.01")
    return "buyer_over_limit", order


def from_nobody_known(world: World) -> tuple[str, Order]:
    return "buyer_unknown", world.order(contact_id=None)


def to_an_address_that_nobody_knows(world: World) -> tuple[str, Order]:
    return "delivery_address_unknown", world.order(delivery_said="14 rue des Lilas 33000 Bordeaux")


def to_a_customer_without_a_street(world: World) -> tuple[str, Order]:
    world.customer.street = ""
    return "billing_address_incomplete", world.order()


def to_a_customer_without_a_siren(world: World) -> tuple[str, Order]:
    world.customer.siren = world.customer.siret = ""
    return "identifiers_missing", world.order()


def to_a_customer_whom_no_invoice_reaches(world: World) -> tuple[str, Order]:
    world.customer.electronic_address = ""
    return "electronic_address_missing", world.order()


def with_a_total_that_is_not_ours(world: World) -> tuple[str, Order]:
    order = world.order()
    order.customer_total = order.totals.net + Money.of(10)
    return "order_does_not_add_up", order


def naming_a_quote_that_we_never_made(world: World) -> tuple[str, Order]:
    return "quote_unknown", world.order(quote_said="DV-2019-0001")


def from_a_sender_who_is_not_authenticated(world: World) -> tuple[str, Order]:
    return "sender_not_authenticated", world.order(sender_authenticated=False)


def from_a_customer_concluded_from_a_name(world: World) -> tuple[str, Order]:
    return "customer_to_confirm", world.order(customer_clue="name")


FAULTS = (
    without_a_number,
    without_a_date,
    dated_tomorrow,
    without_consent,
    from_a_buyer_beyond_his_limit,
    from_nobody_known,
    to_an_address_that_nobody_knows,
    to_a_customer_without_a_street,
    to_a_customer_without_a_siren,
    to_a_customer_whom_no_invoice_reaches,
    with_a_total_that_is_not_ours,
    naming_a_quote_that_we_never_made,
    from_a_sender_who_is_not_authenticated,
    from_a_customer_concluded_from_a_name,
)

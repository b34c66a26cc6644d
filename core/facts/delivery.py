"""When the order is wanted, what was agreed with the customer about deliveries, and the least he may order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from core.calendars import DeliveryRule, rule_of
from core.money import ZERO, Money
from core.orders import Order, OrderState

if TYPE_CHECKING:
    from datetime import datetime

    from core.settings import House


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """The day wanted against the customer's rule; `first_day` is the first possible one when the day was said,
    `late` that this was after the cut-off of the day.

    `proposed` is the first possible one for an order placed now, on or after the day wanted. A registered order is no
    longer `open`: its day was settled.
    """

    wanted: date | None = None
    rule: DeliveryRule = DeliveryRule()  # noqa: RUF009 - frozen
    first_day: date = date.min
    late: bool = False
    proposed: date = date.max
    open: bool = False
    partial: bool = True
    order_net: Money = ZERO
    minimum_order: Money | None = None


def gather(order: Order, *, net: Money, house: House, at: datetime) -> DeliveryFacts:
    """What the order, which comes to `net`, its customer and the house say; no query."""
    rule, wanted = rule_of(order.customer), order.requested_delivery_date
    said_at = order.delivery_date_set_at or order.created_at
    soonest = rule.first_day(at)
    least = order.customer.minimum_order
    if least is None and house.minimum_order is not None:
        least = Money.of(house.minimum_order)
    return DeliveryFacts(
        wanted=wanted, rule=rule, first_day=rule.first_day(said_at), late=rule.is_late(said_at),
        proposed=rule.next_day(max(wanted, soonest)) if wanted is not None else soonest,
        open=order.state is OrderState.DRAFT, partial=order.customer.partial_deliveries,
        order_net=net, minimum_order=least,
    )  # fmt: skip

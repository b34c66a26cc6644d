"""What is known of the purchase order itself: who sent it, whether he agreed, what it comes to."""

from __future__ import annotations

from dataclasses import dataclass

from core.money import Money
from core.orders import Order
from core.parties import Requirement


@dataclass(frozen=True, slots=True)
class ConformityFacts:
    """The customer's consent and identity, and the total he wrote beside ours, without VAT."""

    recap_policy: Requirement
    recap_accepted: bool
    accord: bool
    sender_authenticated: bool
    customer_clue: str
    customer_total: Money | None
    order_net: Money


def gather(order: Order) -> ConformityFacts:
    """The conformity of the order as it stands."""
    return ConformityFacts(
        recap_policy=order.customer.recap_policy,
        recap_accepted=order.recap_accepted_at is not None,
        accord=order.accord,
        sender_authenticated=order.sender_authenticated,
        customer_clue=order.customer_clue,
        customer_total=order.customer_total,
        order_net=order.totals.net,
    )

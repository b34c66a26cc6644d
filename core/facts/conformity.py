"""What is known of the purchase order itself: who sent it, whether he agreed, what it comes to, what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from core.money import Money, total
from core.orders import Order
from core.parties import USUAL, Customer, Point, Requirement
from core.settings import House


@dataclass(frozen=True, slots=True)
class ConformityFacts:
    """The customer's consent and identity, the totals he wrote beside ours, and what the order and the invoice need.

    Totals are without VAT, `order_gross` and `buyer_limit` with it. `lines_total` is what his own prices come to, None
    when not every line has one. `places` counts where he may have goods delivered; `place_known` says that one of them
    is named. `unidentified` are the French identifiers that his record lacks, `unbilled` the parts of his address.
    """

    requirements: Mapping[Point, Requirement]
    recap_policy: Requirement
    recap_accepted: bool
    accord: bool
    sender_authenticated: bool
    customer_clue: str
    customer_total: Money | None
    lines_total: Money | None
    order_net: Money
    order_gross: Money
    number: str = ""
    ordered_on: date | None = None
    buyer: str | None = None
    buyer_limit: Money | None = None
    authority_limited: bool = False
    place_said: str = ""
    place_known: bool = False
    places: int = 1
    unbilled: tuple[str, ...] = ()
    unidentified: tuple[str, ...] = ()
    electronic_address: str | None = None
    quote_said: str = ""
    quote_found: bool = False


def required(customer: Customer, house: House) -> dict[Point, Requirement]:
    """How much each point matters: the customer's own setting, else the house's, else what is usual."""
    of_house = {Point(point): wanted for point, wanted in house.requirements.items()}
    return USUAL | of_house | customer.own_requirements


def gather(order: Order, *, house: House) -> ConformityFacts:
    """The conformity of the order as it stands."""
    customer, contact, sums = order.customer, order.contact, order.totals
    french = customer.country == "FR"
    return ConformityFacts(
        requirements=required(customer, house),
        recap_policy=customer.recap_policy,
        recap_accepted=order.recap_accepted_at is not None,
        accord=order.accord,
        sender_authenticated=order.sender_authenticated,
        customer_clue=order.customer_clue,
        customer_total=order.customer_total,
        lines_total=_lines_total(order),
        order_net=sums.net,
        order_gross=sums.gross,
        number=order.customer_reference,
        ordered_on=order.customer_reference_date,
        buyer=(contact.name or contact.email or contact.phone) if contact is not None else None,
        buyer_limit=contact.order_limit if contact is not None else None,
        authority_limited=any(known.order_limit is not None for known in customer.contacts),
        place_said=order.delivery_said,
        place_known=order.delivery_own or order.delivery_address_id is not None,
        places=max(len(customer.addresses), 1),
        unbilled=tuple(name for name in ("street", "postcode", "city") if not getattr(customer, name)),
        unidentified=tuple(name for name in ("siren", "siret") if french and not getattr(customer, name)),
        electronic_address=customer.electronic_address if french else None,
        quote_said=order.quote_said,
        quote_found=order.quote_id is not None,
    )


def _lines_total(order: Order) -> Money | None:
    """What the lines come to at the customer's own prices; None when a line has none."""
    amounts: list[Money] = []
    for line in order.kept_lines:
        if line.customer_price is None or line.quantity is None:
            return None
        amounts.append(Money.of(line.customer_price * line.quantity))
    return total(amounts) if amounts else None

"""What is known of the purchase order itself: who sent it, whether he agreed, what it comes to, what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from core import completeness, deliveries
from core.clock import business_date
from core.documents import Document, DocumentKind, DocumentLine
from core.money import Money, total
from core.orders import Order
from core.parties import USUAL, Customer, Point, Requirement
from core.roundings import Difference
from core.settings import House
from core.vat import Regime, Totals

#: Where the invoice is addressed (242 nonies A 1°).
BILLED = ("name", "street", "postcode", "city", "country")
#: What other facts say: missing fields by who completes them, an order without lines.
ELSEWHERE = frozenset({"invoice_field_missing", "nothing_to_invoice"})


@dataclass(frozen=True, slots=True)
class ConformityFacts:
    """The customer's consent and identity, the totals he wrote beside ours, and what the order and the invoice need.

    Totals are without VAT, `order_gross` and `buyer_limit` with it; `rounding` is how his totals differ from ours.
    `lines_total` is what his own prices come to, None when not every line has one. `places` counts where he may have
    goods delivered; `place_known` says that one of them is named. What the invoice will lack is one list
    (`core.completeness`), told by who completes it: `unidentified` are the identifiers that the customer's record
    lacks, `unbilled` the parts of his address, `unprinted` our own mentions, `uninvoiceable` the codes of what no
    record completes, such as an exempt article without its reason. `untaxed` says that his VAT number is what lets us
    charge no VAT, `taxed_abroad` the country of one who is charged French VAT. `electronic_address` is None for those
    who need none.
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
    sender: str = ""
    number: str = ""
    ordered_on: date | None = None
    buyer: str | None = None
    buyer_limit: Money | None = None
    authority_limited: bool = False
    place_said: str = ""
    place_known: bool = False
    places: int = 1
    rounding: Difference | None = None
    unbilled: tuple[str, ...] = ()
    unidentified: tuple[str, ...] = ()
    untaxed: bool = False
    taxed_abroad: str = ""
    unprinted: tuple[str, ...] = ()
    uninvoiceable: tuple[str, ...] = ()
    electronic_address: str | None = None
    quote_said: str = ""
    quote_found: bool = False


def required(customer: Customer, house: House) -> dict[Point, Requirement]:
    """How much each point matters: the customer's own setting, else the house's, else what is usual."""
    of_house = {Point(point): wanted for point, wanted in house.requirements.items()}
    return USUAL | of_house | customer.own_requirements


def gather(order: Order, *, sums: Totals, house: House) -> ConformityFacts:
    """The conformity of the order as it stands, which comes to these sums."""
    customer, contact = order.customer, order.contact
    french = customer.country == "FR"
    lacking = list(completeness.lacks(invoice_to_be(order, house)))
    no_siret = ("siret",) if french and not customer.siret else ()
    missing = [lack.field for lack in lacking if lack.code == "invoice_field_missing"]
    address = customer.electronic_address
    if not french and not address:
        address = customer.email
    return ConformityFacts(
        requirements=required(customer, house),
        recap_policy=customer.recap_policy,
        recap_accepted=order.recap_accepted_at is not None,
        accord=order.accord,
        sender_authenticated=order.sender_authenticated,
        sender=order.reply_email,
        customer_clue=order.customer_clue,
        customer_total=order.customer_total,
        lines_total=_lines_total(order),
        order_net=sums.net,
        order_gross=sums.gross,
        rounding=order.rounding(),
        number=order.customer_reference,
        ordered_on=order.customer_reference_date,
        buyer=(contact.name or contact.email or contact.phone) if contact is not None else None,
        buyer_limit=contact.order_limit if contact is not None else None,
        authority_limited=any(known.order_limit is not None for known in customer.contacts),
        place_said=order.delivery_said,
        place_known=order.delivery_own or order.delivery_address_id is not None,
        places=max(len(customer.addresses), 1),
        unbilled=_named(missing, "buyer", BILLED),
        unidentified=(*_named(missing, "buyer", ("siren", "vat_number")), *no_siret),
        untaxed="buyer.vat_number" in missing,
        taxed_abroad="" if french or customer.vat_regime is not Regime.DOMESTIC else customer.country,
        unprinted=tuple(name.removeprefix("seller.") for name in missing if name.startswith("seller.")),
        uninvoiceable=tuple(dict.fromkeys(lack.code for lack in lacking if lack.code not in ELSEWHERE)),
        electronic_address=address,
        quote_said=order.quote_said,
        quote_found=order.quote_id is not None,
    )


def _named(missing: list[str], role: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if f"{role}.{name}" in missing)


def invoice_to_be(order: Order, house: House) -> Document:
    """The part of the order's invoice that is known now: the parties, where it goes, the lines that are complete."""
    return Document(
        kind=DocumentKind.INVOICE, number="", issue_date=business_date(order.created_at), seller=house.as_party(),
        buyer=order.customer.as_party(), deliver_to=deliveries.delivery_place(order),
        lines=tuple(
            DocumentLine(
                position=line.position, sku=line.article.sku, name=line.article.name, quantity=line.quantity,
                unit=line.article.unit, unit_price=line.unit_price, net=line.net, list_price=line.list_price,
                vat=order.customer.vat_on(line.article), nature=line.article.nature,
            )
            for line in order.kept_lines
            if line.article is not None and line.quantity and line.unit_price is not None and not line.given_up
        ),
    )  # fmt: skip


def _lines_total(order: Order) -> Money | None:
    """What the lines come to at the customer's own prices; None when a line has none."""
    amounts: list[Money] = []
    for line in order.kept_lines:
        if line.customer_price is None or line.quantity is None:
            return None
        amounts.append(Money.of(line.customer_price * line.quantity))
    return total(amounts) if amounts else None

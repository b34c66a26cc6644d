"""What a delivery's papers say: the preparation slip and the delivery note, and where the goods go."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from core.clock import business_date
from core.deliveries.tables import Delivery, DeliveryLine, DeliveryState, remaining_quantities, shipped_quantities
from core.documents import Document, DocumentKind, DocumentLine, Party
from core.money import Money
from core.orders import Order
from core.quotes import packed

if TYPE_CHECKING:
    from core.parties import Customer, DeliveryAddress
    from core.settings import House


#: The slip is read in our own warehouse, whatever the customer reads.
SLIP_LANGUAGE = "fr"


def document(session: Session, delivery: Delivery, kind: DocumentKind, house: House, *, at: datetime) -> Document:
    """The slip, or the note, of the delivery as it stands at this instant; a note has prices for who asked for them."""
    order = delivery.order
    priced = kind is DocumentKind.DELIVERY_NOTE and order.customer.priced_delivery_notes
    left = remaining_quantities(session, order)
    shipped = shipped_quantities(session, order)
    lines = []
    here = {line.order_line_id: line for line in delivery.lines}
    for line in order.kept_lines:
        prepared = here.get(line.id)
        article = line.article if prepared is None else prepared.article
        quantity = Decimal(0) if prepared is None else prepared.quantity
        if article is None or line.quantity is None:
            continue
        before = shipped.get(line.id, Decimal(0)) - (quantity if delivery.state is DeliveryState.SHIPPED else 0)
        remaining = left.get(line.id, Decimal(0)) - (0 if delivery.state is DeliveryState.SHIPPED else quantity)
        if quantity == 0 and (kind is DocumentKind.PREPARATION_SLIP or remaining <= 0):
            continue
        price = (line.unit_price if prepared is None else prepared.price) if priced else None
        lines.append(
            DocumentLine(
                position=line.position,
                sku=article.sku,
                name=article.name,
                quantity=quantity,
                unit=article.unit,
                packaging=packed(line.packaging, line.packaging_count) if quantity == line.quantity else "",
                ordered=line.quantity,
                delivered=before,
                remaining=remaining,
                location=article.location,
                buyer_reference=line.customer_reference,
                gtin=article.gtin,
                note=_note(prepared) if prepared is not None else "",
                unit_price=price,
                net=Money.of(quantity * price) if price is not None else None,
            )
        )
    return Document(
        kind=kind, number=delivery.reference, issue_date=business_date(at), seller=house.as_party(),
        accent=house.accent, logo=house.emblem, buyer=order.customer.as_party(), deliver_to=delivery_place(order),
        lines=tuple(lines),
        language=order.customer.language if kind is DocumentKind.DELIVERY_NOTE else SLIP_LANGUAGE,
        requested_delivery_date=order.requested_delivery_date,
        delivery_date=business_date(at) if kind is DocumentKind.DELIVERY_NOTE else None,
        order_reference=order.reference, buyer_order_number=order.customer_reference,
        buyer_order_date=order.customer_reference_date, packages=delivery.packages,
        carrier=delivery.carrier, tracking=delivery.tracking, shows_prices=priced,
    )  # fmt: skip


def _note(line: DeliveryLine) -> str:
    """What stands below a line: its batches, and the article that was ordered where another one came."""
    ordered = line.order_line.article
    instead = f"(≠ {ordered.sku} {ordered.name})" if line.substitute is not None and ordered is not None else ""
    return " ".join(part for part in (line.batch_note, instead) if part)


def delivery_place(order: Order) -> Party | None:
    """Where the order goes, when that is not the customer's own address."""
    if order.delivery_own:
        return None
    if order.delivery_address is not None:
        return _as_party(order.customer, order.delivery_address)
    return place_of(order.customer)


def place_of(customer: Customer) -> Party | None:
    """Where the customer has goods delivered when an order says nothing, if that is not its own address."""
    return _as_party(customer, customer.addresses[0]) if customer.addresses else None


def _as_party(customer: Customer, place: DeliveryAddress) -> Party:
    return Party(
        name=place.name or customer.name, street=place.street, postcode=place.postcode, city=place.city,
        country=place.country,
    )  # fmt: skip

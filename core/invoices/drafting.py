"""Invoices of what was delivered: their content as a preview, and their issue.

An invoice is about one delivery, or about several of one customer on the same terms and to the same place: all those
of a calendar month, say (CGI 289 I 3). Nothing is invoiced that did not leave, nor before the customer verified it or
is presumed to have received it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from core import ceilings, journal, mentions, terms
from core.clock import business_date
from core.deliveries import Delivery, DeliveryState, read_whole
from core.documents import Document, DocumentKind, DocumentLine, Reference
from core.errors import Refused
from core.invoices.deposits import (
    Deduction,
    credit_deposits,
    deduct,
    deductible,
    still_to_invoice,
    uncredited_deposits,
)
from core.invoices.issuing import Source, head, issue
from core.invoices.tables import Invoice, InvoiceDelivery
from core.journal import Actor
from core.money import Money
from core.orders import Order, lock
from core.quotes import packed
from core.vat import totals

if TYPE_CHECKING:
    from core.settings import House


def document_for_delivery(session: Session, delivery: Delivery, *, house: House, at: datetime) -> Document:
    """What the invoice of a delivery would say if it were issued now: pure, numberless, nothing written."""
    return preview(session, [delivery], house=house, at=at)


def preview(session: Session, deliveries: Sequence[Delivery], *, house: House, at: datetime) -> Document:
    """What one invoice of these deliveries would say if it were issued now: pure, numberless, nothing written.

    Refuses deliveries of several customers, terms or places: those are several invoices (`alike`).
    """
    document, sources = _draft(session, deliveries, house, at=at)
    asked = _with_deposits(session, deliveries)
    return _less_deposits(session, deliveries, asked, document, sources, house)[0]


def alike(delivery: Delivery) -> tuple[int, str, int | None, bool]:
    """Deliveries for which this is equal may stand on one invoice: one customer, his terms, one place (BG-13)."""
    order = delivery.order
    return order.customer_id, order.payment_terms, order.delivery_address_id, order.delivery_own


def received_on(delivery: Delivery) -> date | None:
    """The day on which the goods count as received: the customer said so, or is presumed to."""
    at: datetime | None = delivery.verified_at or delivery.presumed_at
    return business_date(at) if at is not None else None


def _draft(
    session: Session, deliveries: Sequence[Delivery], house: House, *, at: datetime
) -> tuple[Document, list[Source]]:
    """What was delivered, at its price, before any deposit."""
    read_whole(session, deliveries)
    if len({alike(delivery) for delivery in deliveries}) != 1:
        raise Refused("deliveries_not_alike")
    orders = {delivery.order_id: delivery.order for delivery in deliveries}
    order = deliveries[0].order
    sources = _delivered(deliveries)
    received = [day for day in map(received_on, deliveries) if day is not None]
    document = dataclasses.replace(
        head(
            session, DocumentKind.INVOICE, order.customer, order, house, at=at,
            received_on=max(received, default=None),
        ),
        delivery_notes=tuple(Reference(d.reference, business_date(d.shipped_at or at)) for d in deliveries),
        lines=tuple(source.line for source in sources),
    )  # fmt: skip
    shipped = sorted(business_date(d.shipped_at) for d in deliveries if d.shipped_at is not None)
    if len(deliveries) == 1:
        document = dataclasses.replace(document, delivery_date=shipped[0] if shipped else None)
    else:
        document = _periodic(document, order, shipped)
    document = ceilings.within(document, deliveries)
    if len(orders) > 1:
        document = dataclasses.replace(document, order_reference="", buyer_order_number="", buyer_order_date=None)
    return document, sources


def _less_deposits(
    session: Session, deliveries: Sequence[Delivery], asked: list[Order], document: Document, sources: list[Source],
    house: House,
) -> tuple[Document, list[Deduction]]:  # fmt: skip
    deductions = _deductions(session, deliveries, asked, document, sources, house)
    paid = tuple(Reference(d.deposit.number, d.deposit.issue_date, d.amount) for d in deductions)
    return dataclasses.replace(document, deposits=paid), deductions


def _periodic(document: Document, order: Order, shipped: list[date]) -> Document:
    """An invoice about several deliveries is due 45 days after it at most, whatever was agreed; then it says so."""
    assert document.due_date is not None  # noqa: S101 - `head` gives one
    issued = document.issue_date
    due = terms.parse(order.payment_terms).lawful_due_date(
        issued, received_on=shipped[-1] if shipped else None, periodic=True
    )
    if due < document.due_date:
        capped = mentions.wording("periodic_terms", on=issued, language=document.language)
        document = dataclasses.replace(document, payment_terms=capped)
    first, last = (shipped[0], shipped[-1]) if shipped else (None, None)
    return dataclasses.replace(document, due_date=due, period_start=first, period_end=last)


def _deductions(
    session: Session, deliveries: Sequence[Delivery], asked: list[Order], document: Document, sources: list[Source],
    house: House,
) -> list[Deduction]:  # fmt: skip
    """The deposits of each order that asked for some, which the invoice deducts up to what it invoices of the order."""
    left = document.totals.gross
    found: list[Deduction] = []
    for order in asked:
        ours = {line.id for line in order.lines}
        lines = [source.line for source in sources if source.order_line_id in ours]
        gross = totals((line.vat, line.net) for line in lines if line.vat is not None and line.net is not None).gross
        for deduction in deductible(session, order, min(gross, left), but=deliveries, house=house):
            found.append(deduction)
            left -= deduction.amount
    return found


def _with_deposits(session: Session, deliveries: Sequence[Delivery]) -> list[Order]:
    """The orders of the deliveries that have deposit invoices."""
    orders = {delivery.order_id: delivery.order for delivery in deliveries}
    asked = Invoice.order_id.in_(orders) & (Invoice.kind == DocumentKind.DEPOSIT_INVOICE)
    found = set(session.scalars(select(Invoice.order_id).where(asked)))
    return [order for order_id, order in orders.items() if order_id in found]


def _delivered(deliveries: Sequence[Delivery]) -> list[Source]:
    """What of the deliveries is invoiced, line by line, at the prices of their orders."""
    sources: list[Source] = []
    several_orders = len({delivery.order_id for delivery in deliveries}) > 1
    for delivery in deliveries:
        note = delivery.reference if len(deliveries) > 1 else ""
        if several_orders:  # the page and BT-13 name one order only: each buyer's number stands with its lines (L441-9)
            note = " \u00b7 ".join(filter(None, (note, delivery.order.customer_reference)))
        for line in delivery.lines:
            ordered, quantity = line.order_line, line.invoiceable
            article, price = line.article, line.price
            if article is None or price is None or quantity <= 0:
                continue
            printed = DocumentLine(
                position=len(sources) + 1, sku=article.sku, name=article.name, quantity=quantity, unit=article.unit,
                packaging=packed(ordered.packaging, ordered.packaging_count) if quantity == ordered.quantity else "",
                unit_price=price, net=Money.of(quantity * price), vat=delivery.order.customer.vat_on(article),
                buyer_reference=ordered.customer_reference, gtin=article.gtin, nature=article.nature,
                list_price=ordered.gross_price if line.substitute is None else None,
                note=" \u00b7 ".join(text for text in (note, line.batch_note) if text),
            )  # fmt: skip
            sources.append(Source(printed, order_line_id=ordered.id, delivery_line_id=line.id, article_id=article.id))
    return sources


def issue_for_delivery(session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime) -> Invoice:
    """Issue the invoice of one delivery, once."""
    return issue_for(session, [delivery], house=house, by=by, at=at)


def issue_for(
    session: Session, deliveries: Sequence[Delivery], *, house: House, by: Actor, at: datetime
) -> Invoice:  # fmt: skip
    """Issue one invoice of deliveries that were verified or are presumed received, each of them once.

    Deposits are deducted as `House.deposit_absorption` says; what no later invoice can deduct is given back. Refuses
    where the firm's ERP invoices: what was sold would be invoiced twice.
    """
    if house.invoicing == "erp":
        raise Refused("invoiced_by_erp", reference=deliveries[0].reference)
    if journal.begun(session):  # whoever may hold the journal waits for nobody
        journal.hold(session)
    else:
        for order_id in sorted({delivery.order_id for delivery in deliveries}):
            lock(session, order_id)  # what is said about a delivery is said under its order's lock
    document, sources = _draft(session, deliveries, house, at=at)
    # whoever numbers a document holds the journal: from here on nobody else invoices, credits or deducts
    journal.hold(session)
    freed = {delivery.id: _freed_by(session, delivery) for delivery in deliveries}
    asked = _with_deposits(session, deliveries)
    document, deductions = _less_deposits(session, deliveries, asked, document, sources, house)
    orders = {delivery.order_id: delivery.order for delivery in deliveries}
    only = deliveries[0].order if len(orders) == 1 else None

    def complete(made: Invoice) -> None:
        for delivery in deliveries:
            session.add(InvoiceDelivery(invoice_id=made.id, delivery_id=delivery.id, freed_by_id=freed[delivery.id]))
        for deduction in deductions:
            deduct(session, made, deduction)

    invoice = issue(
        session, document, sources, customer=deliveries[0].order.customer, order=only, by=by, at=at,
        event="invoice_issued", then=complete,
    )  # fmt: skip
    for order in asked:
        # a deposit let through unpaid, or more than came: beside the last invoice it would be owed a second time
        if uncredited_deposits(session, order) and not still_to_invoice(session, order):
            reason = mentions.wording(
                "deposit_given_back", on=invoice.issue_date, language=invoice.customer.language, number=invoice.number
            )
            credit_deposits(session, order, reason=reason, house=house, by=by, at=at)
    return invoice


def _freed_by(session: Session, delivery: Delivery) -> int | None:
    """The internal credit note that cancelled the last invoice of the delivery, or None when it never had one.

    Refuses a delivery that an invoice stands for, and one whose receipt is neither said nor presumed.
    """
    presumed = delivery.state is DeliveryState.SHIPPED and delivery.presumed_at is not None
    if delivery.state is not DeliveryState.VERIFIED and not presumed:
        raise Refused("delivery_not_verified", reference=delivery.reference)
    note = aliased(Invoice)
    earlier = (
        select(InvoiceDelivery.invoice_id, note.id)
        .outerjoin(note, (note.refers_to_id == InvoiceDelivery.invoice_id) & note.internal)
        .where(InvoiceDelivery.delivery_id == delivery.id)
        .order_by(InvoiceDelivery.invoice_id.desc())
    )
    last = session.execute(earlier.limit(1)).first()
    if last is None:
        return None
    if last[1] is None:
        raise Refused("delivery_already_invoiced", reference=delivery.reference)
    freed: int = last[1]
    return freed

"""Issuing: the number, the row, its lines, the frozen paper, the journal line and the outbox rows, all or nothing."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import events, facturx, journal, papers, sale_terms, terms
from core.clock import business_date
from core.deliveries import Delivery, delivery_place
from core.documents import Document, DocumentKind, DocumentLine
from core.errors import Refused, TryLater
from core.identifiers import next_number
from core.invoices.tables import SERIES, Invoice, InvoiceLine
from core.journal import Actor
from core.orders import Order
from core.parties import Customer

if TYPE_CHECKING:
    from core.settings import House


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Where a document line comes from, beside what it prints; `counted` is which part of a line it credits."""

    line: DocumentLine
    order_line_id: int | None = None
    article_id: int | None = None
    credits_line_id: int | None = None
    counted: Decimal | None = None


def issue(
    session: Session,
    document: Document,
    sources: list[Source],
    *,
    customer: Customer,
    order: Order | None,
    by: Actor,
    at: datetime,
    delivery: Delivery | None = None,
    refers_to: Invoice | None = None,
    event: str,
) -> Invoice:
    """Issue the document with these lines: it has its number, and never changes, from here on."""
    if not sources:
        raise Refused("nothing_to_invoice")
    facturx.ensure_complete(dataclasses.replace(document, lines=tuple(source.line for source in sources)))
    number = next_number(session, SERIES[document.kind], on=document.issue_date)
    latest = session.scalar(select(func.max(Invoice.issue_date)).where(Invoice.kind == document.kind))
    if latest is not None and latest > document.issue_date:  # at midnight another issuer was faster
        raise TryLater("issue_date_before_last", latest=latest)
    document = dataclasses.replace(document, number=number, lines=tuple(source.line for source in sources))
    sums = document.totals
    paper = papers.freeze(
        session, document, customer_id=customer.id, order_id=order.id if order is not None else None, at=at
    )
    assert document.due_date is not None  # noqa: S101 - every invoice document is built with one
    invoice = Invoice(
        kind=document.kind, number=number, customer=customer, order=order, refers_to=refers_to, paper=paper,
        delivery_id=delivery.id if delivery is not None else None,
        issue_date=document.issue_date, due_date=document.due_date, net=sums.net, vat=sums.vat,
        gross=sums.gross, prepaid=document.prepaid, reason=document.reason, issued_at=at,
    )  # fmt: skip
    session.add(invoice)
    session.flush()
    for source in sources:
        line = source.line
        assert line.unit_price is not None and line.net is not None and line.vat is not None  # noqa: S101, PT018 - priced
        session.add(
            InvoiceLine(
                invoice_id=invoice.id,
                position=line.position,
                order_line_id=source.order_line_id,
                article_id=source.article_id,
                quantity=source.counted if source.counted is not None else line.quantity,
                unit_price=line.unit_price,
                net=line.net,
                vat_percent=line.vat.percent,
                credits_line_id=source.credits_line_id,
            )
        )
    journal.write(
        session, f"{document.kind}_issued", subject=invoice.subject, by=by, at=at, number=number,
        gross=sums.gross, payload_hash=paper.payload_hash,
    )  # fmt: skip
    events.emit(session, event, invoice, at=at, paper=paper)
    return invoice


def head(
    session: Session, kind: DocumentKind, customer: Customer, order: Order | None, house: House, *, at: datetime
) -> Document:
    """What every invoice document says: the parties, the dates and the references of the order."""
    today = business_date(at)
    agreed = order.payment_terms if order is not None else customer.payment_terms
    return Document(
        kind=kind, number="", issue_date=today, seller=house.as_party(), accent=house.accent, buyer=customer.as_party(),
        language=customer.language, due_date=terms.parse(agreed).due_date(today),
        payment_terms=agreed, penalty_rate=house.penalty_rate,
        terms_version=sale_terms.version_on(session, house, on=today),
        deliver_to=delivery_place(order) if order is not None else None,
        order_reference=order.reference if order is not None else "",
        buyer_order_number=order.customer_reference if order is not None else "",
        buyer_order_date=order.customer_reference_date if order is not None else None,
    )  # fmt: skip

"""Issuing: the number, the row, its lines, the frozen paper, the journal line and the outbox rows, all or nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import early_discounts, events, facturx, journal, papers, sale_terms, seals, terms
from core.clock import business_date
from core.deliveries import delivery_place
from core.documents import Document, DocumentKind, DocumentLine
from core.errors import Refused, TryLater
from core.identifiers import next_number
from core.invoices.tables import INTERNAL_SERIES, SERIES, Invoice, InvoiceLine
from core.journal import Actor
from core.means import PaymentMeans
from core.money import Money
from core.orders import Order
from core.parties import Customer

if TYPE_CHECKING:
    from core.settings import House


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Where a document line comes from, beside what it prints; `counted` is how much of a line's quantity it credits.

    `spread` is for what credits several lines at once: the part of each, without VAT, by the line's id.
    """

    line: DocumentLine
    order_line_id: int | None = None
    delivery_line_id: int | None = None
    article_id: int | None = None
    credits_line_id: int | None = None
    counted: Decimal | None = None
    spread: tuple[tuple[int, Money], ...] = ()


def issue(
    session: Session,
    document: Document,
    sources: list[Source],
    *,
    customer: Customer,
    order: Order | None,
    by: Actor,
    at: datetime,
    refers_to: Invoice | None = None,
    internal: bool = False,
    event: str,
    then: Callable[[Invoice], None] | None = None,
) -> Invoice:
    """Issue the document with these lines: it has its number, and never changes, from here on.

    `then` adds what else belongs to it, such as its deliveries, before all of it is sealed in the journal.
    """
    if not sources:
        raise Refused("nothing_to_invoice")
    document = dataclasses.replace(document, lines=tuple(source.line for source in sources))
    document = dataclasses.replace(document, business_process=document.process)
    facturx.ensure_complete(document)
    number = next_number(session, INTERNAL_SERIES if internal else SERIES[document.kind], on=document.issue_date)
    same = select(func.max(Invoice.issue_date)).where(Invoice.kind == document.kind, Invoice.internal.is_(internal))
    latest = session.scalar(same)
    if latest is not None and latest > document.issue_date:  # at midnight another issuer was faster
        raise TryLater("issue_date_before_last", latest=latest)
    document = dataclasses.replace(document, number=number)
    sums = document.totals
    paper = papers.freeze(
        session, document, customer_id=customer.id, order_id=order.id if order is not None else None, at=at, first=True
    )
    assert document.due_date is not None  # noqa: S101 - every invoice document is built with one
    invoice = Invoice(
        kind=document.kind, number=number, customer=customer, order=order, refers_to=refers_to, paper=paper,
        issue_date=document.issue_date, due_date=document.due_date, net=sums.net, vat=sums.vat, gross=sums.gross,
        prepaid=document.prepaid, reason=document.reason, internal=internal, issued_at=at,
    )  # fmt: skip
    session.add(invoice)
    session.flush()
    for source in sources:
        session.add_all(_rows(invoice, source))
    if then is not None:
        then(invoice)
    journal.write(
        session, f"{document.kind}_issued", subject=invoice.subject, by=by, at=at, number=number,
        gross=sums.gross, payload_hash=paper.payload_hash, internal=internal,
        seals=seals.of(session, invoice.id, paper.id),
    )  # fmt: skip
    events.emit(session, event, invoice, at=at, paper=paper)
    return invoice


def _rows(invoice: Invoice, source: Source) -> Iterable[InvoiceLine]:
    """One row for the line; what credits several lines at once has one for each of them."""
    line = source.line
    assert line.unit_price is not None and line.net is not None and line.vat is not None  # noqa: S101, PT018 - priced
    whole = (source.credits_line_id, line.net)
    for credits_line_id, net in source.spread or (whole,):
        yield InvoiceLine(
            invoice_id=invoice.id,
            position=line.position,
            order_line_id=source.order_line_id,
            delivery_line_id=source.delivery_line_id,
            article_id=source.article_id,
            quantity=source.counted if source.counted is not None else line.quantity,
            unit_price=line.unit_price,
            net=net,
            vat_percent=line.vat.percent,
            vat_category=line.vat.category,
            vat_code=line.vat.code,
            credits_line_id=credits_line_id,
        )


def head(
    session: Session, kind: DocumentKind, customer: Customer, order: Order | None, house: House, *, at: datetime,
    agreed: str | None = None, received_on: date | None = None,
) -> Document:  # fmt: skip
    """What every invoice document says: the parties, the dates and the references of the order.

    `received_on` is the day of the goods' receipt, from which the term counts when none was agreed.
    """
    today = business_date(at)
    if agreed is None:
        agreed = order.payment_terms if order is not None else customer.payment_terms
    return Document(
        kind=kind, number="", issue_date=today, seller=house.as_party(), accent=house.accent, buyer=customer.as_party(),
        logo=house.emblem, vat_on_debits=house.vat_on_debits, eco_contribution=house.eco_contribution,
        language=customer.language, due_date=terms.parse(agreed).lawful_due_date(today, received_on=received_on),
        payment_terms=agreed, penalty_rate=house.penalty_rate,
        terms_version=sale_terms.version_on(session, house, on=today),
        **early_discounts.printed(customer, house, kind, on=today), **payment_means(customer, house),
        deliver_to=delivery_place(order) if order is not None else None,
        order_reference=order.reference if order is not None else "",
        buyer_order_number=order.customer_reference if order is not None else "",
        buyer_order_date=order.customer_reference_date if order is not None else None,
    )  # fmt: skip


def payment_means(customer: Customer, house: House) -> dict[str, Any]:
    """How the customer pays, as fields of a `Document`: a direct debit names its mandate, creditor and account."""
    if customer.payment_means is not PaymentMeans.DIRECT_DEBIT:
        return {"payment_means": customer.payment_means.value}
    return {
        "payment_means": customer.payment_means.value, "mandate_reference": customer.mandate_reference,
        "creditor_id": house.creditor_id, "debited_account": customer.debited_iban,
    }  # fmt: skip

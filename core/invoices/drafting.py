"""Invoices of what was delivered and verified: their content as a preview, and their issue."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import mentions
from core.clock import business_date
from core.deliveries import Delivery, DeliveryState
from core.documents import Document, DocumentKind, DocumentLine, Reference
from core.errors import Refused
from core.invoices.deposits import credit_deposits, deductible, still_to_invoice, uncredited_deposits
from core.invoices.issuing import Source, head, issue
from core.invoices.tables import DepositDeduction, Invoice
from core.journal import Actor
from core.money import Money
from core.quotes import packed

if TYPE_CHECKING:
    from core.settings import House


def document_for_delivery(session: Session, delivery: Delivery, *, house: House, at: datetime) -> Document:
    """What the invoice of a delivery would say if it were issued now: pure, numberless, nothing written."""
    order = delivery.order
    document = dataclasses.replace(
        head(session, DocumentKind.INVOICE, order.customer, order, house, at=at),
        delivery_date=business_date(delivery.shipped_at) if delivery.shipped_at else None,
        delivery_notes=(Reference(delivery.reference, business_date(delivery.shipped_at or at)),),
        lines=tuple(source.line for source in delivered(delivery)),
    )
    deposits = deductible(session, order, document.totals.gross)
    if not deposits:
        return document
    return dataclasses.replace(
        document, business_process="B4",
        deposits=tuple(Reference(d.number, d.issue_date, amount) for d, amount in deposits),
    )  # fmt: skip


def delivered(delivery: Delivery) -> list[Source]:
    """What of a delivery is invoiced, line by line, at the prices of its order."""
    sources: list[Source] = []
    for line in delivery.lines:
        ordered, quantity = line.order_line, line.invoiceable
        article = ordered.article
        if article is None or ordered.unit_price is None or quantity <= 0:
            continue
        printed = DocumentLine(
            position=len(sources) + 1, sku=article.sku, name=article.name, quantity=quantity, unit=article.unit,
            packaging=packed(ordered.packaging, ordered.packaging_count) if quantity == ordered.quantity else "",
            unit_price=ordered.unit_price, net=Money.of(quantity * ordered.unit_price), vat=article.vat_rate,
            buyer_reference=ordered.customer_reference, gtin=article.gtin, list_price=ordered.gross_price,
        )  # fmt: skip
        sources.append(Source(printed, order_line_id=ordered.id, article_id=article.id))
    return sources


def issue_for_delivery(session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime) -> Invoice:
    """Issue the invoice of a verified delivery, once; deposits are absorbed by the first invoices."""
    if delivery.state is not DeliveryState.VERIFIED:
        raise Refused("delivery_not_verified", reference=delivery.reference)
    if session.scalar(select(Invoice.id).where(Invoice.delivery_id == delivery.id)) is not None:
        raise Refused("delivery_already_invoiced", reference=delivery.reference)
    document = document_for_delivery(session, delivery, house=house, at=at)
    invoice = issue(
        session, document, delivered(delivery), customer=delivery.order.customer, order=delivery.order, by=by, at=at,
        delivery=delivery, event="invoice_issued",
    )  # fmt: skip
    for deposit, amount in deductible(session, delivery.order, document.totals.gross):
        session.add(DepositDeduction(invoice_id=invoice.id, deposit_id=deposit.id, amount=amount))
    session.flush()
    # a deposit let through unpaid, or more than came: beside the last invoice it would be owed a second time
    if not still_to_invoice(session, delivery.order) and uncredited_deposits(session, delivery.order):
        reason = mentions.wording(
            "deposit_given_back", on=invoice.issue_date, language=invoice.customer.language, number=invoice.number
        )
        credit_deposits(session, delivery.order, reason=reason, house=house, by=by, at=at)
    return invoice

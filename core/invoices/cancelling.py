"""Invoices that their buyer or a platform refused: cancelled by an internal credit note, and issued again.

The external specifications of the French reform (§3.6.4) want an accounting cancellation that is never transmitted,
and a new document with a number of its own. What the refused invoice was about is free again: its deliveries, and the
deposits that it deducted.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal
from core.clock import business_date
from core.documents import DocumentKind, DocumentLine
from core.errors import Refused
from core.invoices.credit_notes import all_left, credit, left_of_line
from core.invoices.deposits import give_back_deductions
from core.invoices.drafting import issue_for
from core.invoices.issuing import Source, head, issue
from core.invoices.tables import DepositDeduction, Invoice, InvoiceLine, deliveries_of, internal_note, line_of
from core.journal import Actor
from core.money import ZERO, total

if TYPE_CHECKING:
    from core.settings import House


def cancel_internally(
    session: Session, invoice: Invoice, *, reason: str, house: House, by: Actor, at: datetime
) -> Invoice:
    """Book the internal credit note of what is left of a refused or rejected document: its matter is free again.

    What earlier credit notes gave back stays given back: those units are not invoiced again, nor a price that was
    lowered. Refuses a credit note, a document of which nothing is left, a deposit that an invoice deducts, and a second
    time. `issue_again` makes the new document, once what was wrong with it is put right.
    """
    from core import registration

    registration.hold(session, [invoice.customer])
    journal.hold(session)
    if invoice.kind is DocumentKind.CREDIT_NOTE:
        raise Refused("credit_of_credit", number=invoice.number)
    if internal_note(session, invoice) is not None:
        raise Refused("invoice_cancelled_internally", number=invoice.number)
    of_deposit = select(DepositDeduction.invoice_id).where(DepositDeduction.deposit_id == invoice.id)
    if session.scalar(of_deposit.limit(1)) is not None:
        raise Refused("deposit_already_deducted", number=invoice.number)
    sources = all_left(session, invoice)
    if not sources:
        raise Refused("invoice_already_credited", number=invoice.number)
    _keep_given_back(session, invoice)
    return credit(
        session, invoice, sources, reason=reason, house=house, by=by, at=at, internal=True,
        then=lambda note: give_back_deductions(session, invoice, note),
    )  # fmt: skip


def _keep_given_back(session: Session, invoice: Invoice) -> None:
    """Write what credit notes gave back on the delivered lines, where the next invoice is made from."""
    for delivery in deliveries_of(session, invoice):
        for delivered in delivery.lines:
            invoiced = line_of(invoice, delivered)
            if invoiced is None:
                continue
            left = left_of_line(session, invoiced)
            still = left.quantity if left.net > ZERO else Decimal(0)
            if (more := delivered.invoiceable - still) > 0:  # a remark or a return may say so already
                delivered.given_back += more
            if still and left.price != invoiced.unit_price:
                delivered.unit_price = left.price
    session.flush()


def issue_again(session: Session, invoice: Invoice, *, house: House, by: Actor, at: datetime) -> Invoice:
    """The new document in place of one that was cancelled internally, with what our records say today."""
    if internal_note(session, invoice) is None:
        raise Refused("invoice_not_cancelled", number=invoice.number)
    if invoice.kind is DocumentKind.INVOICE:
        return issue_for(session, deliveries_of(session, invoice), house=house, by=by, at=at)
    frozen = invoice.paper.document
    lines = [_asked_again(session, invoice, line) for line in frozen.lines]
    document = dataclasses.replace(
        head(session, DocumentKind.DEPOSIT_INVOICE, invoice.customer, invoice.order, house, at=at),
        due_date=business_date(at), payment_terms="", deposit_percent=frozen.deposit_percent,
        business_process=frozen.process,
    )  # fmt: skip
    return issue(
        session, document, [Source(line) for line in lines if line is not None], customer=invoice.customer,
        order=invoice.order, by=by, at=at, event="deposit_issued",
    )  # fmt: skip


def _asked_again(session: Session, deposit: Invoice, line: DocumentLine) -> DocumentLine | None:
    """A line of a deposit invoice that was cancelled, less what credit notes had given back of it before."""
    known = next(row for row in deposit.lines if row.position == line.position)
    given = InvoiceLine.credits_line_id == known.id
    earlier = select(InvoiceLine.net).join(Invoice, Invoice.id == InvoiceLine.invoice_id).where(given)
    net = known.net - total(session.scalars(earlier.where(Invoice.internal.is_(False))))
    if net <= ZERO:
        return None
    if net == known.net:
        return line
    return dataclasses.replace(line, quantity=Decimal(1), unit_price=net.amount, net=net)

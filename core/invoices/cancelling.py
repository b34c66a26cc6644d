"""Invoices that their buyer or a platform refused: cancelled by an internal credit note, and issued again.

The external specifications of the French reform (§3.6.4) want an accounting cancellation that is never transmitted,
and a new document with a number of its own. What the refused invoice was about is free again: its deliveries, and the
deposits that it deducted.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal
from core.clock import business_date
from core.documents import DocumentKind
from core.errors import Refused
from core.invoices.credit_notes import credit
from core.invoices.deposits import give_back_deductions
from core.invoices.drafting import issue_for
from core.invoices.issuing import Source, head, issue
from core.invoices.tables import DepositDeduction, Invoice, deliveries_of, internal_note
from core.journal import Actor

if TYPE_CHECKING:
    from core.settings import House


def cancel_internally(
    session: Session, invoice: Invoice, *, reason: str, house: House, by: Actor, at: datetime
) -> Invoice:
    """Book the internal credit note of a refused or rejected document, in full: what it was about is free again.

    Refuses a credit note, a document of which something was credited, a deposit that an invoice deducts, and a second
    time. `issue_again` makes the new document, once what was wrong with it is put right.
    """
    from core import registration

    registration.hold(session, [invoice.customer])
    journal.hold(session)
    if invoice.kind is DocumentKind.CREDIT_NOTE:
        raise Refused("credit_of_credit", number=invoice.number)
    if internal_note(session, invoice) is not None:
        raise Refused("invoice_cancelled_internally", number=invoice.number)
    if session.scalar(select(Invoice.id).where(Invoice.refers_to_id == invoice.id).limit(1)) is not None:
        raise Refused("invoice_already_credited", number=invoice.number)
    of_deposit = select(DepositDeduction.invoice_id).where(DepositDeduction.deposit_id == invoice.id)
    if session.scalar(of_deposit.limit(1)) is not None:
        raise Refused("deposit_already_deducted", number=invoice.number)
    lines = {line.position: line for line in invoice.lines}
    sources = [
        Source(
            printed, order_line_id=lines[printed.position].order_line_id,
            article_id=lines[printed.position].article_id, credits_line_id=lines[printed.position].id,
        )
        for printed in invoice.paper.document.lines
    ]  # fmt: skip
    return credit(
        session, invoice, sources, reason=reason, house=house, by=by, at=at, internal=True,
        then=lambda note: give_back_deductions(session, invoice, note),
    )  # fmt: skip


def issue_again(session: Session, invoice: Invoice, *, house: House, by: Actor, at: datetime) -> Invoice:
    """The new document in place of one that was cancelled internally, with what our records say today."""
    if internal_note(session, invoice) is None:
        raise Refused("invoice_not_cancelled", number=invoice.number)
    if invoice.kind is DocumentKind.INVOICE:
        return issue_for(session, deliveries_of(session, invoice), house=house, by=by, at=at)
    frozen = invoice.paper.document
    document = dataclasses.replace(
        head(session, DocumentKind.DEPOSIT_INVOICE, invoice.customer, invoice.order, house, at=at),
        due_date=business_date(at), payment_terms="", deposit_percent=frozen.deposit_percent,
        business_process=frozen.process,
    )  # fmt: skip
    return issue(
        session, document, [Source(line) for line in frozen.lines], customer=invoice.customer, order=invoice.order,
        by=by, at=at, event="deposit_issued",
    )  # fmt: skip

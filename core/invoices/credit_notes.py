"""Credit notes: they name the original, and never give back more than is left of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import stock
from core.documents import DocumentKind, Reference
from core.errors import Refused
from core.invoices.issuing import Source, head, issue
from core.invoices.tables import Invoice, credited_net, credited_quantity
from core.journal import Actor
from core.money import Money

if TYPE_CHECKING:
    from core.settings import House


def credited(session: Session, invoice: Invoice) -> Money:
    """What credit notes have given back on the invoice, VAT included."""
    from core import payments

    return payments.credited(session, invoice)


def issue_credit_note(
    session: Session, invoice: Invoice, quantities: Mapping[int, Decimal], *, reason: str, returned: bool,
    house: House, by: Actor, at: datetime,
) -> Invoice:  # fmt: skip
    """Credit quantities of an invoice's lines by position, never more than is left; returned goods go back in stock.

    The credit note names the original's number and date (BR-FR-CO-04).
    """
    from core import registration

    if invoice.kind is DocumentKind.CREDIT_NOTE:
        raise Refused("credit_of_credit", number=invoice.number)
    if not reason.strip():
        raise Refused("reason_missing")
    if returned:  # levels are locked before the journal, as everywhere
        stock.hold(session, (line.article_id for line in invoice.lines if line.position in quantities))
    # two credit notes of one invoice are issued one after the other: each must see what the other gave back
    session.execute(select(Invoice.id).where(Invoice.id == invoice.id).with_for_update())
    frozen = {line.position: line for line in invoice.paper.document.lines}
    sources: list[Source] = []
    for position, quantity in sorted(quantities.items()):
        original = next((line for line in invoice.lines if line.position == position), None)
        if original is None:
            raise Refused("line_unknown", reference=invoice.number, position=position)
        left = original.quantity - credited_quantity(session, original)
        if not 0 < quantity <= left:
            raise Refused("credit_above_left", number=invoice.number, position=position, left=left)
        net_left = original.net - credited_net(session, original)  # parts are rounded: together never above the line
        net = net_left if quantity == left else min(Money.of(quantity * original.unit_price), net_left)
        printed = dataclasses.replace(
            frozen[position], position=len(sources) + 1, quantity=quantity, net=net,
            packaging=frozen[position].packaging if quantity == original.quantity else "",
        )  # fmt: skip
        sources.append(
            Source(
                printed,
                order_line_id=original.order_line_id,
                article_id=original.article_id,
                credits_line_id=original.id,
            )
        )
    note = credit(session, invoice, sources, reason=reason, house=house, by=by, at=at)
    if returned:
        for source in sources:
            if source.article_id is not None:
                stock.move(
                    session, source.article_id, stock.MovementKind.RETURN, source.line.quantity, source=note.subject,
                    at=at,
                )  # fmt: skip
    session.flush()
    registration.look_again(session, invoice.customer, house=house, at=at)
    return note


def credit(
    session: Session, invoice: Invoice, sources: list[Source], *, reason: str, house: House, by: Actor, at: datetime
) -> Invoice:
    """Issue a credit note of these lines of an invoice, whoever decided on them."""
    from core import registration

    registration.note_verdicts(session, invoice.customer, house=house, at=at)
    document = dataclasses.replace(
        head(session, DocumentKind.CREDIT_NOTE, invoice.customer, invoice.order, house, at=at),
        preceding_invoices=(Reference(invoice.number, invoice.issue_date),), reason=reason, payment_terms="",
        type_code="503" if invoice.kind is DocumentKind.DEPOSIT_INVOICE else "",
    )  # fmt: skip
    return issue(
        session, document, sources, customer=invoice.customer, order=invoice.order, by=by, at=at,
        refers_to=invoice, event="credit_note_issued",
    )  # fmt: skip

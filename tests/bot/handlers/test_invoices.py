"""Invoices as colleagues handle them in chat: three kinds of credit note, a preview, and who may do what."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import deliveries, payments, registration
from core.db import transaction
from core.documents import DocumentKind
from core.invoices import Invoice
from core.journal import SYSTEM
from core.money import Money
from core.parties import Customer, InvoiceTrigger

Desk = Any


def received(desk: Desk, *, trigger: InvoiceTrigger = InvoiceTrigger.VERIFICATION) -> int:
    """An order that left and was verified; its id."""
    order_id: int = desk.order()
    with transaction(desk.app.engine) as session:
        session.get_one(Customer, desk.ids["customer"]).invoice_trigger = trigger
        order = registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
        (delivery,) = deliveries.of_order(session, order)
        deliveries.ship(session, delivery, house=desk.app.house, by=SYSTEM, at=desk.clock())
        deliveries.verify(session, delivery, house=desk.app.house, by=SYSTEM, at=desk.clock())
    desk.settle()
    return order_id


def documents(desk: Desk, kind: DocumentKind) -> list[Invoice]:
    with transaction(desk.app.engine) as session:
        found = list(session.scalars(select(Invoice).where(Invoice.kind == kind).order_by(Invoice.id)))
        for one in found:
            _ = one.lines, one.paper.document
        return found


def due(desk: Desk, invoice: Invoice) -> Money:
    with transaction(desk.app.engine) as session:
        return payments.amount_due(session, session.get_one(Invoice, invoice.id))


def card_of(desk: Desk, who: str, words: str) -> int:
    return next(seen.message_id for seen in reversed(desk.chat(who)) if words in seen.text)


def test_accounting_credits_a_return_a_price_and_a_gesture_in_reply_to_the_card(desk: Desk) -> None:
    received(desk)
    (invoice,) = documents(desk, DocumentKind.INVOICE)
    card = card_of(desk, "accounting", invoice.number)
    for said in ("avoir L1 3 retour plaques fondues", "avoir prix L2 -0,50 tarif convenu", "avoir geste 20 € retard"):
        desk.say("accounting", said, reply_to=card)
        desk.settle()
    back, lower, gesture = documents(desk, DocumentKind.CREDIT_NOTE)
    assert (back.net, lower.net, gesture.gross) == (Money.of("23.70"), Money.of("2.50"), Money.of(20))
    assert [note.reason for note in (back, lower, gesture)] == ["retour plaques fondues", "tarif convenu", "retard"]
    assert due(desk, invoice) == invoice.gross - back.gross - lower.gross - gesture.gross
    desk.say("accounting", f"/avoir {invoice.number} prix L2 500 € en tout trop")
    desk.settle()
    assert len(documents(desk, DocumentKind.CREDIT_NOTE)) == 3
    assert any("HT à créditer au plus" in seen.text for seen in desk.chat("accounting"))


def test_the_buttons_of_the_card_ask_line_by_line(desk: Desk) -> None:
    received(desk)
    (invoice,) = documents(desk, DocumentKind.INVOICE)
    desk.press("accounting", "Avoir…", message_id=card_of(desk, "accounting", invoice.number))
    desk.settle()
    assert "L1 · Beurre" in desk.last("accounting").text
    desk.press("accounting", "Prix", message_id=desk.last("accounting").message_id)
    desk.settle()
    desk.say("accounting", "L1 -0,10 tarif de mars")
    desk.settle()
    (note,) = documents(desk, DocumentKind.CREDIT_NOTE)
    assert (note.net, note.paper.document.lines[0].quantity) == (Money.of(10), Decimal(100))


def test_sales_ask_for_a_credit_note_and_accounting_issues_it_as_asked(desk: Desk) -> None:
    received(desk)
    (invoice,) = documents(desk, DocumentKind.INVOICE)
    desk.say("sales", f"/avoir {invoice.number} geste 10 € livraison en retard")
    desk.settle()
    assert documents(desk, DocumentKind.CREDIT_NOTE) == []
    card = card_of(desk, "accounting", "livraison en retard")
    desk.press("accounting", "Émettre cet avoir", message_id=card)
    desk.settle()
    (note,) = documents(desk, DocumentKind.CREDIT_NOTE)
    assert (note.gross, note.reason) == (Money.of(10), "livraison en retard")


def test_a_month_that_is_not_over_is_looked_at_and_issued_by_hand(desk: Desk) -> None:
    received(desk, trigger=InvoiceTrigger.MONTH_END)
    assert documents(desk, DocumentKind.INVOICE) == []
    ours = desk.app.settings.house.invoicing
    for invoicing in ("erp", ours):
        desk.app.settings.house.invoicing = invoicing
        desk.say("accounting", "/facturer")
        desk.settle()
        assert ("logiciel de gestion" in desk.last("accounting").text) is (invoicing == "erp")
    card = desk.last("accounting").message_id
    desk.press("accounting", "Aperçu", message_id=card)
    desk.settle()
    assert desk.last("accounting").message_id != card
    assert documents(desk, DocumentKind.INVOICE) == []
    desk.press("accounting", "Émettre la facture", message_id=card)
    desk.settle()
    (invoice,) = documents(desk, DocumentKind.INVOICE)
    assert invoice.number.endswith("-0001")
    desk.say("accounting", "/facturer")
    desk.settle()
    assert "Tout ce qui est reçu est facturé" in desk.last("accounting").text


@pytest.mark.parametrize("who", ["warehouse", "customer"])
def test_nobody_else_credits_or_sees_what_waits(desk: Desk, who: str) -> None:
    received(desk)
    (invoice,) = documents(desk, DocumentKind.INVOICE)
    for said in (f"/avoir {invoice.number} L1 1 retour", "/facturer"):
        desk.say(who, said)
        desk.settle()
    assert documents(desk, DocumentKind.CREDIT_NOTE) == []

"""Stories 1 and 2 told by the trade alone, each step in its own transaction, on both databases."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core import deliveries, invoices, journal, orders, payments, quotes, registration, reminders, stock
from core.clock import PARIS, business_date
from core.db import transaction
from core.messages import MessageChannel
from core.money import ZERO, Money
from core.orders import Asked, AskedLine, Order, OrderState, PriceChoice
from core.outbox import OutboxRow
from core.parties import Role
from core.settings import House
from tests.core.builders import Trade, furnish

HOUSE = House(
    name="Linge et Maison SAS", street="1 rue du Quai", postcode="59000", city="Lille", siren="732829320",
    vat_number="FR44732829320", penalty_rate=Decimal("12.15"),
)  # fmt: skip


def resume(session: Session, trade: Trade) -> Trade:
    """The same trade in a new transaction, with its rows read again."""
    again = Trade(
        session, trade.house, session.merge(trade.customer), session.merge(trade.article),
        {role: session.merge(person) for role, person in trade.staff.items()}, trade.at,
    )  # fmt: skip
    again.skus = {sku: session.merge(article) for sku, article in trade.skus.items()}
    return again


def test_story_1_from_the_draft_to_the_paid_invoice_without_a_reminder(engine: Engine) -> None:
    with transaction(engine) as session:
        trade = furnish(session, HOUSE)
        order_id = trade.draft((trade.article, "140")).id
    with transaction(engine) as session:
        trade = resume(session, trade)
        order = session.get_one(Order, order_id)
        orders.accept_recap(session, order, by=trade.buyer, at=trade.later(minutes=2), version=order.version)
    with transaction(engine) as session:
        trade = resume(session, trade)
        trade.confirm(session.get_one(Order, order_id), at=trade.later(minutes=2))
    with transaction(engine) as session:
        trade = resume(session, trade)
        trade.later(hours=3)
        trade.ship(trade.preparing(session.get_one(Order, order_id)))
    with transaction(engine) as session:
        trade = resume(session, trade)
        trade.later(hours=20)
        trade.verify(trade.preparing(session.get_one(Order, order_id)))
    with transaction(engine) as session:
        trade = resume(session, trade)
        (invoice,) = invoices.of_order(session, session.get_one(Order, order_id))
        assert (invoice.number, invoice.gross) == ("FA-2026-0001", Money.of(16_800))
        trade.later(days=20)
        payments.record(
            session, trade.customer, invoice.gross, received_on=business_date(trade.at), by=trade.by(Role.ACCOUNTING),
            at=trade.at, house=HOUSE, settles=invoice,
        )  # fmt: skip
    with transaction(engine) as session:
        trade = resume(session, trade)
        for _ in range(60):
            trade.later(days=1)
            assert reminders.run(session, today=business_date(trade.at), at=trade.at) == []
    with transaction(engine) as session:
        order = session.get_one(Order, order_id)
        assert order.state is OrderState.CLOSED
        assert payments.usable_credit(session, order.customer) == ZERO
        told = session.scalars(
            select(OutboxRow.template).where(OutboxRow.customer_id == order.customer_id).order_by(OutboxRow.id)
        ).all()
        assert told == [
            "order_recap", "order_confirmed", "delivery_shipped", "delivery_verified", "invoice_issued",
            "payment_received",
        ]  # fmt: skip
        actions = [entry.action for entry in journal.entries_of(session, order.subject)]
        assert actions == ["order_drafted", "recap_accepted", "order_confirmed", "order_closed"]
        assert journal.first_broken(session) is None


def test_story_2_quote_purchase_order_backorder_two_invoices_and_a_credit_note(engine: Engine) -> None:
    with transaction(engine) as session:
        trade = furnish(session, HOUSE)
        towel = trade.add_article("SER-50", "5.20", on_hand="30")
        sheet = trade.article
        asked = Asked(
            trade.customer, MessageChannel.MAIL, (AskedLine("serviettes", towel, Decimal(50)),),
            reply_email="achats@bellevue.example",
        )  # fmt: skip
        quote = quotes.draft(session, asked, by=trade.buyer, at=trade.at)
        quote.lines[0].unit_price = Decimal("4.90")
        quotes.send(session, quote, house=HOUSE, by=trade.by(), at=trade.at)
        trade.at = datetime.combine(business_date(trade.at), time(15), PARIS)
        lines = (
            AskedLine("serviettes", towel, Decimal(50), customer_price=Decimal("4.90"), customer_reference="H-1"),
            AskedLine("draps", sheet, Decimal(4), customer_price=Decimal(95)),
            AskedLine("plaids ?", None, Decimal(2), confidence=Decimal(0)),
        )
        order = trade.draft(
            lines=lines, quote_id=quote.id, channel=MessageChannel.MAIL, reply_chat_id=None, accord=True,
            reply_email="achats@bellevue.example", customer_reference="PO-2026-118",
        )  # fmt: skip
        found = registration.examine(session, order, house=HOUSE, at=trade.at)
        assert [(f.code, f.position) for f in found if f.blocks] == [("article_unknown", 3), ("price_differs", 2)]
        orders.settle_price(session, order, 2, PriceChoice.OURS, by=trade.by(), at=trade.at)
        orders.set_article(session, order, 3, trade.add_article("PLA-1", "40"), by=trade.by(), at=trade.at)
        trade.confirm(order)
        first = trade.preparing(order)
        trade.ship(first)
        trade.verify(first)
        assert deliveries.remaining_quantities(session, order) == {order.lines[0].id: Decimal(20)}
        stock.move(session, towel.id, stock.MovementKind.RECEIPT, Decimal(100), source="truck", at=trade.later(days=2))
        second = deliveries.prepare(session, order, house=HOUSE, by=trade.by(), at=trade.at)
        trade.ship(second)
        trade.verify(second)
        one, two = invoices.of_order(session, order)
        assert (one.net, two.net) == (Money.of(147 + 400 + 80), Money.of(98))
        assert one.paper.document.buyer_order_number == "PO-2026-118"
        note = invoices.issue_credit_note(
            session, one, {2: Decimal(1)}, reason="un drap taché", returned=True, house=HOUSE,
            by=trade.by(Role.ACCOUNTING), at=trade.at,
        )  # fmt: skip
        assert note.gross == Money.of(120)
        due = {receivable.number: receivable.due for receivable in payments.receivables(session, trade.customer)}
        assert due == {one.number: one.gross - note.gross, two.number: two.gross}
        assert order.state is OrderState.CLOSED
        assert quote.state is quotes.QuoteState.ACCEPTED
    with transaction(engine) as session:
        assert journal.first_broken(session) is None

"""Money stories: statements that pay, doubts that are asked, discounts, refunds by two people, rejects."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from core import payments
from core.bank import BankEntry, CustomerIban, EntryState, booking, statements
from core.clock import business_date
from core.credit_uses import CreditUse
from core.db import transaction
from core.early_discounts import EarlyDiscount
from core.invoices import issue_credit_note
from core.journal import JournalEntry
from core.means import PaymentMeans
from core.money import ZERO, Money, total
from core.orders import Order, OrderState
from core.outbox import OutboxRow
from core.parties import Customer, Role
from core.payments import Allocation, OpenItem, Payment
from core.refunds import Refund, RefundState
from core.settings import House
from tests.bot.conftest import Desk
from tests.bot.conftest import desk as desk  # noqa: PLC0414 - a fixture is found by its name
from tests.core.bank.papers import IBAN, PAYER, Line, camt, cfonb, mt940
from tests.core.builders import Trade


@pytest.fixture
def house(house: House) -> House:
    return house.model_copy(update={"iban": IBAN})


def told(desk: Desk, who: str) -> str:
    return "\n".join(message.text for message in desk.chat(who)).replace("\u202f", " ").replace("\u00a0", " ")


def rows(trade: Trade, template: str) -> list[OutboxRow]:
    return list(trade.session.scalars(select(OutboxRow).where(OutboxRow.template == template)))


def test_a_bank_statement_pays_three_invoices_less_a_credit_note(trade: Trade) -> None:
    by = trade.by(Role.ACCOUNTING)
    old = trade.invoiced((trade.article, "1"))
    on = business_date(trade.at)
    payments.record(
        trade.session, trade.customer, Money.of(120), received_on=on, by=by, at=trade.at, house=trade.house, settles=old
    )
    note = issue_credit_note(
        trade.session, old, {1: Decimal("0.5")}, reason="abîmé", returned=False, house=trade.house, by=by, at=trade.at
    )
    three = [trade.invoiced((trade.article, quantity)) for quantity in ("1", "2", "3")]
    assert payments.sums(trade.session, trade.customer) == (Money.of(720), Money.of(60))
    said = " ".join(invoice.number for invoice in three)
    paid = Line("660.00", f"{said} moins {note.number}", name="HOTEL BELLEVUE", iban=PAYER, day=on)
    report = statements.load(trade.session, mt940(paid, day=on), house=trade.house, by=by, at=trade.at)
    assert [(entry.state, entry.rule) for entry in report.entries] == [(EntryState.BOOKED, "number")]
    assert [payments.amount_due(trade.session, invoice) for invoice in three] == [ZERO, ZERO, ZERO]
    assert payments.sums(trade.session, trade.customer) == (ZERO, ZERO)
    assert payments.usable_credit(trade.session, trade.customer) == ZERO
    (used,) = trade.session.scalars(select(CreditUse)).all()
    assert (used.from_invoice_id, used.invoice_id, used.amount) == (old.id, three[0].id, Money.of(60))
    assert total(trade.session.scalars(select(Allocation.amount).where(Allocation.credit_use_id == used.id))) == ZERO
    assert len(rows(trade, "payment_received")) == 2


def test_the_same_statement_twice_changes_nothing(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "2"))
    on = business_date(trade.at)
    content = cfonb(
        Line("100.00", invoice.number, day=on),
        Line("100.00", invoice.number, day=on),
        Line("9.00", "?", day=on),
        day=on,
    )
    by = trade.by(Role.ACCOUNTING)
    statements.load(trade.session, content, house=trade.house, by=by, at=trade.at)
    tables = (Payment, Allocation, BankEntry, JournalEntry, OutboxRow)
    before = [trade.session.scalar(select(func.count()).select_from(table)) for table in tables]
    assert payments.amount_due(trade.session, invoice) == Money.of(40)
    again = statements.load(trade.session, content, house=trade.house, by=by, at=trade.later(hours=1))
    assert (again.entries, again.known) == ([], 3)
    assert [trade.session.scalar(select(func.count()).select_from(table)) for table in tables] == before


def test_an_early_payment_takes_its_discount(trade: Trade) -> None:
    trade.customer.discount_percent, trade.customer.discount_days = Decimal(2), 10
    invoice = trade.invoiced((trade.article, "10"))
    assert "Escompte de 2,00" in invoice.paper.document.discount_terms
    trade.later(days=9)
    on = business_date(trade.at)
    by = trade.by(Role.ACCOUNTING)
    statements.load(
        trade.session, camt(Line("1176.00", invoice.number, day=on), day=on), house=trade.house, by=by, at=trade.at
    )
    (discount,) = trade.session.scalars(select(EarlyDiscount)).all()
    assert (discount.amount, [(part.net, part.vat) for part in discount.parts]) == (
        Money.of(24), [(Money.of(20), Money.of(4))],
    )  # fmt: skip
    assert payments.amount_due(trade.session, invoice) == ZERO
    assert payments.usable_credit(trade.session, trade.customer) == ZERO


def test_a_rejected_direct_debit_makes_the_invoice_due_again(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "2"))
    on = business_date(trade.at)
    by = trade.by(Role.ACCOUNTING)
    debit = Line("240.00", f"PRLV {invoice.number}", name="HOTEL BELLEVUE", day=on, family=("RDDT", "ESDD"))
    statements.load(trade.session, camt(debit, day=on), house=trade.house, by=by, at=trade.at)
    assert payments.amount_due(trade.session, invoice) == ZERO
    trade.later(days=5)
    on = business_date(trade.at)
    back = Line(
        "-240.00", f"PRLV {invoice.number}", name="HOTEL BELLEVUE", day=on, reject="AM04", family=("RDDT", "UPDD")
    )
    report = statements.load(trade.session, camt(back, day=on), house=trade.house, by=by, at=trade.at)
    (entry,) = report.entries
    assert (entry.state, len(rows(trade, "bank_entry_card"))) == (EntryState.ASKED, 1)
    assert payments.amount_due(trade.session, invoice) == ZERO  # nobody has decided yet
    (payment,) = booking.rejected(trade.session, entry)
    assert payment.means is PaymentMeans.DIRECT_DEBIT
    booking.take_back(trade.session, booking.held(trade.session, entry.id), payment, by=by, at=trade.at)
    assert payments.amount_due(trade.session, invoice) == Money.of(240)
    assert payments.usable_credit(trade.session, trade.customer) == ZERO
    assert [owed.number for owed in payments.receivables(trade.session, trade.customer)] == [invoice.number]
    assert [row.audience for row in rows(trade, "payment_reversed")] == ["customer"]


def owe(desk: Desk, *items: tuple[str, str, str]) -> date:
    """What two customers owe by the books from before; the day of the story."""
    today = business_date(desk.clock())
    with transaction(desk.app.engine) as session:
        for who, number, amount in items:
            session.add(
                OpenItem(
                    customer_id=desk.ids[who], number=number, issue_date=today - timedelta(days=20), paid=ZERO,
                    gross=Money.of(amount), due_date=today + timedelta(days=10), as_of=today,
                )
            )  # fmt: skip
    return today


def drop(desk: Desk, who: str, content: bytes) -> None:
    desk.client.send_document(desk.chats[who], ("releve.xml", content))
    desk.settle()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_doubtful_transfer_is_asked_to_accounting(desk: Desk) -> None:
    today = owe(desk, ("customer", "FA-2025-0951", "1480"), ("hotel", "FA-2025-0952", "1480"), ("hotel", "F-9", "200"))
    unknown = Line("1480.00", "VIR DE HOLDING MARTIN", name="HOLDING MARTIN", iban=PAYER, day=today)
    drop(desk, "accounting", camt(unknown, day=today))
    assert "0 opérations rapprochées, 1 à décider" in told(desk, "accounting")
    card = next(m for m in desk.chat("accounting") if "Virement à rapprocher" in m.text)
    assert "Le payeur n'est pas connu" in card.text
    assert [label.replace("\u202f", " ").replace("\u00a0", " ") for label in card.labels] == [
        "FA-2025-0951 · 1 480,00 € · Boulangerie Martin", "FA-2025-0952 · 1 480,00 € · Hôtel Bellevue",
        "Autre client…", "Pas un client",
    ]  # fmt: skip
    drop(desk, "accounting", camt(unknown, day=today))
    assert "rien de nouveau" in told(desk, "accounting")
    desk.press("accounting", card.labels[0], message_id=card.message_id)
    desk.settle()
    shown = told(desk, "accounting")
    assert "✓ Enregistré : REG-2026-0001 · Boulangerie Martin" in shown
    assert "Règlement reçu : 1 480,00 €" in told(desk, "customer")
    assert "FA-2025-0951 : 1 480,00 €, soldée" in told(desk, "customer")
    with transaction(desk.app.engine) as session:
        assert [(known.iban, known.customer_id) for known in session.scalars(select(CustomerIban))] == [
            (PAYER, desk.ids["customer"])
        ]
    # the next one of a stranger: whose it is, in words; what that customer owes explains the amount
    stranger = Line("1680.00", "VIR", name="M DUPONT", day=today)
    drop(desk, "accounting", camt(stranger, Line("5.00", "INTERETS", day=today), day=today))
    asked = [m for m in desk.chat("accounting") if "Virement à rapprocher" in m.text]
    desk.press("accounting", "Pas un client", message_id=asked[-1].message_id)
    desk.settle()
    desk.press("accounting", "Autre client…", message_id=asked[-2].message_id)
    desk.settle()
    desk.say("accounting", "Bellevue")
    desk.settle()
    assert "FA-2025-0952 : 1 480,00 €, reste dû 0,00 €" in told(desk, "accounting")
    with transaction(desk.app.engine) as session:
        hotel = session.get_one(Customer, desk.ids["hotel"])
        assert payments.receivables(session, hotel) == []
        states = [(entry.state, entry.rule) for entry in session.scalars(select(BankEntry).order_by(BankEntry.id))]
        assert states == [(EntryState.BOOKED, "decided"), (EntryState.BOOKED, "sum"), (EntryState.LEFT, "not_ours")]
    # the first payment comes back, and one press undoes it
    back = Line("-1480.00", "REJET HOLDING MARTIN", reject="MD06", day=today)
    drop(desk, "accounting", camt(back, day=today))
    desk.press("accounting", "FA-2025-0951 · Boulangerie Martin")
    desk.settle()
    assert "nous est revenu impayé" in told(desk, "customer")
    with transaction(desk.app.engine) as session:
        bakery = session.get_one(Customer, desk.ids["customer"])
        assert [owed.due for owed in payments.receivables(session, bakery)] == [Money.of(1480)]
    desk.client.send_document(desk.chats["accounting"], ("autre.xml", camt(unknown, day=today, iban=PAYER)))
    desk.settle()
    assert f"Ce relevé est celui du compte {PAYER}" in told(desk, "accounting")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_overpayment_is_refunded_by_two_people(desk: Desk) -> None:
    owe(desk, ("customer", "F-77", "200"))
    desk.say("accounting", "/paiement F-77 250,50")
    desk.settle()
    with transaction(desk.app.engine) as session:
        bakery = session.get_one(Customer, desk.ids["customer"])
        assert payments.usable_credit(session, bakery) == Money.of("50.50")
    desk.say("accounting", "/rembourser Boulangerie Martin : 50,50 € trop-perçu sur F-77")
    desk.settle()
    card = next(m for m in desk.chat("accounting") if "trop-perçu sur F-77" in m.text and m.labels)
    desk.press("accounting", "Valider le remboursement", message_id=card.message_id)
    desk.settle()
    assert "une autre personne de la comptabilité" in desk.client.toasts(desk.chats["accounting"])[-1].text
    desk.press("accounting", "Refuser…", message_id=card.message_id)
    desk.settle()
    desk.say("accounting", "demandé par erreur")
    desk.settle()
    desk.say("sales", "/rembourser Boulangerie Martin : 60 trop-perçu sur F-77")
    desk.settle()
    assert "60,00 € ne peut pas être remboursé" in told(desk, "sales")
    desk.say("sales", "/rembourser Boulangerie Martin : 50,50 trop-perçu sur F-77")
    desk.settle()
    card = next(m for m in reversed(desk.chat("accounting")) if "RBT-2026-0002" in m.text and m.labels)
    desk.press("accounting", "Valider le remboursement", message_id=card.message_id)
    desk.settle()
    desk.press("accounting", "Viré aujourd'hui", message_id=card.message_id)
    desk.settle()
    assert "Nous vous avons versé cette somme" in told(desk, "customer")
    with transaction(desk.app.engine) as session:
        states = [refund.state for refund in session.scalars(select(Refund).order_by(Refund.id))]
        assert states == [RefundState.REFUSED, RefundState.EXECUTED]
        bakery = session.get_one(Customer, desk.ids["customer"])
        assert payments.usable_credit(session, bakery) == ZERO
        assert session.scalars(select(Order).where(Order.state == OrderState.DRAFT)).all() == []

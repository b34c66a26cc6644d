"""The cards of accounting: a movement of the bank that is in doubt or came back, and a refund on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot import texts
from bot.cards import Content
from bot.keyboards import Press
from core import payments, reversals
from core.bank import CustomerIban, EntryState, booking, books, matching
from core.bank.reading import bare
from core.means import PaymentMeans
from core.money import ZERO, Money
from core.parties import Customer, Staff
from core.refunds import RefundState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from core.bank import BankEntry
    from core.outbox import OutboxRow
    from core.payments import Payment
    from core.refunds import Refund
    from core.settings import House

Made = tuple[dict[str, Any], list[list[Press]]]
NAME = 18  # what a button has room for


def entry_card(session: Session, entry: BankEntry, customer: Customer | None = None) -> Content:
    """The movement with its candidates, of one customer once somebody has said whose it is."""
    given, rows = _entry(session, entry, customer)
    return Content(texts.render("bank_entry_card", **given), rows)


def refund_card(session: Session, refund: Refund) -> Content:
    """The refund with what may be done about it now."""
    given, rows = _refund(session, refund)
    return Content(texts.render("refund_card", **given), rows)


def _entry(session: Session, entry: BankEntry, customer: Customer | None = None) -> Made:
    given: dict[str, Any] = {"entry": entry, "account": bare(entry.payer_iban), "amount": entry.amount + entry.fees,
                             "debit": entry.amount < ZERO}  # fmt: skip
    if entry.state is not EntryState.ASKED:
        return given | _outcome(session, entry), []
    about = {"bank_entry": entry.id}
    if entry.reject:
        given["why"] = texts.word("entry_rejected")
        return given, [*_reject_rows(session, entry, about), [Press("leave_entry", about)]]
    if entry.amount <= ZERO:  # a refund left the bank that our records do not let leave
        given["why"] = texts.word(f"entry_{entry.rule}")
        fee = [Press("book_fee", about)] if entry.rule == booking.BANK_FEE else []
        return given, [[*fee, Press("leave_entry", about, label_key="leave_debit" if fee else "")]]
    if customer is not None:
        answer = matching.of_customer(booking.movement_of(entry), customer.id, books.opened(session))
    else:
        answer = matching.match(booking.movement_of(entry), books.opened(session))
    if isinstance(answer, matching.Doubt):
        found, whose, reason = answer.candidates, answer.customer_id, answer.reason
    else:  # what was owed changed since: what it would settle now
        found, whose, reason = tuple(part.claim for part in answer.parts), answer.customer_id, entry.rule
    given["why"] = texts.word(f"entry_{reason}")
    rows = [
        [
            Press(
                "settle_entry", {**about, "claim": one.kind, "document": one.id},
                {"number": one.number, "due": one.due, "name": session.get_one(Customer, one.customer_id).name[:NAME]},
            )
        ]
        for one in found
    ]  # fmt: skip
    known = session.get(Customer, whose) if whose is not None else None
    if known is not None:
        rows.append([Press("credit_entry", {**about, "whose": known.id}, {"name": known.name[:NAME]})])
    return given, [*rows, [Press("entry_customer", about), Press("leave_entry", about)]]


def _reject_rows(session: Session, entry: BankEntry, about: dict[str, Any]) -> list[list[Press]]:
    rows = []
    for payment in booking.rejected(session, entry):
        settled = reversals.settled_by(session, payment)
        number = settled[0][0].number if settled else payment.reference
        label = {"number": number, "name": payment.customer.name[:NAME]}
        rows.append([Press("reject_entry", {**about, "paid": payment.id}, label)])
    return rows


def _outcome(session: Session, entry: BankEntry) -> dict[str, Any]:
    payment = entry.payment
    settled = paid_parts(session, payment) if payment is not None else []
    return {"payment": payment, "settled": settled, "why": ""}


def paid_parts(session: Session, payment: Payment) -> list[dict[str, Any]]:
    """The documents that a payment settles, with how much of each and what is left to pay."""
    return [
        {"number": document.number, "amount": amount, "left": payments.amount_due(session, document)}
        for document, amount in reversals.settled_by(session, payment)
    ]


def _refund(session: Session, refund: Refund) -> Made:
    asker = session.get(Staff, refund.asked_by_id)
    decider = session.get(Staff, refund.decided_by_id) if refund.decided_by_id is not None else None
    known = session.scalar(
        select(CustomerIban.iban).where(CustomerIban.customer_id == refund.customer_id)
        .order_by(CustomerIban.id.desc()).limit(1)
    )  # fmt: skip
    given = {
        "refund": refund, "customer": refund.customer, "asker": asker.name if asker is not None else "",
        "decider": decider.name if decider is not None else "", "account": known or "",
        "usable": payments.usable_credit(session, refund.customer),
    }  # fmt: skip
    about = {"refund": refund.id}
    match refund.state:
        case RefundState.ASKED:
            return given, [[Press("approve_refund", about)], [Press("refuse_refund", about)]]
        case RefundState.APPROVED:
            cheque = Press(
                "execute_refund", {**about, "means": PaymentMeans.CHEQUE.value}, label_key="refund_by_cheque"
            )
            return given, [[Press("execute_refund", about), cheque], [Press("refuse_refund", about)]]
    return given, []


def made_entry(
    session: Session, entry: BankEntry, _row: OutboxRow, _house: House, _at: datetime, _language: str
) -> Made:  # fmt: skip
    """The card of a movement, for the outbox."""
    return _entry(session, entry)


def made_refund(
    session: Session, refund: Refund, _row: OutboxRow, _house: House, _at: datetime, _language: str
) -> Made:  # fmt: skip
    """The card of a refund, for the outbox."""
    return _refund(session, refund)


def made_reversal(
    _session: Session, reversal: reversals.PaymentReversal, row: OutboxRow, _house: House, _at: datetime, _language: str
) -> Made:  # fmt: skip
    """What a payment that came back leaves due."""
    return {"reversal": reversal, "payment": reversal.payment, "numbers": row.arguments.get("numbers", ""),
            "kept": Money.of(row.arguments.get("kept") or 0)}, []  # fmt: skip


def made_refund_told(
    _session: Session, refund: Refund, _row: OutboxRow, _house: House, _at: datetime, _language: str
) -> Made:  # fmt: skip
    """A refund that left, or that was refused."""
    return {"refund": refund}, []

"""What rows about invoices, payments, reminders and disputes say."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot import banking, texts
from bot.keyboards import Press
from bot.letters.makers import Made, Maker
from core import (
    disputes,
    events,
    invoices,
    payments,
    platforms,
    reminders,
    statuses,
)
from core.clock import add_business_days, business_date
from core.disputes import Dispute
from core.documents import DocumentKind
from core.errors import Refused
from core.invoices import Invoice
from core.messages import Message
from core.money import total
from core.outbox import OutboxRow
from core.papers import Paper
from core.parties import Customer
from core.payments import Payment
from core.reminders import Promise, Reminder

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House


def _invoice(session: Session, invoice: Invoice, _row: OutboxRow, house: House, _at: datetime, _language: str) -> Made:
    given = {"invoice": invoice, "due": payments.amount_due(session, invoice), "order": invoice.order}
    given["courtesy"] = platforms.courtesy(invoice.paper.document, house)
    args = {"number": invoice.number}
    return given, [[Press("pay_info", args)], [Press("dispute", args)]]


def _credit_note(
    session: Session, invoice: Invoice, _row: OutboxRow, house: House, _at: datetime, _language: str
) -> Made:
    original = invoice.refers_to
    left = payments.amount_due(session, original) if original is not None else None
    courtesy = platforms.courtesy(invoice.paper.document, house)
    given = {"invoice": invoice, "original": original, "left": left, "order": invoice.order, "courtesy": courtesy}
    return given, []


def _invoice_card(
    session: Session, invoice: Invoice, row: OutboxRow, house: House, at: datetime, language: str
) -> Made:
    given, _ = _invoice(session, invoice, row, house, at, language)
    number = {"number": invoice.number}
    pay = [Press("record_payment", number)] if given["due"] else []
    return given, [pay, [] if invoice.kind is DocumentKind.CREDIT_NOTE else [Press("choose_credit", number)]]


def _credit_asked(
    _session: Session, invoice: Invoice, row: OutboxRow, _house: House, _at: datetime, _language: str
) -> Made:
    words = str(row.arguments.get("words", ""))
    return {"invoice": invoice, "words": words}, [[Press("grant_credit", {"number": invoice.number, "words": words})]]


def _reminder(session: Session, reminder: Reminder, row: OutboxRow, house: House, at: datetime, _language: str) -> Made:
    today = business_date(at)
    amounts = reminders.statement(session, reminder, today=today, house=house)
    given = {
        "reminder": reminder, "amounts": amounts, "total": total(a.due for a in amounts),
        "interest": total(a.interest for a in amounts if a.interest is not None), "level": reminder.level,
        "late": [a for a in amounts if (a.days_late or 0) > 0], "fee": reminders.RECOVERY_FEE,
    }  # fmt: skip
    number = {"number": amounts[0].number} if amounts else {}
    if row.audience == "customer" and amounts:
        if len(amounts) > 1:  # which one is asked first: each has its own way to be paid, promised or contested
            return given, [[Press("my_documents_list")], [Press("human")]]
        buttons = [
            [Press("pay_info", number)], [Press("ask_promise", number), Press("dispute", number)],
            [Press("claim_paid", number), Press("human")],
        ]  # fmt: skip
        return given, buttons
    if row.template == "legal_handover":
        args = {"reminder": reminder.id}
        return given, [[Press("approve_notice", args)], [Press("drop_notice", args)]]
    return given, []


def _payment(session: Session, payment: Payment, row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    number = str(row.arguments.get("settles", ""))
    left = None
    if number:
        left = payments.amount_due(session, payments.document_by_number(session, payment.customer, number))
    settled = banking.paid_parts(session, payment) if not number else []
    means = texts.word(f"means_{payment.means.value}")
    return {"payment": payment, "number": number, "left": left, "settled": settled, "means": means}, []


def _promise(session: Session, promise: Promise, row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    document = payments.document_by_number(session, promise.customer, promise.number)
    given = {"promise": promise, "due": payments.amount_due(session, document)}
    number = {"number": promise.number}
    own = [Press("ask_promise", number, label_key="change_promise"), Press("pay_info", number, label_key="pay_short")]
    next_day = add_business_days(promise.day, 1)
    return given | {"again": next_day}, [own] if row.audience == events.CUSTOMER else []


def _dispute(session: Session, dispute: Dispute, row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    left = payments.amount_due(session, dispute.invoice) - disputes.contested(session, dispute.invoice_id)
    given = {"dispute": dispute, "invoice": dispute.invoice, "left": left}
    if row.audience != events.CUSTOMER or dispute.state is not disputes.DisputeState.OPEN:
        return given, []
    about = {"dispute": dispute.id}
    offer = [] if dispute.reserve_id is not None else [Press("accept_credit", about, {"amount": dispute.amount})]
    return given, [offer, [Press("add_piece", about), Press("human")]]


def _dispute_info(
    session: Session, dispute: Dispute, row: OutboxRow, house: House, at: datetime, language: str
) -> Made:
    given, _ = _dispute(session, dispute, row, house, at, language)
    is_open = dispute.state is disputes.DisputeState.OPEN
    return given, [[Press("settle_dispute", {"dispute": dispute.id})]] if is_open else []


def _dispute_credit(
    session: Session, dispute: Dispute, row: OutboxRow, house: House, at: datetime, language: str
) -> Made:
    given, rows = _dispute_info(session, dispute, row, house, at, language)
    is_open = dispute.state is disputes.DisputeState.OPEN
    return given, [[Press("credit_dispute", {"dispute": dispute.id})] if is_open else [], *rows]


def _dispute_piece(
    session: Session, dispute: Dispute, row: OutboxRow, house: House, at: datetime, language: str
) -> Made:
    given, rows = _dispute_info(session, dispute, row, house, at, language)
    message = session.get_one(Message, int(row.arguments["message"]))
    look = Press("show_pieces", {"dispute": dispute.id, "message": message.id})
    return {**given, "extract": message.extract}, [[look], *rows]


def _statement(session: Session, _customer: Customer, row: OutboxRow, _house: House, _at: datetime, _lang: str) -> Made:
    paper = session.get_one(Paper, row.paper_id)
    about = {"customer": paper.customer_id, "paper": paper.id}
    buttons = [[Press("send_statement", about)]] if row.template == "statement_ready" else []
    return {"number": paper.number, "statement": paper.document.statement}, buttons


def _refused(session: Session, invoice: Invoice, row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    status = session.get_one(statuses.InvoiceStatus, int(row.arguments["status"]))
    redone = invoices.internal_note(session, invoice)
    given = {
        "invoice": invoice, "status": status, "label": statuses.label(status.code), "redone": redone,
        "reason": statuses.reason_label(status.reason),
    }  # fmt: skip
    again = redone is None and invoice.kind is not DocumentKind.CREDIT_NOTE
    return given, [[Press("redo_invoice", {"invoice": invoice.id})]] if again else []


def _unread(_session: Session, _thing: Any, row: OutboxRow, _house: House, _at: datetime, _lang: str) -> Made:
    problems = row.arguments["problems"]
    return {"sentences": [texts.refusal(Refused(str(said["code"]), **said["data"]), "fr") for said in problems]}, []


MAKERS: dict[str, Maker] = {
    "bank_entry_card": banking.made_entry, "refund_card": banking.made_refund,
    "payment_reversed": banking.made_reversal, "payment_reversed_info": banking.made_reversal,
    "refund_sent": banking.made_refund_told, "refund_refused": banking.made_refund_told, "invoice_refused": _refused,
    "statuses_unread": _unread, "invoice_issued": _invoice, "deposit_issued": _invoice,
    "credit_note_issued": _credit_note, "credit_asked": _credit_asked, "invoice_card": _invoice_card,
    "reminder": _reminder, "formal_notice": _reminder, "legal_handover": _reminder, "legal_handover_info": _reminder,
    "payment_received": _payment, "payment_recorded": _payment, "promise_made": _promise, "promise_info": _promise,
    "promise_broken": _promise, "dispute_opened": _dispute, "dispute_info": _dispute_info,
    "dispute_credit_wanted": _dispute_credit, "dispute_piece_added": _dispute_piece,
    "statement_issued": _statement, "statement_ready": _statement,
}  # fmt: skip

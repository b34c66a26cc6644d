"""What each outbox row says, from the thing it is about as it stands now: one table from template to content."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import cards, texts
from bot.cards import Content
from bot.keyboards import Press
from core import deliveries, disputes, events, facts, payments, registration, reminders
from core.checks import Service
from core.clock import business_date
from core.deliveries import Delivery
from core.disputes import Dispute
from core.invoices import Invoice
from core.messages import Message
from core.money import total
from core.orders import Order
from core.outbox import OutboxRow
from core.overrides import OverrideRequest
from core.parties import Customer, Staff
from core.payments import OpenItem, Payment
from core.quotes import Quote
from core.reminders import Promise, Reminder

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

KINDS: dict[str, type[Any]] = {
    "order": Order, "quote": Quote, "delivery": Delivery, "invoice": Invoice, "payment": Payment,
    "reminder": Reminder, "promise": Promise, "dispute": Dispute, "override_request": OverrideRequest,
    "message": Message, "customer": Customer, "staff": Staff, "open_item": OpenItem, "outbox": OutboxRow,
}  # fmt: skip


CARDS = frozenset({"order_card", "order_recap", "quote_card", "quarantine_card", "preparation_card"})


def thing_of(session: Session, subject: str) -> Any:
    """The thing a subject (`order:12`) names; None for one that is no row, such as a mailbox."""
    kind, _, number = subject.partition(":")
    return session.get(KINDS[kind], int(number)) if kind in KINDS and number.isdigit() else None


def language_of(row: OutboxRow, thing: Any) -> str:
    """Customers read their own language, the house reads French."""
    customer = events.customer_of(thing)
    return texts.language_of(customer.language) if row.audience == "customer" and customer is not None else "fr"


def content(session: Session, row: OutboxRow, *, house: House, at: datetime) -> Content:
    """The text and buttons of a row, with the data of this instant."""
    thing = thing_of(session, row.subject)
    match row.template:
        case "order_card":
            return cards.order_card(session, thing, house=house, at=at)
        case "order_recap":
            return cards.recap_card(thing)
        case "quote_card":
            return cards.quote_card(thing, at=at)
        case "quarantine_card":
            return cards.quarantine_card(session, thing)
        case "preparation_card":
            return cards.preparation_card(thing)
    language = language_of(row, thing)
    given, rows = context(session, row, thing, house=house, at=at, language=language)
    order = thing if isinstance(thing, Order) else getattr(thing, "order", None)
    return Content(texts.render(row.template, language, **given), rows, order, language)


def context(
    session: Session, row: OutboxRow, thing: Any, *, house: House, at: datetime, language: str
) -> tuple[dict[str, Any], list[list[Press]]]:
    """What the template of a row may use, and its buttons."""
    given: dict[str, Any] = {
        "thing": thing, "house": house, "customer": events.customer_of(thing), "params": row.arguments,
        "today": business_date(at), "mail": row.channel.value == "mail", "paper": row.paper_id is not None,
    }  # fmt: skip
    maker = MAKERS.get(row.template)
    if isinstance(thing, Order):
        given |= cards.order_context(thing, language)
    if maker is None:
        return given, []
    more, rows = maker(session, thing, row, house, at, language)
    return given | more, rows


Made = tuple[dict[str, Any], list[list[Press]]]
Maker = Callable[["Session", Any, OutboxRow, "House", datetime, str], Made]


def _delivered(
    session: Session, delivery: Delivery, _row: OutboxRow, _house: House, _at: datetime, language: str
) -> Made:
    left = deliveries.remaining_quantities(session, delivery.order)
    lines = [
        {
            "name": line.order_line.article.name, "quantity": line.quantity, "ordered": line.order_line.quantity,
            "unit": cards.plural(line.order_line.article.unit, line.quantity),
            "counted": cards.parcelled(line.order_line, line.quantity, language),
            "left": left.get(line.order_line_id, Decimal(0)), "reserves": line.reserves,
            "position": line.order_line.position,
        }
        for line in delivery.lines
        if line.order_line.article is not None
    ]  # fmt: skip
    there = {line.order_line_id for line in delivery.lines}
    lines += [
        {
            "name": line.article.name, "quantity": Decimal(0), "ordered": line.quantity, "left": left[line.id],
            "counted": cards.parcelled(line, Decimal(0), language),
            "unit": cards.plural(line.article.unit, line.quantity), "reserves": [], "position": line.position,
        }
        for line in delivery.order.kept_lines
        if line.article is not None and line.id in left and line.id not in there
    ]  # fmt: skip
    args = {"delivery": delivery.id}
    buttons = [[Press("verify_delivery", args)], [Press("report_reserve", args)]]
    return {"delivery": delivery, "order": delivery.order, "lines": lines}, buttons


def _verified(session: Session, delivery: Delivery, row: OutboxRow, house: House, at: datetime, language: str) -> Made:
    given, _ = _delivered(session, delivery, row, house, at, language)
    return given, []


def _invoice(session: Session, invoice: Invoice, _row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    given = {"invoice": invoice, "due": payments.amount_due(session, invoice), "order": invoice.order}
    args = {"number": invoice.number}
    return given, [[Press("pay_info", args)], [Press("dispute", args)]]


def _credit_note(
    session: Session, invoice: Invoice, _row: OutboxRow, _house: House, _at: datetime, _language: str
) -> Made:
    original = invoice.refers_to
    left = payments.amount_due(session, original) if original is not None else None
    return {"invoice": invoice, "original": original, "left": left, "order": invoice.order}, []


def _invoice_card(
    session: Session, invoice: Invoice, row: OutboxRow, house: House, at: datetime, language: str
) -> Made:
    given, _ = _invoice(session, invoice, row, house, at, language)
    return given, [[Press("record_payment", {"number": invoice.number})]] if given["due"] else []


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
        buttons = [
            [Press("pay_info", number)], [Press("ask_promise", number), Press("dispute", number)],
            [Press("claim_paid", number)],
        ]  # fmt: skip
        return given, buttons
    if row.template == "legal_handover":
        args = {"reminder": reminder.id}
        return given, [[Press("approve_notice", args)], [Press("drop_notice", args)]]
    return given, []


def _override(
    session: Session, wish: OverrideRequest, _row: OutboxRow, house: House, at: datetime, _language: str
) -> Made:
    order = wish.order
    account = facts.gather(session, order, house=house, at=at).account
    found = registration.examine(session, order, house=house, at=at)
    asker = session.get(Staff, wish.requested_by_id)
    given = {
        "wish": wish, **cards.order_context(order), "exposure": account.exposure, "limit": account.credit_limit,
        "overdue": account.overdue, "asker": asker.name if asker is not None else "",
        "findings": [texts.finding_text(f) for f in found if f.blocks and f.override is not None],
    }  # fmt: skip
    args = {"request": wish.id}
    buttons = [
        [Press("grant_override", args)],
        [Press("refuse_override", args), Press("show_account", {"customer": order.customer_id})],
    ]
    return given, buttons


def _payment(session: Session, payment: Payment, row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    number = str(row.arguments.get("settles", ""))
    left = None
    if number:
        left = payments.amount_due(session, payments.document_by_number(session, payment.customer, number))
    return {"payment": payment, "number": number, "left": left}, []


def _promise(session: Session, promise: Promise, _row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    document = payments.document_by_number(session, promise.customer, promise.number)
    return {"promise": promise, "due": payments.amount_due(session, document)}, []


def _dispute(session: Session, dispute: Dispute, _row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    left = payments.amount_due(session, dispute.invoice) - disputes.contested(session, dispute.invoice_id)
    return {"dispute": dispute, "invoice": dispute.invoice, "left": left}, []


def _quote(_session: Session, quote: Quote, row: OutboxRow, _house: House, _at: datetime, language: str) -> Made:
    given = {"quote": quote, "lines": [cards.line_view(line, language) for line in quote.lines], "net": quote.net}
    about = {"quote": quote.id}
    match row.template:
        case "quote_sent":
            return given, [[Press("accept_quote", about)], [Press("decline_quote", about), Press("human")]]
        case "quote_late":
            return given, [[Press("take_up_quote", about)], [Press("revise_quote", about)]]
        case "quote_declined":
            return given, [[Press("revise_quote", about)]]
    return given, []


def _order(session: Session, order: Order, _row: OutboxRow, house: House, at: datetime, _language: str) -> Made:
    found = registration.examine(session, order, house=house, at=at)
    blocking = [f for f in found if f.blocks and f.service is Service.ACCOUNTING]
    colleague = session.get(Staff, order.confirmed_by_id) if order.confirmed_by_id is not None else None
    return {"blocking": blocking, "confirmed_by": colleague.name if colleague is not None else ""}, []


def _released(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, language: str) -> Made:
    given, _ = _order(session, order, row, house, at, language)
    clean = not any(f.blocks for f in registration.examine(session, order, house=house, at=at))
    return given, [[Press("confirm")]] if clean else [[Press("show_order")]]


def _message(_session: Session, message: Any, _row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    extract = str(getattr(message, "extract", ""))
    said = " ".join(extract.split())[: cards.EXTRACT]
    return {"extract": said, "reason": str(getattr(message, "reason", ""))}, []


def _backorder(session: Session, order: Order, _row: OutboxRow, _house: House, _at: datetime, language: str) -> Made:
    left = deliveries.remaining_quantities(session, order)
    lines = [cards.parcelled(line, left[line.id], language) + " \u00b7 " + line.article.name
             for line in order.kept_lines if line.id in left and line.article is not None]  # fmt: skip
    return {"left": lines}, [[Press("prepare_rest")]]


MAKERS: dict[str, Maker] = {
    "backorder_ready": _backorder,
    "delivery_shipped": _delivered, "delivery_verified": _verified, "reserve_stated": _verified,
    "invoice_issued": _invoice, "deposit_issued": _invoice, "credit_note_issued": _credit_note,
    "invoice_card": _invoice_card, "reminder": _reminder, "formal_notice": _reminder, "legal_handover": _reminder,
    "legal_handover_info": _reminder, "override_requested": _override, "payment_received": _payment,
    "payment_recorded": _payment, "promise_made": _promise, "promise_info": _promise, "promise_broken": _promise,
    "dispute_opened": _dispute, "dispute_info": _dispute, "quote_sent": _quote, "order_confirmed": _order,
    "override_granted": _released, "override_refused": _order, "order_released": _released,
    "quote_declined": _quote, "quote_late": _quote, "quote_wanted_late": _quote,
    "quote_superseded": _quote,
    "message_kept": _message, "receipt_only": _message, "customer_message": _message, "address_failed": _message,
}  # fmt: skip


def subject_data(thing: Any, row: OutboxRow) -> dict[str, Any]:
    """What a mail's subject line may name: the reference of the thing, and what it is about."""
    reference = str(getattr(thing, "reference", "") or getattr(thing, "number", ""))
    invoice = getattr(thing, "invoice", None)
    return {
        "reference": reference, "number": str(getattr(invoice, "number", "")) or reference,
        "customer_reference": str(getattr(thing, "customer_reference", "")), **row.arguments,
    }  # fmt: skip

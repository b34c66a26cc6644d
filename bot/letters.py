"""What each outbox row says, from the thing it is about as it stands now: one table from template to content."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import object_session

from bot import banking, cards, changes, delivery_letters, recaps, texts
from bot.cards import Content
from bot.keyboards import Press
from core import (
    clearances,
    deliveries,
    deposits,
    disputes,
    events,
    facts,
    hours,
    invoices,
    payments,
    platforms,
    registration,
    releases,
    reminders,
    sale_terms,
    statuses,
    stock,
)
from core.bank import BankEntry
from core.catalogue import Article
from core.checks import Service
from core.clock import add_business_days, business_date
from core.deliveries import Delivery, GoodsReturn
from core.disputes import Dispute
from core.documents import DocumentKind
from core.errors import Refused
from core.invoices import Invoice
from core.messages import Message
from core.money import Money, total
from core.orders import DepositStage, Order, OrderLine, OrderRevision, OrderState, RevisionKind
from core.outbox import OutboxChannel, OutboxRow
from core.overrides import OverrideRequest
from core.papers import Paper
from core.parties import ChatLink, Customer, Role, Staff
from core.payments import OpenItem, Payment
from core.quotes import Quote, QuoteState
from core.refunds import Refund
from core.reminders import Promise, Reminder
from core.reversals import PaymentReversal
from core.stock import Reservation, StockLevel

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

KINDS: dict[str, type[Any]] = {
    "order": Order, "quote": Quote, "delivery": Delivery, "invoice": Invoice, "payment": Payment,
    "reminder": Reminder, "promise": Promise, "dispute": Dispute, "override_request": OverrideRequest,
    "message": Message, "customer": Customer, "staff": Staff, "open_item": OpenItem, "outbox": OutboxRow,
    "stock_level": StockLevel,
    "order_revision": OrderRevision,
    "goods_return": GoodsReturn,
    "bank_entry": BankEntry, "refund": Refund, "payment_reversal": PaymentReversal,
}  # fmt: skip


def thing_of(session: Session, subject: str) -> Any:
    """The thing a subject (`order:12`) names; None for one that is no row, such as a mailbox."""
    kind, _, number = subject.partition(":")
    return session.get(KINDS[kind], int(number)) if kind in KINDS and number.isdigit() else None


def language_of(row: OutboxRow, thing: Any) -> str:
    """Customers read the language of their chat or their record, the house reads French."""
    customer = events.customer_of(thing)
    session = object_session(row)
    link = session.get(ChatLink, row.chat_id) if session is not None and row.chat_id is not None else None
    if row.audience == "customer" and row.channel is OutboxChannel.CHAT and link is not None and link.language:
        return texts.language_of(link.language)
    return texts.language_of(customer.language) if row.audience == "customer" and customer is not None else "fr"


def content(  # noqa: PLR0911 - one line a card
    session: Session, row: OutboxRow, *, house: House, at: datetime
) -> Content:
    """The text and buttons of a row, with the data of this instant."""
    thing = thing_of(session, row.subject)
    match row.template:
        case "order_card":
            return cards.order_card(session, thing, house=house, at=at)
        case "order_recap":
            return recaps.recap_card(session, thing, house=house, at=at, language=language_of(row, thing))
        case "quote_card":
            return cards.quote_card(thing, at=at)
        case "quarantine_card":
            return cards.quarantine_card(session, thing)
        case "revision_card":
            return changes.revision_card(session, thing, house=house, at=at)
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
        "answer_by": texts.before(hours.answer_by(house, row.created_at, at=at), language, at=at),
        "answer_day": hours.accounting_by(row.created_at),
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
            "name": line.article.name, "quantity": line.quantity, "ordered": line.order_line.quantity,
            "unit": cards.plural(line.article.unit, line.quantity),
            "instead": line.order_line.article.name if line.substitute and line.order_line.article else "",
            "counted": cards.parcelled(line.order_line, line.quantity, language),
            "left": left.get(line.order_line_id, Decimal(0)), "reserves": line.reserves,
            "position": line.order_line.position,
        }
        for line in delivery.lines
        if line.article is not None
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
    buttons = [
        [Press("verify_delivery", args)], [Press("report_reserve", args)],
        [Press("sign_receipt", args), Press("refuse_delivery", args)],
        [Press("cancel_backorder", args)] if left else [],
    ]  # fmt: skip
    return {"delivery": delivery, "order": delivery.order, "lines": lines}, buttons


def _verified(session: Session, delivery: Delivery, row: OutboxRow, house: House, at: datetime, language: str) -> Made:
    given, _ = _delivered(session, delivery, row, house, at, language)
    said_at = delivery.stated_at or delivery.verified_at or at
    return {**given, "said_at": said_at}, delivery_letters.after_receipt(delivery, row, language)


def _unanswered(
    session: Session, delivery: Delivery, row: OutboxRow, house: House, at: datetime, language: str
) -> Made:  # fmt: skip
    given, _ = _delivered(session, delivery, row, house, at, language)
    more, rows = delivery_letters.silent(delivery, row.template, at)
    others = delivery_letters.unanswered(session, row)
    rows += [[Press("verify_delivery", {"delivery": one.id}, {"reference": one.reference}, "verify_named"),
              Press("report_reserve", {"delivery": one.id}, label_key="report_short")] for one in others]  # fmt: skip
    return {**given, **more, "others": others}, rows


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


def _override(
    session: Session, wish: OverrideRequest, _row: OutboxRow, house: House, at: datetime, _language: str
) -> Made:
    order = wish.order
    account = facts.gather(session, order, house=house, at=at).account
    open_now, _ = clearances.blockers(session, order, house=house, at=at)
    own = clearances.shown(wish, open_now)
    asker = session.get(Staff, wish.requested_by_id)
    given = {
        "wish": wish, **cards.order_context(order), "exposure": account.exposure, "limit": account.credit_limit,
        "overdue": account.overdue, "asker": asker.name if asker is not None else "",
        "findings": [texts.finding_text(finding) for finding in own],
    }  # fmt: skip
    args, account_of = {"request": wish.id}, Press("show_account", {"customer": order.customer_id})
    priced = any(finding.code == "price_differs" for finding in own)
    grant = Press("grant_override", args, label_key="grant_price" if priced else "")
    refuse, receivables = Press("refuse_override", args), wish.role is Role.ACCOUNTING
    return given, [
        [grant], [refuse, *([account_of] if receivables else [])], [Press("show_exposure")] if receivables else [],
    ]  # fmt: skip


def _payment(session: Session, payment: Payment, row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    number = str(row.arguments.get("settles", ""))
    left = None
    if number:
        left = payments.amount_due(session, payments.document_by_number(session, payment.customer, number))
    settled = banking.paid_parts(session, payment) if not number else []
    return {"payment": payment, "number": number, "left": left, "settled": settled}, []


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


def _statement(session: Session, _customer: Customer, row: OutboxRow, _house: House, _at: datetime, _lang: str) -> Made:
    paper = session.get_one(Paper, row.paper_id)
    about = {"customer": paper.customer_id, "paper": paper.id}
    buttons = [[Press("send_statement", about)]] if row.template == "statement_ready" else []
    return {"number": paper.number, "statement": paper.document.statement}, buttons


def _quote(_session: Session, quote: Quote, row: OutboxRow, _house: House, _at: datetime, language: str) -> Made:
    given = {
        "quote": quote, "lines": [cards.line_view(line, language) for line in quote.lines], "net": quote.net,
        "saved": cards.saved(quote.lines), "off_order": quote.discount_percent,
    }  # fmt: skip
    about = {"quote": quote.id}
    match row.template:
        case "quote_sent":
            return given, [[Press("accept_quote", about)], [Press("decline_quote", about), Press("human")]]
        case "quote_late":
            return given, [[Press("take_up_quote", about)], [Press("revise_quote", about)]]
        case "quote_declined":
            return given, [[Press("revise_quote", about)]]
    return given, []


def _order(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, _language: str) -> Made:
    found = registration.examine(session, order, house=house, at=at)
    blocking = [f for f in found if f.blocks and f.service is Service.ACCOUNTING]
    colleague = session.get(Staff, order.confirmed_by_id) if order.confirmed_by_id is not None else None
    wish = session.get(OverrideRequest, int(str(row.arguments.get("request", 0))))
    buttons = [
        [Press("my_order", {"order": order.id}, label_key="show_detail"), Press("edit_line", label_key="ask_change")]
    ] if row.template == "order_confirmed" else []  # fmt: skip
    return {
        "blocking": blocking, "confirmed_by": colleague.name if colleague is not None else "",
        "answer": wish.answer if wish is not None else "",
    }, buttons  # fmt: skip


def _released(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, language: str) -> Made:
    given, _ = _order(session, order, row, house, at, language)
    found = registration.examine(session, order, house=house, at=at)
    clean = order.state is OrderState.DRAFT and not any(f.blocks for f in found)
    return given, [[Press("confirm")]] if clean else [[Press("show_order")]]


def _asked(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, _language: str) -> Made:
    told, now = row.arguments, releases.demand(session, order, house=house, at=at)
    if now is not None:  # what frees the order at this instant, whatever was asked when the row was written
        parts = [(part.document.number, part.amount) for part in now.parts]
        amount, advance = now.amount, now.advance
    else:
        parts = [(str(number), Money.of(str(amount))) for number, amount in told.get("parts", [])]
        amount, advance = Money.of(told.get("amount", "0")), Money.of(told.get("advance", "0"))
    given = {"parts": parts, "asked": amount, "advance": advance}
    return given, [[Press("record_asked")]] if row.audience == Role.ACCOUNTING else []


def _withheld(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, _language: str) -> Made:
    found = registration.withheld(session, order, house, at)
    buttons = [[Press("request_payment")], [Press("show_exposure")]]
    if row.audience == Role.ACCOUNTING:
        buttons.insert(0, [Press("release_delivery")])
    return {"findings": [texts.finding_text(finding) for finding in found]}, buttons


def _message(_session: Session, message: Any, row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    extract = str(getattr(message, "extract", ""))
    said = " ".join(extract.split())[: cards.EXTRACT]
    given = {"extract": said, "reason": str(getattr(message, "reason", ""))}
    return given, [[Press("specify"), Press("human")]] if row.template == "message_kept" else []


def _backorder(session: Session, order: Order, _row: OutboxRow, _house: House, _at: datetime, language: str) -> Made:
    left = deliveries.remaining_quantities(session, order)
    lines = [cards.parcelled(line, left[line.id], language) + " \u00b7 " + line.article.name
             for line in order.kept_lines if line.id in left and line.article is not None]  # fmt: skip
    return {"left": lines}, [[Press("prepare_rest")]]


def _oversold(session: Session, level: StockLevel, _row: OutboxRow, _house: House, _at: datetime, _lang: str) -> Made:
    shelf = stock.shelves(session, [level.article_id])[level.article_id]
    lines = select(Order, Reservation.quantity).join(OrderLine, OrderLine.order_id == Order.id).join(Reservation)
    promised = session.execute(lines.where(Reservation.article_id == level.article_id).order_by(Order.id)).all()
    article = session.get_one(Article, level.article_id)
    return {"article": article, "shelf": shelf, "promised": promised}, []


def _preparation_held(
    session: Session, order: Order, _row: OutboxRow, _house: House, at: datetime, _language: str
) -> Made:
    missing = deposits.held_back(session, order, DepositStage.PREPARATION, at=at)
    ask = "request_deposit" if deposits.to_invoice(session, order) else "request_override"
    return {"missing": missing}, [[Press(ask)], [Press("show_order")]]


def _deposit_grew(session: Session, order: Order, _row: OutboxRow, _house: House, at: datetime, _language: str) -> Made:
    invoiced = total(d.gross - payments.credited(session, d) for d in invoices.deposits_of(session, order))
    due, holding = deposits.due(order), deposits.holding(session, order, at=at)
    given = {
        "due": due,
        "missing": due - invoiced,
        "holding": [texts.table("findings", "fr")[c]["short"] for c in holding],
    }
    ask = [Press("request_deposit")] if deposits.to_invoice(session, order) else []
    return given, [ask, [Press("show_order")]]


def _deposit_to_credit(
    session: Session, order: Order, _row: OutboxRow, _house: House, _at: datetime, _language: str
) -> Made:
    left = invoices.uncredited_deposits(session, order)
    rows = [{"number": d.number, "left": left, "paid": payments.allocated(session, d)} for d, left in left]
    return {"deposits": rows}, [[Press("credit_deposit")]] if rows else []


def _auto_stopped(
    _session: Session, _customer: Customer, row: OutboxRow, _house: House, _at: datetime, _language: str
) -> Made:
    return {"why": texts.word(f"auto_{row.arguments.get('reason', '')}")}, []


def _draft_changed(
    _session: Session, order: Order, _row: OutboxRow, _house: House, _at: datetime, language: str
) -> Made:
    return changes.last_of_draft(order, language), []


def _revised(
    _session: Session, revision: OrderRevision, _row: OutboxRow, _house: House, _at: datetime, language: str
) -> Made:
    cancels = revision.kind is RevisionKind.CANCELLATION
    given = {"revision": revision, "changes": changes.differences(revision.differences, language), "cancels": cancels}
    return cards.order_context(revision.order, language) | given, []


def _clause(session: Session, order: Order, row: OutboxRow, house: House, at: datetime, _language: str) -> Made:
    clause = next(known for known in order.clauses if known.kind.value == row.arguments["clause"])
    found = registration.examine(session, order, house=house, at=at)
    mine = [f for f in found if f.data.get("clause") == clause.kind.value]
    asker = session.get(Staff, clause.asked_by_id) if clause.asked_by_id is not None else None
    args = {"clause": clause.kind.value}
    given = {
        "order": order, "sentence": texts.finding_text(mine[0]) if mine else clause.words,
        "asker": asker.name if asker is not None else "", "reason": clause.reason,
    }  # fmt: skip
    return given, [[Press("accept_clause", args)], [Press("keep_clause", args)]] if clause.settled is None else []


def _named(
    session: Session, order: Order, row: OutboxRow, house: House, at: datetime, language: str
) -> Made:  # fmt: skip
    given, rows = _order(session, order, row, house, at, language)
    terms = sale_terms.named(session, row.enclosure_sha256) if row.enclosure_sha256 is not None else None
    return {**given, "enclosed": terms.version if terms is not None else ""}, rows


def _refused(session: Session, invoice: Invoice, row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    status = session.get_one(statuses.InvoiceStatus, int(row.arguments["status"]))
    redone = invoices.internal_note(session, invoice)
    given = {
        "invoice": invoice, "status": status, "label": statuses.label(status.code), "redone": redone,
        "reason": statuses.reason_label(status.reason),
    }  # fmt: skip
    again = redone is None and invoice.kind is not DocumentKind.CREDIT_NOTE
    return given, [[Press("redo_invoice", {"invoice": invoice.id})]] if again else []


def _not_handed(_session: Session, _order: Order, row: OutboxRow, _house: House, _at: datetime, _lang: str) -> Made:
    return {"sentence": texts.refusal(Refused(str(row.arguments["code"]), **row.arguments["data"]), "fr")}, []


def _unread(_session: Session, _thing: Any, row: OutboxRow, _house: House, _at: datetime, _lang: str) -> Made:
    problems = row.arguments["problems"]
    return {"sentences": [texts.refusal(Refused(str(said["code"]), **said["data"]), "fr") for said in problems]}, []


def _terms_sent(session: Session, _order: Order, row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    terms = sale_terms.named(session, row.enclosure_sha256) if row.enclosure_sha256 is not None else None
    given = {"version": terms.version if terms is not None else ""}
    return given, [[Press("accept_terms", {"terms": terms.id})]] if terms is not None else []


def _completed(_session: Session, _order: Order, row: OutboxRow, _house: House, _at: datetime, language: str) -> Made:
    told = [
        {"about": about, "before": _point(about, before, language), "after": _point(about, after, language)}
        for about, before, after in row.arguments.get("given", [])
    ]
    return {"given": told}, [[Press("show_order")]] if row.audience != "customer" else []


def _recap(_session: Session, order: Order, _row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    return {"terms": cards.terms_named(order)}, []


def _which_quote(
    session: Session, message: Message, row: OutboxRow, _house: House, at: datetime, _language: str
) -> Made:
    told, today = row.arguments, business_date(at)
    known = [session.get_one(Quote, int(number)) for number in told.get("quotes", [])]
    found = [quote for quote in known if quote.state is QuoteState.SENT and not quote.expired(today)]
    declines = told.get("consent") == "declined"
    said = "decline_quote" if declines else "accept_quote" if row.audience == "customer" else "take_up_quote"
    buttons = [
        [Press(said, {"quote": quote.id}, {"quote": quote.reference, "amount": quote.net}, f"{said}_named")]
        for quote in found
    ]
    extract = " ".join(message.extract.split())[: cards.EXTRACT]
    return {"quotes": found, "declines": declines, "extract": extract}, buttons


def _point(about: str, said: str, language: str) -> str:
    return texts.shown(date.fromisoformat(said), language) if about == "date" and said else said


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


def _human(_session: Session, customer: Any, _row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    return {"of": customer}, [[Press("my_orders_list")]]


MAKERS: dict[str, Maker] = {
    "dispute_credit_wanted": _dispute_credit, "dispute_piece_added": _dispute_piece, "human_wanted": _human,
    "bank_entry_card": banking.made_entry, "refund_card": banking.made_refund,
    "payment_reversed": banking.made_reversal, "payment_reversed_info": banking.made_reversal,
    "refund_sent": banking.made_refund_told, "refund_refused": banking.made_refund_told,
    "invoice_refused": _refused, "handover_failed": _not_handed,
    "statuses_unread": _unread,
    "payment_asked": _asked, "payment_asked_info": _asked, "delivery_blocked": _withheld,
    "delivery_blocked_info": _withheld,
    "stock_oversold": _oversold,
    "order_recap": _recap,
    "terms_sent": _terms_sent,
    "which_quote": _which_quote, "which_quote_info": _which_quote,
    "order_completed": _completed, "order_completed_info": _completed,
    "draft_changed": _draft_changed, "order_revised": _revised, "revision_refused": _revised,
    "clause_asked": _clause,
    "backorder_ready": _backorder,
    "deposit_grew": _deposit_grew,
    "preparation_held": _preparation_held, "deposit_to_credit": _deposit_to_credit,
    "auto_confirm_stopped": _auto_stopped,
    "delivery_shipped": _delivered, "delivery_verified": _verified, "reserve_stated": _verified,
    "invoice_issued": _invoice, "deposit_issued": _invoice, "credit_note_issued": _credit_note,
    "credit_asked": _credit_asked,
    "invoice_card": _invoice_card, "reminder": _reminder, "formal_notice": _reminder, "legal_handover": _reminder,
    "legal_handover_info": _reminder, "override_requested": _override, "payment_received": _payment,
    "payment_recorded": _payment, "promise_made": _promise, "promise_info": _promise, "promise_broken": _promise,
    "dispute_opened": _dispute, "dispute_info": _dispute_info, "quote_sent": _quote, "order_confirmed": _named,
    "override_granted": _released, "override_refused": _order, "order_released": _released,
    "quote_declined": _quote, "quote_late": _quote, "quote_wanted_late": _quote,
    "quote_superseded": _quote,
    "receipt_reminded": _unanswered, "delivery_presumed": _unanswered, "reserve_decided": delivery_letters.decided,
    "delivery_refused": delivery_letters.refused, "delivery_refused_info": delivery_letters.refused,
    "substitute_proposed": delivery_letters.proposed, "substitute_asked": delivery_letters.proposed,
    **dict.fromkeys(
        (
            "return_noted", "return_requested", "return_agreed", "return_expected", "return_refused",
            "return_received", "return_received_info",
        ),
        delivery_letters.came_back,
    ),
    "statement_issued": _statement, "statement_ready": _statement,
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

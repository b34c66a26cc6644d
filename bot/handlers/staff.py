"""What accounting, the warehouse and legal do by buttons, answers and commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from bot import texts
from bot.cards import Content
from core import (
    clearances,
    deliveries,
    events,
    invoices,
    means,
    orders,
    overrides,
    payments,
    registration,
    reminders,
)
from core.clock import PARIS, business_date
from core.deliveries import Delivery
from core.errors import Refused
from core.invoices import Invoice
from core.means import PaymentMeans
from core.money import ZERO, Money
from core.orders import revisions
from core.overrides import OverrideRequest
from core.parties import Customer
from core.payments import OpenItem
from core.reminders import Reminder
from intake.reading.words import plain

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]
#: An amount: thousands apart by a space or a point, at most two decimals after a comma or a point.
AMOUNT = re.compile(r"(?<![\d.,])-?(?:\d{1,3}(?:[ .\u00a0\u202f]\d{3})+|\d+)(?:[.,]\d{1,2})?(?![\d]|[.,]\d)")


def grant_override(turn: Turn, args: Args, _wish: OverrideRequest) -> None:
    """Why? The reason is kept in the journal."""
    turn.ask("grant_reason", "why_grant", request=args["request"], chat=turn.chat_id, asked=turn.message_id)


def grant_reason(turn: Turn, args: Args, text: str) -> None:
    """Let the order through, this once."""
    wish = turn.session.get_one(OverrideRequest, args["request"])
    order = orders.lock(turn.session, wish.order_id)
    given = terms(text, today=business_date(turn.at))
    granted = clearances.grant(
        turn.session, wish, house=turn.house, reason=given.reason, cap=given.cap, expires_at=given.expires_at,
        by=turn.by, at=turn.at, watch=given.watch,
    )  # fmt: skip
    registration.prepare_held(turn.session, order, house=turn.house, at=turn.at)
    if (revision := revisions.open_of(turn.session, order)) is not None:
        events.emit(turn.session, "revision_decided", revision, at=turn.at)
    turn.say("granted", reference=order.reference)
    _decided(turn, args, wish, granted)


def _decided(turn: Turn, args: Args, wish: OverrideRequest, granted: clearances.Granted) -> None:
    """The request that was answered says so, in its own place, and offers nothing any more."""
    by = turn.link.staff.name if turn.link.staff is not None else ""
    html = texts.render(
        "override_decided", order=wish.order, customer=wish.order.customer, by=by, at=turn.at, cap=granted.cap,
        expires=granted.expires_at, remind=granted.remind_on, reason=wish.answer,
    )  # fmt: skip
    bot, chat_id, message_id = turn.app.application.bot, args.get("chat"), args.get("asked")
    if chat_id and message_id:
        turn.later.append(
            lambda: bot.edit_message_text(html, chat_id=chat_id, message_id=message_id, parse_mode="HTML")
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """Why an order is let through, up to what gross amount and until when, and the day the reason itself names."""

    reason: str
    cap: Money | None = None
    expires_at: datetime | None = None
    watch: date | None = None


def terms(said: str, *, today: date) -> Terms:
    """The reason without its amount and its day; a day without a year is the next one, and counts to its end."""
    words = texts.table("menus", "fr")["words"]
    cap, until, reason = None, None, said
    if (found := re.search(words["cap"], reason, re.IGNORECASE)) is not None:
        cap, reason = amount(found["amount"], ZERO), reason.replace(found[0], " ")
    if (found := re.search(words["expiry"], reason, re.IGNORECASE)) is not None:
        reason = reason.replace(found[0], " ")
        until = datetime.combine(_day(found, today) + timedelta(days=1), time(), PARIS)
    named = re.search(words["day_named"], reason)
    watch = _day(named, today) if named is not None else None
    return Terms(" ".join(reason.split()), cap, until, watch)


def _day(found: re.Match[str], today: date) -> date:
    """The day that was typed; without its year it is the next one."""
    day, month, year = int(found["day"]), int(found["month"]), found["year"]
    try:
        named = date(int(year) if year else today.year, month, day)
        return named.replace(year=today.year + 1) if not year and named < today else named
    except ValueError as error:
        raise Refused("date_not_understood") from error


def refuse_override(turn: Turn, args: Args, _wish: OverrideRequest) -> None:
    """Why not? The next text."""
    turn.ask("refuse_reason", "why_refuse", request=args["request"])


def refuse_reason(turn: Turn, args: Args, text: str) -> None:
    """Say no; the asker is told."""
    wish = turn.session.get_one(OverrideRequest, args["request"])
    overrides.refuse(turn.session, wish, reason=text, by=turn.by, at=turn.at)


def show_account(turn: Turn, args: Args, customer: Customer | None) -> None:
    """What the customer owes, document by document."""
    whose = customer or turn.session.get_one(Customer, args["customer"])
    today = business_date(turn.at)
    rows = [(r, r.days_late(today)) for r in payments.receivables(turn.session, whose)]
    total = sum((r.due for r, _ in rows), ZERO)
    html = texts.render("account", customer=whose, rows=rows, total=total, limit=whose.credit_limit)
    turn.send(Content(html))


def call_customer(turn: Turn, args: Args, customer: Customer | None) -> None:
    """His people and their numbers."""
    whose = customer or turn.session.get_one(Customer, args["customer"])
    numbers = [f"{one.name} {one.phone}".strip() for one in whose.contacts if one.phone]
    turn.say("call_numbers" if numbers else "call_nobody", customer=whose.name, numbers=tuple(numbers))


def record_payment(turn: Turn, args: Args, _thing: Any) -> None:
    """How much? The next text: an amount, or all."""
    turn.ask("payment_amount", "how_much", number=args["number"])


def payment_amount(turn: Turn, args: Args, text: str) -> None:
    """Record it on that document."""
    settle(turn, args["number"], text)


def settle(turn: Turn, document: str, said: str) -> None:
    """Record a payment on a document: the amount typed, or all that is due when the words say so, by what they name."""
    owed = _owed(turn, document)
    received, by_what = money(said, payments.amount_due(turn.session, owed))
    payments.record(
        turn.session, owed.customer, received, received_on=business_date(turn.at), by=turn.by, at=turn.at,
        house=turn.house, settles=owed, means=by_what,
    )  # fmt: skip


def money(said: str, due: Money) -> tuple[Money, PaymentMeans]:
    """What came in and how; a transfer where the words name no means."""
    by_what, rest = means.told(said)
    return amount(rest, due), by_what or PaymentMeans.TRANSFER


def _owed(turn: Turn, document: str) -> Invoice | OpenItem:
    """Our invoice of that number, else the one open item that was imported with it."""
    wanted = document.strip().upper()
    items = select(OpenItem).where(func.upper(OpenItem.number) == wanted, OpenItem.closed_on.is_(None))
    known = list(turn.session.scalars(items))
    if len(known) == 1:
        return known[0]
    return invoices.by_number(turn.session, wanted)


def amount(said: str, due: Money) -> Money:
    """The one amount in the words; refuses words that name none or several, for nothing is guessed about money."""
    if plain(said).strip(" .!") in texts.table("menus", "fr")["words"]["all"]:
        return due
    found = [match[0] for match in AMOUNT.finditer(said)]
    if len(found) != 1:
        raise Refused("amount_not_read")
    whole, mark, cents = re.sub(r"\s", "", found[0]), "", ""
    if split := re.fullmatch(r"(.*)[.,](\d{1,2})", whole):
        whole, mark, cents = split[1], ".", split[2]
    return Money.of(re.sub(r"[.,]", "", whole) + mark + cents)


def set_prepared(turn: Turn, args: Args, delivery: Delivery) -> None:
    """How many were prepared? The next text."""
    turn.ask("prepared", "how_many_prepared", delivery=delivery.id, position=args["position"])


def ship(turn: Turn, _args: Args, delivery: Delivery) -> None:
    """What was prepared leaves, with its note; what accounting withholds stays, and that is told."""
    from bot.handlers import credit

    try:
        with turn.session.begin_nested():
            deliveries.ship(turn.session, delivery, house=turn.house, by=turn.by, at=turn.at)
    except Refused as refusal:
        if refusal.code != "delivery_blocked":
            raise
        credit.refuse_shipment(turn, delivery.order, refusal)
        return
    turn.toast = texts.answer("shipped", reference=delivery.reference)


def approve_notice(turn: Turn, _args: Args, reminder: Reminder) -> None:
    """Legal's yes: the formal notice leaves."""
    paper = reminders.approve_formal_notice(turn.session, reminder, house=turn.house, by=turn.by, at=turn.at)
    turn.say("notice_approved", number=paper.number)


def drop_notice(turn: Turn, _args: Args, reminder: Reminder) -> None:
    """Why not? The next text."""
    turn.ask("drop_reason", "why_drop", reminder=reminder.id)


def drop_reason(turn: Turn, args: Args, text: str) -> None:
    """Nothing is sent."""
    reminder = turn.session.get_one(Reminder, args["reminder"])
    reminders.drop(turn.session, reminder, reason=text, by=turn.by, at=turn.at)
    turn.say("notice_dropped")


ACTIONS: dict[str, tuple[str, Any]] = {
    "grant_override": ("request", grant_override),
    "refuse_override": ("request", refuse_override),
    "show_account": ("customer", show_account),
    "call_customer": ("customer", call_customer),
    "record_payment": ("", record_payment),
    "set_prepared": ("delivery", set_prepared),
    "ship": ("delivery", ship),
    "approve_notice": ("reminder", approve_notice),
    "drop_notice": ("reminder", drop_notice),
}
ANSWERS: dict[str, Any] = {
    "grant_reason": grant_reason,
    "refuse_reason": refuse_reason,
    "payment_amount": payment_amount,
    "drop_reason": drop_reason,
}
#: The permission that an answer needs, which is that of the button that asked.
ASKED_BY: dict[str, str] = {
    "order_number": "ask_number", "order_date": "ask_date", "clause_reason": "accept_clause",
    "acceptance_proof": "note_acceptance",
    "correction": "edit_line", "line_price": "ask_line_price", "order_whose": "take_order_whom",
    "reserve": "reserve_kind", "promise_day": "ask_promise", "dispute_text": "dispute",
    "search_words": "search_article", "customer_words": "search_customer",
    "quantity": "ask_quantity", "override_reason": "request_override",
    "ignore_reason": "ignore_message", "grant_reason": "grant_override", "refuse_reason": "refuse_override",
    "price_reason": "accept_price", "given_price": "ask_price",
    "refuse_revision_reason": "refuse_revision", "cancel_reason": "cancel_confirmed",
    "payment_amount": "record_payment", "prepared": "set_prepared", "drop_reason": "drop_notice",
    "asked_amount": "record_asked", "release_reason": "release_delivery",
    "quote_words": "search_quote_article", "quote_quantity": "ask_quote_quantity", "validity_day": "ask_validity",
    "decline_reason": "decline_quote", "credit_text": "ask_credit",
    "batches": "ask_batches", "substitute_sku": "search_substitute", "price_of_substitute": "substitute_price",
    "parcels": "ask_parcels", "reserve_photo": "add_photo", "signature": "sign_receipt",
    "refusal_reason": "refuse_delivery", "refuse_reserve": "decide_refuse", "return_words": "return_line",
    "refuse_return_reason": "refuse_return", "return_counts": "count_return",
    "entry_whose": "entry_customer", "refund_reason": "refuse_refund",
    "dispute_outcome": "settle_dispute", "apart_counts": "part_apart",
    "group_customer_words": "group_customer", "colleague_name": "hire", "command_words": "run_command",
    "dispute_piece": "add_piece", "promise_amount": "promise_part",
}  # fmt: skip

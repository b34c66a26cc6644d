"""What a customer does by buttons and answers: his recap, his deliveries, his invoices, a person to talk to."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

from segno import helpers

from bot import texts
from bot.cards import Content
from bot.handlers import drafts
from bot.handlers.staff import amount
from bot.keyboards import Press
from core import conversations, deliveries, events, hours, orders, payments, reminders
from core.clock import business_date, next_business_day
from core.deliveries import Delivery, ReserveKind
from core.errors import Refused
from core.invoices import Invoice
from core.money import ZERO, Money
from core.orders import Order, OrderState
from core.payments import OpenItem
from intake.reading import dates

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def document(turn: Turn, number: str) -> Invoice | OpenItem:
    """The customer's own invoice or open item of that number."""
    assert turn.link.customer is not None  # noqa: S101 - only customers ask
    return payments.document_by_number(turn.session, turn.link.customer, number)


def accept_recap(turn: Turn, args: Args, order: Order) -> None:
    """The customer's yes to the version he saw."""
    orders.accept_recap(turn.session, order, by=turn.by, at=turn.at, version=args["version"])
    turn.toast = texts.answer("recap_accepted", turn.language)


def correct(turn: Turn, _args: Args, order: Order) -> None:
    """Lines and dates are corrected in free words: the next text is about this draft."""
    turn.ask("correction", "write_correction", order=order.id)


def correction(turn: Turn, args: Args, text: str) -> bool:
    """The draft becomes what the words say; False when they change nothing in it, and are read as any other words."""
    order = orders.lock(turn.session, args["order"])
    if order.customer_id != turn.link.customer_id:
        return False
    if order.state is not OrderState.CONFIRMED:
        return drafts.change(turn, order, text)
    proposed = drafts.revise(turn, order, text)
    if proposed:
        turn.say("change_asked", reference=order.reference)
    return proposed


def cancel_order(turn: Turn, _args: Args, order: Order) -> None:
    """A second press with the consequence in its label (rule 6)."""
    label = {"reference": order.reference}
    rows = [[Press("confirm_cancel", label_data=label)], [Press("no_cancel")]]
    html = texts.escape(texts.answer("really_cancel", turn.language, reference=order.reference))
    turn.send(Content(html, rows, order, turn.language))


def verify_delivery(turn: Turn, _args: Args, delivery: Delivery) -> None:
    """All received: the customer's word, and the invoice follows."""
    pressed = deliveries.Signature(via=f"chat:{turn.chat_id}:{turn.update_id}")
    deliveries.verify(turn.session, delivery, house=turn.house, by=turn.by, at=turn.at, signature=pressed)
    turn.toast = texts.answer("receipt_noted", turn.language)


def report_reserve(turn: Turn, _args: Args, delivery: Delivery) -> None:
    """Ask which line."""
    rows = [
        [
            Press(
                "reserve_line",
                {"delivery": delivery.id, "position": line.order_line.position},
                {"name": line.article.name},
            )
        ]
        for line in delivery.lines
        if line.article is not None
    ]
    turn.send(Content(texts.escape(texts.answer("which_line", turn.language)), rows, language=turn.language))


def reserve_line(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """Ask what is wrong with it."""
    about = {"delivery": args["delivery"], "position": args["position"]}
    rows = [
        [Press("reserve_kind", {**about, "kind": kind.value}, {"kind": texts.word(kind.value, turn.language)})]
        for kind in ReserveKind
    ]
    turn.send(Content(texts.escape(texts.answer("what_is_wrong", turn.language)), rows, language=turn.language))


def reserve_kind(turn: Turn, args: Args, _delivery: Delivery) -> None:
    """How many, and what happened: the next text."""
    turn.ask("reserve", "how_many_wrong", **{name: args[name] for name in ("delivery", "position", "kind")})


def pay_info(turn: Turn, args: Args, _document: Any) -> None:
    """The transfer's data, ready to copy; the document's own number is the reference. What else he may say is below."""
    owed = document(turn, args["number"])
    due, about = payments.amount_due(turn.session, owed), {"number": owed.number}
    given = {"house": turn.house, "due": due, "number": owed.number, "plain_amount": str(due)}
    rows = [
        [Press("claim_paid", about, label_key="have_paid")],
        [Press("ask_promise", about), Press("dispute", about)],
    ]  # fmt: skip
    html = texts.render("pay_info", turn.language, **given)
    turn.send(Content(html, rows if due else [[Press("human")]], language=turn.language))
    if turn.house.iban and due:
        name, iban, bic = turn.house.name[:70], turn.house.iban, turn.house.bic or None
        code = helpers.make_epc_qr(name=name, iban=iban, amount=due.amount, text=owed.number, bic=bic)
        picture = BytesIO()
        code.save(picture, kind="png", scale=8)
        turn.picture(picture.getvalue(), "qr_under", number=owed.number)


def claim_paid(turn: Turn, args: Args, _document: Any) -> None:
    """The customer says that he has paid: accounting looks for it."""
    owed = document(turn, args["number"])
    events.emit(turn.session, "payment_claimed", owed, at=turn.at, number=owed.number)
    turn.say("claim_noted", number=owed.number, day=hours.accounting_by(turn.at))


def ask_promise(turn: Turn, args: Args, _document: Any) -> None:
    """Two days to choose from, or another one in words; all that is due, or a part of it."""
    owed = document(turn, args["number"])
    due = payments.amount_due(turn.session, owed)
    if not due:
        raise Refused("promise_not_possible", number=owed.number, due=due)
    about = {name: args[name] for name in ("number", "amount") if args.get(name)}
    today = business_date(turn.at)
    days = [next_business_day(today + timedelta(days=(4 - today.weekday()) % 7 + week)) for week in (7, 14)]
    chosen = [
        Press("make_promise", about | {"day": day.isoformat()}, {"day": texts.day(day, turn.language)}) for day in days
    ]
    part = [] if "amount" in about else [Press("promise_part", about)]
    rows = [chosen, [Press("other_date", about), *part]]
    promised = Money.of(about["amount"]) if "amount" in about else due
    said = texts.answer("when_pay", turn.language, amount=promised, number=owed.number)
    turn.send(Content(texts.escape(said), rows, language=turn.language))
    turn.expect("promise_day", **about)


def promise_part(turn: Turn, args: Args, _document: Any) -> None:
    """How much of it? The next text."""
    turn.ask("promise_amount", "which_part", number=args["number"])


def promise_amount(turn: Turn, args: Args, text: str) -> bool:
    """The part was written; the day is asked next. False when the words are an order."""
    if drafts.reading(turn, text).lines:
        return False
    owed = document(turn, args["number"])
    due = payments.amount_due(turn.session, owed)
    part = amount(text, due)
    if not ZERO < part <= due:
        raise Refused("promise_not_possible", number=owed.number, due=due)
    ask_promise(turn, args | {"amount": str(part)}, owed)
    return True


def make_promise(turn: Turn, args: Args, _document: Any) -> None:
    """The day was chosen by button: nobody waits for a written one any more."""
    conversations.answered(turn.session, chat_id=turn.chat_id, at=turn.at)
    _promise(turn, args, args["day"])


def other_date(turn: Turn, args: Args, _document: Any) -> None:
    """The day will be written."""
    turn.ask("promise_day", "or_write_day", **{name: args[name] for name in ("number", "amount") if args.get(name)})


def promise_day(turn: Turn, args: Args, text: str) -> bool:
    """The day was written; False when the words are an order."""
    if drafts.reading(turn, text).lines:
        return False
    day = dates.wanted(text, today=business_date(turn.at))
    if day is None:
        raise Refused("date_not_understood")
    _promise(turn, args, day.isoformat())
    return True


def _promise(turn: Turn, args: Args, day: str) -> None:
    assert turn.link.customer is not None  # noqa: S101 - the table of access lets only customers here
    part = Money.of(args["amount"]) if args.get("amount") else None
    reminders.promise(
        turn.session, turn.link.customer, args["number"], day=date.fromisoformat(day), by=turn.by, at=turn.at,
        amount=part,
    )  # fmt: skip


def human(turn: Turn, _args: Args, _thing: Any) -> None:
    """A person is wanted: sales hears of it."""
    assert turn.link.customer is not None  # noqa: S101
    events.emit(turn.session, "human_wanted", turn.link.customer, at=turn.at)


ACTIONS: dict[str, tuple[str, Any]] = {
    "accept_recap": ("order", accept_recap),
    "edit_line": ("order", correct),
    "change_date": ("order", correct),
    "cancel_order": ("order", cancel_order),
    "verify_delivery": ("delivery", verify_delivery),
    "report_reserve": ("delivery", report_reserve),
    "reserve_line": ("delivery", reserve_line),
    "reserve_kind": ("delivery", reserve_kind),
    "pay_info": ("document", pay_info),
    "claim_paid": ("document", claim_paid),
    "ask_promise": ("document", ask_promise),
    "make_promise": ("document", make_promise),
    "other_date": ("document", other_date),
    "promise_part": ("document", promise_part),
    "human": ("", human),
}
ANSWERS: dict[str, Any] = {
    "correction": correction,
    "promise_day": promise_day,
    "promise_amount": promise_amount,
}

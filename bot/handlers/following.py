"""How a customer follows what he ordered: his orders, one of them with its papers, and a number he types."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from bot import cards, texts
from bot.cards import Content
from bot.keyboards import Press
from core import deliveries, events, hours, messages, orders, payments
from core.calendars import rule_of
from core.catalogue import article_by_sku
from core.clock import business_date
from core.deliveries import Delivery, DeliveryState
from core.documents import DocumentKind
from core.errors import Refused
from core.invoices import Invoice
from core.money import total
from core.orders import Order, OrderState
from core.papers import Paper
from intake.understand import joins
from intake.understand.drafts import counted_by

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bot.turns import Turn

Args = dict[str, Any]
SHOWN, DETAILED, SENT = 6, 30, 6
#: The papers of an order that its customer holds.
GIVEN = (
    DocumentKind.ORDER_CONFIRMATION, DocumentKind.DELIVERY_NOTE, DocumentKind.INVOICE, DocumentKind.DEPOSIT_INVOICE,
    DocumentKind.CREDIT_NOTE,
)  # fmt: skip
#: A number alone may be a quantity; from this many figures on, or with a leading zero, it names something.
NAMING = re.compile(r"(?=\S*\d)[\w./-]{3,40}")


def stage_of(session: Session, order: Order) -> str:
    """How far an order has come, as its customer is told: from `draft` to `invoiced`; a word of `words.toml`."""
    if order.state is OrderState.DRAFT:
        return "step_sent" if order.recap_accepted_at is not None else "step_to_confirm"
    if order.state is OrderState.CANCELLED:
        return "step_cancelled"
    made = [one for one in deliveries.of_order(session, order) if one.state is not DeliveryState.CANCELLED]
    gone = [one for one in made if one.state is not DeliveryState.PREPARING]
    if not gone:
        return "step_preparing" if made else "step_confirmed"
    if any(one.state is DeliveryState.SHIPPED for one in gone):
        return "step_shipped"
    return "step_partly" if deliveries.remaining_quantities(session, order) else "step_delivered"


def my_orders(turn: Turn, _rest: str) -> None:
    """The last orders, how far each has come, and a button to look into it."""
    query = select(Order).where(Order.customer_id == turn.link.customer_id, Order.customer_clue == "")
    found = list(turn.session.scalars(query.order_by(Order.id.desc()).limit(SHOWN)))
    rows = [
        {
            "reference": order.reference, "stage": texts.word(stage_of(turn.session, order), turn.language),
            "net": order.totals.net, "when": order.requested_delivery_date, "theirs": order.customer_reference,
        }
        for order in found
    ]  # fmt: skip
    buttons = [Press("my_order", {"order": order.id}, {"reference": order.reference}) for order in found]
    pairs = [buttons[index : index + 2] for index in range(0, len(buttons), 2)]
    turn.send(Content(texts.render("my_orders", turn.language, rows=rows), pairs, language=turn.language))


def my_documents(turn: Turn, _rest: str) -> None:
    """What is to be paid, the oldest first, each with its button; a statement of account."""
    assert turn.link.customer is not None  # noqa: S101 - the table of access lets only customers here
    today = business_date(turn.at)
    owed = payments.receivables(turn.session, turn.link.customer)
    rows = [(one, one.days_late(today)) for one in owed[:SHOWN]]
    given = {
        "rows": rows, "more": len(owed) - len(rows), "total": total(one.due for one in owed),
        "day": hours.accounting_by(turn.at),
    }  # fmt: skip
    pay = [[Press("pay_info", {"number": one.number}, {"number": one.number}, "pay_number")] for one in owed[:SHOWN]]
    buttons = [*pay, [Press("my_statement"), Press("human")]]
    turn.send(Content(texts.render("my_documents", turn.language, **given), buttons, language=turn.language))


def my_order(turn: Turn, _args: Args, order: Order) -> None:
    """One order: its lines, how far it has come, its papers, what happens next."""
    show(turn, order)


def show(turn: Turn, order: Order) -> None:
    """The order with its papers, as a message of its own."""
    session = turn.session
    made = [one for one in deliveries.of_order(session, order) if one.state is not DeliveryState.CANCELLED]
    gone = [one for one in made if one.state is not DeliveryState.PREPARING]
    invoiced = list(session.scalars(select(Invoice).where(Invoice.order_id == order.id, Invoice.internal.is_(False))))
    given = {
        **cards.order_context(order, turn.language), "stage": stage_of(session, order), "deliveries": gone,
        "invoices": invoiced, "answer_by": turn.answered_by, "left": deliveries.remaining_quantities(session, order),
    }  # fmt: skip
    about = {"order": order.id}
    rows = [[Press("my_papers", about)] if _papers(turn, order) else [], *_next(order, gone), [Press("human")]]
    turn.send(Content(texts.render("my_order", turn.language, **given), rows, order, turn.language))


def _next(order: Order, gone: list[Delivery]) -> list[list[Press]]:
    if order.state is OrderState.DRAFT and order.recap_accepted_at is None:
        whole = bool(order.kept_lines) and all(line.complete for line in order.kept_lines)
        return [[Press("accept_recap")] if whole else [], [Press("edit_line"), Press("cancel_order")]]
    waiting = [one for one in gone if one.state is DeliveryState.SHIPPED]
    rows = [[Press("verify_delivery", {"delivery": one.id}), Press("report_reserve", {"delivery": one.id})]
            for one in waiting[:1]]  # fmt: skip
    changeable = order.state in {OrderState.DRAFT, OrderState.CONFIRMED}
    return [*rows, [Press("edit_line", label_key="ask_change")] if changeable else []]


def _papers(turn: Turn, order: Order) -> list[Paper]:
    """The papers of the order that the customer was given, oldest first; what may still be taken back is none yet."""
    internal = select(Invoice.id).where(Invoice.paper_id == Paper.id, Invoice.internal).exists()
    query = select(Paper).where(
        Paper.order_id == order.id, Paper.customer_id == order.customer_id, Paper.pdf_sha256.is_not(None),
        Paper.kind.in_(GIVEN), Paper.issued_at <= turn.at - timedelta(seconds=turn.house.undo_seconds), ~internal,
    )  # fmt: skip
    return list(turn.session.scalars(query.order_by(Paper.id)))


def my_papers(turn: Turn, _args: Args, order: Order) -> None:
    """The papers of the order once more, as they were stored."""
    bot, chat_id = turn.app.application.bot, turn.chat_id
    found = _papers(turn, order)[-SENT:]
    for paper in found:
        assert paper.pdf_sha256 is not None  # noqa: S101 - asked for
        content = BytesIO(messages.content_of(turn.session, paper.pdf_sha256))
        turn.later.append(partial(bot.send_document, chat_id, content, filename=paper.file_name))
    turn.toast = texts.answer("papers_sent", turn.language, count=len(found))


def show_all_lines(turn: Turn, _args: Args, order: Order) -> None:
    """Every line of the order, where the card has room for some only."""
    given = cards.order_context(order, turn.language)
    turn.send(Content(texts.render("my_lines", turn.language, **given), language=turn.language))


def this_article(turn: Turn, args: Args, order: Order) -> None:
    """The customer says which of several articles he means."""
    article = article_by_sku(turn.session, str(args["sku"]))
    line = orders.line_at(order, int(args["position"]))
    count = counted_by(line)[1]
    orders.set_article(turn.session, order, line.position, article, by=turn.by, at=turn.at)
    anew = joins.counted_anew(turn.session, order, line, joins.Correction(count)) if count is not None else None
    if anew is not None and anew.quantity is not None and anew.quantity != line.quantity:  # « 2 cartons » of this one
        orders.set_quantity(turn.session, order, line.position, anew.quantity, by=turn.by, at=turn.at)
        line.packaging, line.packaging_count = anew.packaging, anew.packaging_count
    turn.toast = texts.answer("article_taken", turn.language, name=article.name)


def take_day(turn: Turn, args: Args, order: Order) -> None:
    """The first day that is still possible; a later one where that has passed meanwhile."""
    rule = rule_of(order.customer)
    day = max(date.fromisoformat(str(args["day"])), rule.next_day(rule.first_day(turn.at)))
    orders.set_delivery_date(turn.session, order, day, by=turn.by, at=turn.at)
    turn.toast = texts.answer("day_taken", turn.language, day=day)


def ask_exception(turn: Turn, _args: Args, order: Order) -> None:
    """A colleague decides whether it can be delivered all the same."""
    if order.state is not OrderState.DRAFT or order.requested_delivery_date is None:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    events.emit(turn.session, "exception_wanted", order, at=turn.at, day=order.requested_delivery_date)
    turn.say("exception_asked", day=order.requested_delivery_date, by=turn.answered_by)


def named(turn: Turn, text: str) -> bool:
    """A number of ours or of his own, typed alone, shows its order; False for any other words (U14)."""
    said = text.strip().strip("«»\"' ").removeprefix("#").upper()
    if NAMING.fullmatch(said) is None:
        return False
    found = _order_of(turn, said)
    if found is None:
        return False
    show(turn, orders.lock(turn.session, found.id))
    return True


def _order_of(turn: Turn, said: str) -> Order | None:
    """The customer's latest order that goes by that number: its own, its delivery's, its invoice's, or his own."""
    theirs = Order.customer_id == turn.link.customer_id, Order.customer_clue == ""
    query = select(Order).where(*theirs).order_by(Order.id.desc()).limit(1)
    whole = query.where((Order.reference == said) | (func.upper(Order.customer_reference) == said))
    if (found := turn.session.scalar(whole)) is not None:
        return found
    delivered = select(Delivery.order_id).where(Delivery.reference == said)
    invoiced = select(Invoice.order_id).where(Invoice.number == said)
    if (found := turn.session.scalar(query.where(Order.id.in_(delivered) | Order.id.in_(invoiced)))) is not None:
        return found
    digits = re.fullmatch(r"(?:CMD-?)?(?:(\d{4})-)?(\d{4,6})", said)
    if digits is None or (digits[2] == said and said[0] != "0" and _writing(turn)):
        return None  # in the middle of an order, a number that nothing marks is a quantity
    year = digits[1] or str(business_date(turn.at).year)
    return turn.session.scalar(query.where(Order.reference == f"CMD-{year}-{digits[2]}"))


def _writing(turn: Turn) -> bool:
    open_draft = select(Order.id).where(
        Order.customer_id == turn.link.customer_id, Order.state == OrderState.DRAFT, Order.recap_accepted_at.is_(None)
    )
    return turn.session.scalar(open_draft.limit(1)) is not None


ACTIONS: dict[str, tuple[str, Any]] = {
    act.__name__: ("order", act) for act in (my_order, my_papers, show_all_lines, this_article, take_day, ask_exception)
}
ACTIONS |= {
    "my_orders_list": ("", lambda turn, _args, _thing: my_orders(turn, "")),
    "my_documents_list": ("", lambda turn, _args, _thing: my_documents(turn, "")),
}
COMMANDS: dict[str, Any] = {"my_orders": my_orders, "my_documents": my_documents}

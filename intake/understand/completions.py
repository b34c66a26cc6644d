"""What a customer answers to our question about his purchase order: its number, its date, its buyer, its place.

Only the points that were asked are filled, and only with what can be read for certain; a person reads the rest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import automation, events, orders
from core.clock import business_date
from core.journal import Actor, ActorKind
from core.messages import MessageChannel
from core.orders import Order, OrderState, questions
from core.parties import Customer
from intake.reading import Kind, clauses, dates, references
from intake.reading.words import plain, words
from intake.understand import joins
from intake.understand.opened import answerable

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from core.messages import Message
    from intake.understand.opened import Desk, Opened

#: No more drafts of a customer than so many are looked through for the one that he was asked about.
LOOKED_AT = 20
#: The points that an answer may fill; what else was asked, a person reads.
FILLED = frozenset({"number", "date", "address", "buyer"})
_OURS = re.compile(r"\b(?:CMD|DV|FA|BL)-\d{4}-\d{3,}\b", re.IGNORECASE)
_CODE = re.compile(r"(?P<code>(?=[\w/.-]*\d)[\w][\w/.-]{2,24})")

#: For each point that was completed, what was there before and what is there now.
Given = dict[str, tuple[str, str]]


def complete(
    session: Session, message: Message, opened: Opened, customer: Customer, desk: Desk, *, answered: str | None
) -> bool:
    """Fill in what the answer says of the points that he was asked about; False when it says nothing of them."""
    reading, text = opened.reading, opened.incoming.text
    if reading.lines or opened.incoming.attachments or opened.taken_by is not None or not answerable(message):
        return False
    if reading.kind is Kind.CANCELLATION or joins.correction(text) is not None:
        return False
    order = _asked_about(session, customer, message, answered)
    if order is None:
        return False
    held = orders.lock(session, order.id)
    by, today = Actor(ActorKind.CUSTOMER, customer.id), business_date(message.received_at)
    given = _fill(session, held, text, questions.open_about(session, held), by=by, desk=desk, today=today)
    if not given:
        return False
    questions.note_answers(session, held, given, message=message.id, by=by, at=desk.at)
    if _says_more(text, given):
        message.flag(automation.PARTLY_READ)
        events.emit(session, "message_for_staff", message, at=desk.at)
    return True


def _asked_about(session: Session, customer: Customer, message: Message, answered: str | None) -> Order | None:
    """The one draft of his about which a question is open: the one whose mail he answers; in a chat the only one."""
    query = select(Order).where(Order.customer_id == customer.id, Order.state == OrderState.DRAFT)
    if message.channel is MessageChannel.MAIL:
        kind, _, number = (answered or "").partition(":")
        about = Order.id == int(number) if kind == "order" and number.isdigit() else Order.reference == (answered or "")
        query = query.where(about)
    drafts = session.scalars(query.order_by(Order.id.desc()).limit(LOOKED_AT)).all()
    asked = questions.asked_about(session, drafts)
    found = [order for order in asked if not order.customer_clue and FILLED & questions.open_about(session, order)]
    return found[0] if len(found) == 1 else None


def _fill(
    session: Session, order: Order, text: str, asked: frozenset[str], *, by: Actor, desk: Desk, today: date
) -> Given:
    given: Given = {}
    day = issued_on(text, today=today) if "date" in asked else None
    number = number_in(text) if "number" in asked else ""
    if number and len(number) <= orders.LONGEST_NUMBER:
        given["number"] = (order.customer_reference, number)
        orders.set_order_number(session, order, number, by=by, at=desk.at)
    if day is not None and day <= today:  # a day to come is when he wants it
        before = order.customer_reference_date
        given["date"] = (before.isoformat() if before is not None else "", day.isoformat())
        orders.set_order_date(session, order, day, by=by, at=desk.at)
    if "address" in asked and (place := order.customer.place_in(clauses.place(text) or text)) is not None:
        given["address"] = (order.delivery_said, ", ".join(part for part in (place.street, place.city) if part))
        orders.set_delivery_address(session, order, None if isinstance(place, Customer) else place, by=by, at=desk.at)
    if "buyer" in asked:
        named = [c for c in order.customer.contacts if c.name and plain(c.name) in plain(text)]
        if len(named) == 1:
            given["buyer"] = (order.contact.name if order.contact is not None else "", named[0].name)
            orders.set_buyer(session, order, named[0], by=by, at=desk.at)
    return given


def number_in(text: str) -> str:
    """The number of a purchase order: behind its label, or the only code in a text that says little else."""
    bare = _OURS.sub(" ", text)
    labelled = references.order_reference("", "", bare)
    if labelled is not None:
        return labelled
    undated = _without_dates(bare)
    named = re.search(words("completions")["numbered"] + _CODE.pattern, plain(undated))
    if named is not None:
        return undated[named.start("code") : named.end("code")].rstrip("./-")
    codes = [found for found in _CODE.findall(undated) if not re.fullmatch(r"\d{1,2}h\d{0,2}", found)]
    others = [word for word in _other_words(bare) if word not in {plain(code) for code in codes}]
    return codes[0].rstrip("./-") if len(codes) == 1 and not others else ""


def issued_on(text: str, *, today: date) -> date | None:
    """The date of a purchase order: behind its label, or where the text holds a date and nothing about a delivery."""
    found = dates.issued(text, today=today)
    if found is not None:
        return found
    label = words("documents")["labels"]["date"][0]
    starts = [match.start() for match in re.finditer(r"(?<!\w)\d", text)]
    return next((day for at in starts if (day := dates.issued(f"{label} {text[at:]}", today=today))), None)


def _without_dates(text: str) -> str:
    months = "|".join(words("completions")["months"])
    digits = r"\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?"
    return re.sub(rf"(?<![\w/.-])(?:{digits}|\d{{1,2}}(?:er)? (?:{months})\w*(?: \d{{4}})?)(?![\w/-])", " ", text)


def _other_words(text: str) -> list[str]:
    """The words that are neither courtesies nor the name of what was asked."""
    known = "|".join(words("completions")["known"])
    flat = plain(re.split(words("completions")["closing"], text, maxsplit=1)[0]).replace("\u2019", "'")
    return re.findall(r"[\w/.-]*\w", re.sub(rf"(?<![\w/.-])(?:{known})(?![\w/-]|\.\w)", " ", _without_dates(flat)))


def _says_more(text: str, given: Given) -> bool:
    """A question, or more words than an answer to what was completed needs."""
    said = {word for before, after in given.values() for word in re.findall(r"\w+", plain(f"{before} {after}"))}
    rest = [word for word in _other_words(text) if not set(re.findall(r"\w+", word)) <= said]
    return "?" in text or len(rest) > words("completions")["most_words"]

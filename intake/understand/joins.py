"""Later words about a draft: bubbles of the chat in which it is written, and replies by mail to its recap.

They add, correct, take out, or give the day.

What cannot be tied to one line for certain is shown to the agent as a line to confirm, or goes to a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import events, orders
from core.clock import business_date
from core.errors import NotUnderstood
from core.journal import Actor, ActorKind
from core.messages import ALBUM, Message, MessageChannel, MessageState
from core.orders import AskedLine, Order, OrderLine, OrderState
from intake import changes, consents
from intake.reading import AskedLine as Said
from intake.reading import Evidence, Kind, read, texts
from intake.reading.words import phrase, plain, unit_named, words
from intake.understand import habits
from intake.understand.drafts import UNSURE, counted_by, lines_about, lines_of, matcher_for
from intake.understand.opened import answerable, incoming_of

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from core.parties import Customer
    from intake.understand.opened import Desk, Opened

_SPEAKS_OF_LINES = frozenset({Kind.ORDER, Kind.ORDER_CHANGE})


@dataclass(frozen=True, slots=True)
class Correction:
    """The number that is wanted instead and its unit, if it has one; the number that was said, where it is told.

    `line` is the position of the line that is named.
    """

    new: Decimal
    unit: str = ""
    old: Decimal | None = None
    line: int | None = None


@cache
def _line_named() -> tuple[re.Pattern[str], re.Pattern[str]]:
    known = words("corrections")
    return re.compile(known["line_before"]), re.compile(known["line_after"] + r"\Z")


@cache
def _rules(name: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rule) for rule in words("corrections")[name])


def correction(text: str) -> Correction | None:
    """What the bubble corrects, where the whole bubble does just that; a word beside a number must be a unit."""
    flat, line = _without_line(_bare(text))
    for rule in (*_rules("swapped"), *_rules("bare"), *(_rules("of_line") if line is not None else ())):
        found = rule.fullmatch(flat)
        if found is None:
            continue
        said = found.groupdict()
        unit, before = _unit(said["unit"]), _unit(said.get("before"))
        if unit is None or before is None:
            return None
        return Correction(_number(said["new"]), unit, _number(said["old"]) if said.get("old") else None, line)
    return None


def corrections(text: str) -> tuple[Correction, ...]:
    """Everything that the whole message corrects: one number, or several of which each names its line; else nothing."""
    alone = correction(text)
    if alone is not None:
        return (alone,)
    pieces = [
        piece for line in _lines(text) for piece in re.split(words("corrections")["between"], line) if piece.strip()
    ]
    found = [each for piece in pieces if (each := correction(piece)) is not None and each.line is not None]
    return tuple(found) if len(found) == len(pieces) > 1 else ()


def _bare(text: str) -> str:
    """The words on one line, without what opens and closes a mail."""
    return " ".join(_lines(text))


def _lines(text: str) -> list[str]:
    lines = (line.strip(" .,!") for line in consents.without_closing(plain(text)).splitlines())
    opened = (re.sub(rf"^(?:{phrase('zones', 'greetings').pattern})(?:[ ,.!]+|$)", "", line) for line in lines)
    return [line for line in opened if line]


def _without_line(flat: str) -> tuple[str, int | None]:
    """The words without the line that they name, and its position."""
    before, after = _line_named()
    if found := before.match(flat):
        return flat[found.end() :], int(found["line"])
    if found := after.search(flat):
        return flat[: found.start()], int(found["line"])
    return flat, None


def _unit(word: str | None) -> str | None:
    """The unit that the word names; empty for none, or for a word of courtesy; None for another word."""
    if not word or word in words("corrections")["fillers"]:
        return ""
    return unit_named(word) or unit_named(word.removesuffix("s")) or None


def _number(written: str) -> Decimal:
    return Decimal(written.replace(",", "."))


def join(
    session: Session, message: Message, opened: Opened, customer: Customer, desk: Desk, *, answered: str | None
) -> bool:
    """Let the draft that this chat has just begun, or that this mail answers, follow the words.

    False when there is none, or they say nothing about it; `answered` is what of ours a mail answers. A correction that
    cannot be tied to a line raises `NotUnderstood`: it is no order of its own.
    """
    chat = message.channel is MessageChannel.CHAT
    if not chat and answered is None:
        return False
    order = (
        being_written(session, message, customer, desk)
        if chat
        else _answered_draft(session, message, opened, customer, answered or "")
    )
    # « ligne 1 : 3 » of an offer begins an order; where one is being written it corrects that
    of_offer = order is None and bool(opened.reading.quote_lines)
    by, corrected = Actor(ActorKind.CUSTOMER, customer.id), () if of_offer else corrections(opened.incoming.text)
    claused = order is not None and orders.take_clauses(session, order, opened.reading.clauses, by=by, at=desk.at)
    for each in corrected:
        if order is None or not correct(session, message, order, each, by=by, desk=desk):
            raise NotUnderstood("correction_unclear")
    if corrected:
        return True
    if order is None:
        return False
    if chat and habits.only_again(opened.incoming.text):  # the same as what, in the middle of an order?
        raise NotUnderstood("correction_unclear")
    unwanted = unwanted_in(opened)
    if unwanted:
        return _take_out(session, customer, order, unwanted, by=by, desk=desk) or claused
    if not _adds(opened):
        return claused
    asked = lines_about(session, order, opened.reading.lines)
    if _names_a_line(opened.incoming.text) and any(line.article is None for line in asked):
        raise NotUnderstood("correction_unclear")  # what is said of a line of ours is no line of its own
    pages = any(flag.startswith(ALBUM) for flag in message.flags.split())
    day = opened.reading.requested_delivery_date
    return changes.merge(session, order, asked, day, by=by, at=desk.at, replacing=not pages) or claused


def _names_a_line(text: str) -> bool:
    """The words speak of a line by its number."""
    return bool(re.search(words("corrections")["line_named"], plain(text)))


def tell(session: Session, message: Message, opened: Opened, customer: Customer, desk: Desk, *, answered: str) -> None:
    """Say by mail what the answer changed in the draft: only in a chat is the recap painted again."""
    order = _answered_draft(session, message, opened, customer, answered) if answered else None
    if message.channel is MessageChannel.MAIL and order is not None and orders.last_change(order) is not None:
        session.flush()
        events.emit(session, "draft_changed", order, at=desk.at, version=order.version)


def correct(session: Session, message: Message, order: Order, wanted: Correction, *, by: Actor, desk: Desk) -> bool:
    """Give the line that the message corrects its new number; False when it is not clear which one, or makes none."""
    today = business_date(message.received_at)
    line, sure = line_meant(session, message, order, wanted, desk, today=today)
    return line is not None and _recount(session, order, line, wanted, sure=sure, by=by, desk=desk)


def unwanted_in(opened: Opened) -> tuple[str, ...]:
    """What a bubble without any line says it does not want."""
    reading = opened.reading
    if reading.lines or reading.repeat_of_last_order or reading.kind not in {Kind.OTHER, Kind.ORDER_CHANGE}:
        return ()
    return texts.asked(opened.incoming.text).removed


def _adds(opened: Opened) -> bool:
    """The bubble speaks of lines, or gives no more than a day."""
    reading = opened.reading
    if reading.repeat_of_last_order:
        return False
    return reading.kind in _SPEAKS_OF_LINES or (reading.kind is Kind.OTHER and not reading.lines)


def being_written(session: Session, message: Message, customer: Customer, desk: Desk) -> Order | None:
    """The draft that was begun in this chat a moment ago and still waits for the customer's yes."""
    query = select(Order).where(
        Order.customer_id == customer.id, Order.reply_chat_id == message.chat_id, Order.state == OrderState.DRAFT,
        Order.recap_accepted_at.is_(None), Order.created_at > desk.at - changes.SAME_ORDER,
    )  # fmt: skip
    return session.scalar(query.order_by(Order.id.desc()).limit(1))


def _answered_draft(
    session: Session, message: Message, opened: Opened, customer: Customer, answered: str
) -> Order | None:
    """The draft whose recap the customer answers in his own words; what a file asks for is an order of its own.

    Only he himself may change it: a reference says what a mail is about, never that its sender may act on it.
    """
    kind, _, number = answered.partition(":")
    about = Order.id == int(number) if kind == "order" and number.isdigit() else Order.reference == answered
    order = session.scalar(select(Order).where(about, Order.state == OrderState.DRAFT))
    if order is None or order.customer_id != customer.id or order.customer_clue or not answerable(message):
        return None
    filed = any(line.evidence.part not in {"body", "subject"} for line in opened.reading.lines)
    return None if filed or opened.taken_by is not None else order


def line_meant(
    session: Session, message: Message, order: Order, wanted: Correction, desk: Desk, *, today: date
) -> tuple[OrderLine | None, bool]:
    """The line that the correction names, unless it says another number of it; else the one that is found."""
    if wanted.line is None:
        return line_that_said(session, message, order.customer, order, desk, old=wanted.old, today=today)
    named = [line for line in order.kept_lines if line.position == wanted.line and line.article is not None]
    told = [line for line in named if wanted.old in {None, line.quantity, counted_by(line)[1]}]
    return (told[0], True) if told else (None, False)


def line_that_said(
    session: Session,
    message: Message,
    customer: Customer,
    order: Order,
    desk: Desk,
    *,
    old: Decimal | None,
    today: date,
) -> tuple[OrderLine | None, bool]:
    """The line a correction is about and whether that is sure: the one that said the number, else the last one said."""
    lines = [line for line in order.kept_lines if line.article is not None]
    counted = [line for line in lines if old is not None and old in {line.quantity, counted_by(line)[1]}]
    if len(counted) == 1:
        return counted[0], True
    if old is not None and not counted:
        return None, False
    if len(lines) == 1:
        return lines[0], True
    said = _said_before(session, message, customer, desk, today=today)
    about = [line for line in lines if line.article_id in said]
    last = max(
        about or lines, key=lambda line: (said.index(line.article_id) if about else 0, line.position), default=None
    )
    return last, len(said) == 1 and len(about) == 1


def _said_before(
    session: Session, message: Message, customer: Customer, desk: Desk, *, today: date
) -> list[int | None]:  # fmt: skip
    """The articles of the bubble just before, in its order."""
    if message.chat_id is None:
        return []
    query = select(Message).where(
        Message.chat_id == message.chat_id, Message.id < message.id, Message.state == MessageState.UNDERSTOOD
    )
    before = session.scalar(query.order_by(Message.id.desc()).limit(1))
    if before is None:
        return []
    reading = read(incoming_of(session, before, settings=desk.settings), today=today)
    return [line.article.id for line in lines_of(session, customer, reading.lines) if line.article is not None]


def _recount(
    session: Session, order: Order, line: OrderLine, wanted: Correction, *, sure: bool, by: Actor, desk: Desk
) -> bool:
    """Give the line the number said now, in the unit said now or before; an unsure one is to be confirmed."""
    counted = counted_anew(session, order, line, wanted)
    if counted is None or counted.quantity is None:
        return False
    if not sure:
        line.confidence = min(line.confidence, UNSURE)
    orders.set_quantity(session, order, line.position, counted.quantity, by=by, at=desk.at)
    line.packaging, line.packaging_count = counted.packaging, counted.packaging_count
    return True


def counted_anew(session: Session, order: Order, line: OrderLine, wanted: Correction) -> AskedLine | None:
    """The line with the number said now, in the unit said now or before; None when that makes no quantity of it."""
    assert line.article is not None  # noqa: S101 - only lines with an article are corrected
    unit, sku = wanted.unit or counted_by(line)[0], line.article.sku
    said = Said(line.text, "", wanted.new, Evidence("body"), unit=unit, codes=(sku,))
    (counted,) = lines_of(session, order.customer, [said])
    known = counted.article is line.article and counted.quantity is not None and counted.quantity > 0
    return counted if known else None


def _take_out(
    session: Session, customer: Customer, order: Order, unwanted: tuple[str, ...], *, by: Actor, desk: Desk
) -> bool:
    """Take out the lines that are not wanted any more; False unless each name is one line, and something is left."""
    matcher = matcher_for(session, customer)
    there = {line.article.sku: line for line in order.kept_lines if line.article is not None}
    named = [matcher.possible(name) & set(there) for name in unwanted]
    gone = {sku for found in named for sku in found}
    if any(len(found) != 1 for found in named) or len(gone) >= len(order.kept_lines):
        return False
    for sku in gone:
        orders.remove_line(session, order, there[sku].position, by=by, at=desk.at)
    return True

"""The draft that a message becomes: its lines, those of a quote or of earlier orders, and the way the answer goes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from core.aliases import customer_packagings
from core.errors import NotUnderstood
from core.messages import Message, MessageChannel
from core.orders import Asked, AskedLine, Order, OrderLine
from core.parties import ChatLink, Customer
from intake import voice
from intake.catalogues import article_matcher
from intake.matching.articles import unit_name
from intake.reading import AskedLine as Said
from intake.reading import Reading
from intake.understand import habits, offers

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from intake.catalogues import ArticleMatcher
    from intake.incoming import Incoming
    from intake.understand.offers import Meant
    from intake.understand.opened import Opened


#: How sure a line is that only the rest of the order explains.
UNSURE = Decimal("0.8")
#: Where a session keeps the views of the catalogue that it has looked up.
MATCHERS = "matchers"


def asked(session: Session, message: Message, customer: Customer, opened: Opened, *, today: date) -> Asked:
    """What the draft is made of; a message that asks for nothing that could be read raises `NotUnderstood`."""
    reading, incoming, passed_on = opened.reading, opened.incoming, opened.taken_by is not None
    offer = offers.meant(session, customer, reading)
    lines = _wanted(session, customer, opened, offer, today=today)
    if opened.heard:
        lines = tuple(_only_heard(line) for line in lines)
    by_mail = message.channel is MessageChannel.MAIL
    return Asked(
        customer=customer,
        channel=MessageChannel.PAPER if message.taken_by_id is not None else message.channel,
        lines=lines,
        message_id=message.id,
        quote_id=offer.quote.id if offer is not None else None,
        reply_chat_id=message.chat_id if not passed_on else None,
        reply_email=(message.sender if not passed_on else customer.email) if by_mail else "",
        thread_message_id=incoming.message_id if not passed_on else "",
        thread_subject=incoming.subject,
        sender_authenticated=opened.authenticated,
        customer_clue=opened.request.who.doubt,
        customer_reference=reading.order_reference or "",
        customer_reference_date=reading.order_date if reading.order_reference else None,
        customer_total=reading.total_net,
        customer_vat=reading.total_vat,
        customer_gross=reading.total_gross,
        accord=reading.accord,
        requested_delivery_date=reading.requested_delivery_date,
        taken_by_id=opened.taken_by,
        source_hash=files_hash(incoming),
        contact_id=_contact(session, message, customer, opened),
        clauses=reading.clauses,
        delivery_said=reading.delivery_place,
        quote_said=reading.quote_reference or "",
        taken_from=message.taken_from,
        taken_at=message.received_at if passed_on else None,
    )


def files_hash(incoming: Incoming) -> str:
    """One hash of the files that a message brings, whatever their names and order; empty for none."""
    files = sorted(hashlib.sha256(file.content).hexdigest() for file in incoming.attachments if not file.inline)
    return hashlib.sha256("".join(files).encode()).hexdigest() if files else ""


def _contact(session: Session, message: Message, customer: Customer, opened: Opened) -> int | None:
    """Who of the customer ordered: the contact of the linked chat, or of the address for which our server vouches."""
    if message.channel is MessageChannel.CHAT:
        link = session.get(ChatLink, message.chat_id) if message.chat_id is not None else None
        return link.contact_id if link is not None and link.customer_id == customer.id else None
    if not opened.authenticated or opened.taken_by is not None:
        return None
    written = (c.id for c in customer.contacts if c.email and c.email.lower() == message.sender.lower())
    return next(written, None)


def _only_heard(line: AskedLine) -> AskedLine:
    """What a recording asks for, be it of an earlier order or of a quote, is never certain."""
    written = dict(line.evidence).get("part") not in {voice.PART, habits.PART, offers.PART}
    return line if written else replace(line, confidence=min(line.confidence, voice.HEARD))


def _wanted(
    session: Session, customer: Customer, opened: Opened, offer: Meant | None, *, today: date
) -> tuple[AskedLine, ...]:  # fmt: skip
    """What is asked in so many words, what is taken from our quote, and what is ordered again."""
    reading, asked_in = opened.reading, opened.request.asked_in
    said = (*offers.lines(offer, reading), *lines_of(session, customer, reading.lines))
    if reading.repeat_of_last_order:
        words = f"{asked_in.subject}\n{asked_in.text}"
        matcher = matcher_for(session, customer)
        again = habits.lines(session, customer, matcher, words, without=reading.removed, today=today)
        if again:
            return habits.with_changes(again, said, words)
        if not said or not habits.as_usual(words):
            raise NotUnderstood("no_last_order")
    files = [file for file in asked_in.attachments if not file.inline]
    if not said and offer is not None and not files:
        said = offers.every_line(offer)
    if not said:
        raise NotUnderstood(unread(reading) or "order_without_lines")
    return said


def unread(reading: Reading) -> str:
    """The first reason for which a file of the message could not be read; empty when all of them could."""
    return next(iter(reading.findings), "")


def lines_of(session: Session, customer: Customer, said: Iterable[Said]) -> tuple[AskedLine, ...]:
    """The lines as an order takes them, each with the customer's own words and count, from which a desk may learn."""
    taken = line_taker(session, customer)
    return tuple(taken(line) for line in said)


def lines_about(session: Session, order: Order, said: Iterable[Said]) -> tuple[AskedLine, ...]:
    """Later words about a draft: a name that may be several articles means the one that is ordered, to be confirmed."""
    there = {line.article.sku for line in order.kept_lines if line.article is not None}
    taken = line_taker(session, order.customer)

    def taken_here(line: Said) -> AskedLine:
        asked = taken(line)
        meant = there & set(asked.alternatives)
        if asked.article is not None or len(meant) != 1 or line.codes:
            return asked
        known = taken(replace(line, designation="", codes=tuple(meant)))
        return replace(known, text=asked.text, confidence=min(known.confidence, UNSURE))

    return tuple(taken_here(line) for line in said)


def matcher_for(session: Session, customer: Customer | None) -> ArticleMatcher:
    """The customer's view of the catalogue, looked up once in a transaction: asking for its state takes its time."""
    kept: dict[int | None, ArticleMatcher] = session.info.setdefault(MATCHERS, {})
    number = customer.id if customer is not None else None
    if number not in kept:
        kept[number] = article_matcher(session, customer)
    return kept[number]


def line_taker(session: Session, customer: Customer | None) -> Callable[[Said], AskedLine]:
    """What makes an order's line of one that this customer wrote; it asks the database no more."""
    matcher = matcher_for(session, customer)
    held = customer_packagings(session, customer) if customer is not None else {}
    return lambda line: _with_words(_counted(matcher, line, held), line)


def _counted(matcher: ArticleMatcher, line: Said, held: dict[str, dict[str, Decimal]]) -> AskedLine:
    """The line, counted as this customer counts where a colleague taught how many a packaging of his holds."""
    asked = matcher.asked(line)
    likely = asked.article or matcher.article(next(iter(asked.alternatives), ""))
    holds = held.get(likely.sku, {}).get(line.unit) if likely is not None and line.unit else None
    if likely is None or holds is None or line.quantity is None:
        return asked
    in_units = matcher.asked(replace(line, unit=unit_name(likely.unit), quantity=line.quantity * holds, content=None))
    if in_units.article is not likely:
        return asked
    return replace(in_units, packaging=line.unit, packaging_count=line.quantity, customer_price=asked.customer_price)


def _with_words(asked: AskedLine, said: Said) -> AskedLine:
    count = f"{said.quantity:f}" if said.quantity is not None else ""
    own = (("designation", said.designation), ("unit", said.unit), ("count", count))
    return replace(asked, evidence=(*asked.evidence, *own))


def counted_by(line: OrderLine) -> tuple[str, Decimal | None]:
    """The packaging or unit in which the customer counted a line, and how many of it he asked for."""
    if line.packaging and line.packaging_count is not None:
        return line.packaging, line.packaging_count
    evidence = json.loads(line.evidence)
    count = evidence.get("count")
    return str(evidence.get("unit", "")), Decimal(count) if count else None


def own_words(line: OrderLine) -> str:
    """The words the customer used for the article of a line, without his count."""
    return str(json.loads(line.evidence).get("designation", "")).strip()

"""What is decided about a quote: sent, revised, taken up as an order, declined.

Once sent it is read-only: its lines and its frozen paper stay as they were, and a revision of the same number replaces
it the moment that one is sent.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from core import events, journal, papers, sale_terms
from core.clock import business_date
from core.documents import Document, DocumentKind, DocumentLine
from core.errors import IllegalTransition, Refused
from core.outbox import OutboxRow
from core.quotes.deposits import announced
from core.quotes.drafts import lock
from core.quotes.tables import NEXT, Quote, QuoteLine, QuoteState, packed

if TYPE_CHECKING:
    from decimal import Decimal

    from sqlalchemy.orm import Session

    from core.catalogue import Article
    from core.journal import Actor
    from core.messages import MessageChannel
    from core.orders import Order
    from core.settings import House

#: The states of a quote that an order may still refer to.
OPEN = frozenset({QuoteState.SENT})


def move(session: Session, quote: Quote, target: QuoteState, *, by: Actor, at: datetime, **data: Any) -> None:
    """Change the quote's state, with a journal line; an illegal move raises."""
    if target not in NEXT[quote.state]:
        raise IllegalTransition(thing="quote", state=quote.state, target=target)
    quote.state = target
    quote.version += 1
    journal.write(session, f"quote_{target}", subject=quote.subject, by=by, at=at, **data)


def send(session: Session, quote: Quote, *, house: House, by: Actor, at: datetime, version: int | None = None) -> None:
    """Freeze the quote as a paper and send it by the customer's channel; it replaces the revision before it.

    Refuses a quote without lines or with an incomplete one, a closed customer, a validity that has passed, and a
    revision of what was taken up in the meantime.
    """
    today = business_date(at)
    before = _before(session, quote)  # held first: who takes that one up holds it before he drops this one
    lock(session, quote.id, version=version)
    if before is not None and before.state is QuoteState.ACCEPTED:
        raise Refused("quote_accepted", quote=before.reference)
    if not quote.customer.active:
        raise Refused("customer_account_closed", customer=quote.customer.name)
    if not quote.lines:
        raise Refused("quote_without_lines", quote=quote.reference)
    for line in quote.lines:
        if not line.complete:
            raise Refused("line_incomplete", position=line.position)
    if quote.expired(today):
        raise Refused("date_in_past", date=quote.valid_until)
    move(session, quote, QuoteState.SENT, by=by, at=at, net=quote.net)
    quote.sent_on, quote.valid_until = today, quote.valid_until or today + timedelta(days=house.quote_days)
    if before is not None and before.state is QuoteState.SENT:
        move(session, before, QuoteState.REPLACED, by=by, at=at, by_revision=quote.revision)
        events.emit(session, "quote_changed", before, at=at)
    paper = papers.freeze(
        session, _document(session, quote, house), customer_id=quote.customer_id, order_id=None, at=at
    )
    assert paper.revision == quote.revision  # noqa: S101 - both count what was sent
    events.emit(session, "quote_sent", quote, at=at, paper=paper)


def _before(session: Session, quote: Quote) -> Quote | None:
    """The revision that this one replaces, held."""
    query = select(Quote.id).where(Quote.number == quote.number, Quote.revision == quote.revision - 1)
    number = session.scalar(query)
    return lock(session, number) if number is not None else None


def revise(session: Session, quote: Quote, *, by: Actor, at: datetime) -> Quote:
    """The next revision as a draft of the same number and lines; one that is already in preparation is given back.

    The revision that the customer holds stays open until the new one is sent.
    """
    lock(session, quote.id)
    if quote.state not in {QuoteState.SENT, QuoteState.DECLINED} or quote.sent_on is None:
        raise Refused(
            "quote_replaced" if quote.state is QuoteState.REPLACED else "quote_not_revisable", quote=quote.reference
        )
    query = select(Quote).where(Quote.number == quote.number, Quote.revision == quote.revision + 1)
    begun = session.scalar(query)
    if begun is not None:
        return begun
    revision = quote.revision + 1
    following = Quote(
        reference=f"{quote.number}-{revision}", number=quote.number, revision=revision, customer=quote.customer,
        created_at=at, reply_chat_id=quote.reply_chat_id, reply_email=quote.reply_email,
        thread_message_id=quote.thread_message_id, thread_subject=quote.thread_subject,
        discount_percent=quote.discount_percent,
        lines=[
            QuoteLine(**{name: getattr(line, name) for name in (
                "position", "text", "article", "quantity", "packaging", "packaging_count", "unit_price", "list_price",
                "discount_percent", "price_source", "customer_reference",
            )})
            for line in quote.lines
        ],
    )  # fmt: skip
    session.add(following)
    session.flush()
    journal.write(session, "quote_revised", subject=following.subject, by=by, at=at, before=quote.reference)
    events.emit(session, "quote_drafted", following, at=at)
    return following


def take_up(
    session: Session, quote: Quote, *, channel: MessageChannel, how: str, by: Actor, at: datetime,
    late: bool = False, **asked: Any,
) -> Order:  # fmt: skip
    """Accept the quote: a draft order of its lines at its prices, once; `how` is kept as proof with who and when.

    `asked` are further fields of `orders.Asked`. Refuses a quote that is not open, one that an order has taken up, and
    one that expired unless a colleague honours it all the same (`late`).
    """
    from core import orders
    from core.orders import Asked, AskedLine

    lock(session, quote.id)
    if (made := ordered_as(session, quote)) is not None:
        raise Refused("quote_already_ordered", quote=quote.reference, reference=made.reference)
    if quote.state is QuoteState.REPLACED:
        raise Refused("quote_replaced", quote=quote.reference)
    if quote.state not in OPEN:
        raise Refused("quote_not_open", quote=quote.reference)
    if quote.expired(business_date(at)) and not late:
        raise Refused("quote_has_expired", quote=quote.reference, until=quote.valid_until)
    given = {
        "reply_chat_id": quote.reply_chat_id, "reply_email": quote.reply_email,
        "thread_message_id": quote.thread_message_id, "thread_subject": quote.thread_subject,
    } | asked  # fmt: skip
    lines = tuple(
        AskedLine(
            text=line.text or (line.article.name if line.article is not None else ""), article=line.article,
            quantity=line.quantity, packaging=line.packaging, packaging_count=line.packaging_count,
            customer_reference=line.customer_reference,
            evidence=(("part", "quote"), ("quote", quote.reference), ("position", line.position)),
        )
        for line in quote.lines
    )  # fmt: skip
    wanted = Asked(customer=quote.customer, channel=channel, lines=lines, quote_id=quote.id, **given)
    order = orders.draft(session, wanted, by=by, at=at)
    for line, offered in zip(order.lines, quote.lines, strict=True):  # one article may stand at two prices
        line.list_price, line.unit_price = offered.unit_price, offered.unit_price
    accept(session, quote, by=by, at=at, how=how, order=order.reference)
    return order


def accept(session: Session, quote: Quote, *, by: Actor, at: datetime, **proof: Any) -> None:
    """Note that an order took the quote up; twice changes nothing, and a revision in preparation is dropped."""
    if quote.state is QuoteState.ACCEPTED:
        return
    move(session, quote, QuoteState.ACCEPTED, by=by, at=at, **proof)
    begun = select(Quote).where(Quote.number == quote.number, Quote.state == QuoteState.DRAFT)
    for other in session.scalars(begun):
        move(session, other, QuoteState.DECLINED, by=by, at=at, accepted=quote.reference)
        events.emit(session, "quote_changed", other, at=at)
    events.emit(session, "quote_changed", quote, at=at)


def decline(session: Session, quote: Quote, *, reason: str, by: Actor, at: datetime) -> None:
    """The customer does not want it, or it is given up before it left; the reason is kept, in the journal privately."""
    if not reason.strip():
        raise Refused("reason_missing")
    lock(session, quote.id)
    if quote.state is QuoteState.REPLACED:
        raise Refused("quote_replaced", quote=quote.reference)
    sent = quote.state is QuoteState.SENT
    move(session, quote, QuoteState.DECLINED, by=by, at=at, private=reason)
    quote.decline_reason = reason
    events.emit(session, "quote_declined" if sent else "quote_changed", quote, at=at)


def ask_late(session: Session, quote: Quote, *, by: Actor, at: datetime) -> None:
    """The customer wants a quote whose day has passed: he and sales are told once, a person decides."""
    asked = select(OutboxRow.id).where(OutboxRow.template == "quote_late", OutboxRow.subject == quote.subject)
    if session.scalar(asked.limit(1)) is None:
        journal.write(session, "quote_wanted_late", subject=quote.subject, by=by, at=at, until=quote.valid_until)
        events.emit(session, "quote_wanted_late", quote, at=at)


def ordered_as(session: Session, quote: Quote) -> Order | None:
    """The order that took the quote up and was not given up, if any."""
    from core.orders import Order, OrderState

    query = select(Order).where(Order.quote_id == quote.id, Order.state != OrderState.CANCELLED)
    return session.scalar(query.order_by(Order.id).limit(1))


def by_reference(session: Session, reference: str) -> Quote | None:
    """The quote with that reference; a number alone means its latest revision that was sent, else its first."""
    wanted = reference.strip().upper()
    exact = session.scalar(select(Quote).where(Quote.reference == wanted))
    if exact is None or exact.revision or exact.sent_on is None:
        return exact
    query = select(Quote).where(Quote.number == wanted, Quote.sent_on.is_not(None))
    return session.scalar(query.order_by(Quote.revision.desc()).limit(1))


def newest_revision(session: Session, number: str) -> int:
    """The index of the latest revision of the number that was sent; zero when none was."""
    query = select(func.max(Quote.revision)).where(Quote.number == number, Quote.sent_on.is_not(None))
    return session.scalar(query) or 0


def open_quotes(session: Session) -> list[Quote]:
    """Quotes in preparation and quotes that wait for an answer, those that expire first first."""
    query = select(Quote).where(Quote.state.in_([QuoteState.DRAFT, QuoteState.SENT]))
    return sorted(session.scalars(query), key=lambda quote: (quote.valid_until or date.max, quote.id))


def quoted_price(session: Session, quote_id: int | None, article: Article) -> Decimal | None:
    """The article's price in that quote, or None when the quote does not have it."""
    query = select(QuoteLine.unit_price).where(QuoteLine.quote_id == quote_id, QuoteLine.article_id == article.id)
    return None if quote_id is None else session.scalar(query.order_by(QuoteLine.position).limit(1))


def _document(session: Session, quote: Quote, house: House) -> Document:
    assert quote.sent_on is not None  # noqa: S101 - set by `send` just before
    percent, deposit_notes = announced(session, quote, on=quote.sent_on)
    return Document(
        kind=DocumentKind.QUOTE,
        number=quote.number,
        revision=quote.revision,
        issue_date=quote.sent_on,
        seller=house.as_party(), accent=house.accent, logo=house.emblem,
        buyer=quote.customer.as_party(),
        language=quote.customer.language,
        valid_until=quote.valid_until,
        payment_terms=quote.customer.payment_terms,
        terms_version=sale_terms.version_on(session, house, on=quote.sent_on),
        deposit_percent=percent, notes=deposit_notes,
        lines=tuple(
            DocumentLine(
                position=line.position, sku=line.article.sku, name=line.article.name, quantity=line.quantity,
                unit=line.article.unit, packaging=packed(line.packaging, line.packaging_count),
                unit_price=line.unit_price, net=line.net,
                vat=quote.customer.vat_on(line.article), gtin=line.article.gtin,
                buyer_reference=line.customer_reference, list_price=line.gross_price, nature=line.article.nature,
            )
            for line in quote.lines
            if line.article is not None and line.quantity is not None and line.unit_price is not None
        ),
    )  # fmt: skip

"""Another article in place of the ordered one: the warehouse proposes it, sales or the customer says yes or no.

Counted one for one in the same sales unit, and invoiced at the lower of both prices unless an agent sets another. The
order keeps what was ordered; the delivery says what came, on the note and on the invoice.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events, journal, prices, stock
from core.catalogue import Article, Substitute
from core.clock import business_date
from core.deliveries.preparation import preparing_line
from core.deliveries.tables import Delivery, DeliveryLine, remaining_quantities
from core.errors import Refused
from core.journal import Actor


def possible(session: Session, line: DeliveryLine) -> list[Article]:
    """The articles known to stand in for the line's own that are counted alike and on the shelf, the nearest first."""
    ordered = line.order_line.article
    if ordered is None:
        return []
    query = select(Article).join(Substitute, Substitute.other_id == Article.id)
    found = session.scalars(
        query.where(Substitute.article_id == ordered.id, Article.active).order_by(Substitute.rank, Article.id)
    )
    return [one for one in found if one.unit == ordered.unit and stock.available(session, one.id) > 0]


def propose(
    session: Session, delivery: Delivery, position: int, article: Article, *, by: Actor, at: datetime
) -> DeliveryLine:
    """Ask whether another article may be delivered in the line's place; it leaves only after a yes or a no."""
    line = preparing_line(session, delivery, position)
    _fits(session, line, article)
    line.proposed_id = article.id
    session.flush()
    session.expire(line, ["proposed"])
    journal.write(
        session, "substitute_proposed", subject=delivery.subject, by=by, at=at, position=position, sku=article.sku
    )
    events.emit(session, "substitute_proposed", delivery, at=at, position=position)
    events.emit(session, "delivery_changed", delivery, at=at)
    return line


def _fits(session: Session, line: DeliveryLine, article: Article) -> None:
    ordered = line.order_line.article
    position = line.order_line.position
    if ordered is None or article.id == ordered.id:
        raise Refused("substitute_same", position=position, sku=article.sku)
    if article.unit != ordered.unit:
        raise Refused("substitute_other_unit", position=position, sku=article.sku, unit=article.unit, own=ordered.unit)
    free = stock.available(session, article.id)
    if free < line.quantity:
        raise Refused("substitute_short", available=free, quantity=line.quantity)


def ask_customer(session: Session, delivery: Delivery, position: int, *, by: Actor, at: datetime) -> None:
    """Put the proposal before the customer."""
    line = preparing_line(session, delivery, position)
    if line.proposed_id is None:
        raise Refused("substitute_not_proposed", position=position)
    journal.write(session, "substitute_asked", subject=delivery.subject, by=by, at=at, position=position)
    events.emit(session, "substitute_asked", delivery, at=at, position=position)


def accept(
    session: Session, delivery: Delivery, position: int, *, by: Actor, at: datetime, price: Decimal | None = None
) -> DeliveryLine:
    """Yes: the other article is promised and delivered in place of the ordered one, at `price` or the lower of both."""
    line = preparing_line(session, delivery, position)
    article = line.proposed
    if article is None or line.order_line.article_id is None:
        raise Refused("substitute_not_proposed", position=position)
    if price is not None and price < 0:
        raise Refused("negative_price")
    stock.hold(session, (line.order_line.article_id, article.id))
    _fits(session, line, article)
    own = line.order_line.unit_price
    if price is None:
        theirs = prices.price_for(session, delivery.customer, article, on=business_date(at), quantity=line.quantity)
        price = theirs if own is None else min(own, theirs)
    left = remaining_quantities(session, delivery.order).get(line.order_line_id, Decimal(0))
    stock.swap(session, line.order_line_id, line.order_line.article_id, article.id, line.quantity)
    stock.wait_for(session, line.order_line_id, line.order_line.article_id, left - line.quantity)
    line.article_id, line.proposed_id = article.id, None
    line.unit_price = price if price != own else None
    line.batches.clear()
    session.flush()
    session.expire(line, ["substitute", "proposed"])
    journal.write(
        session, "substitute_accepted", subject=delivery.subject, by=by, at=at, position=position, sku=article.sku,
        price=price,
    )  # fmt: skip
    events.emit(session, "substitute_decided", delivery, at=at, position=position)
    return line


def refuse(session: Session, delivery: Delivery, position: int, *, by: Actor, at: datetime) -> DeliveryLine:
    """No: the line stays as it was ordered."""
    line = preparing_line(session, delivery, position)
    if line.proposed_id is None:
        raise Refused("substitute_not_proposed", position=position)
    line.proposed_id = None
    session.flush()
    session.expire(line, ["proposed"])
    journal.write(session, "substitute_refused", subject=delivery.subject, by=by, at=at, position=position)
    events.emit(session, "substitute_decided", delivery, at=at, position=position)
    return line

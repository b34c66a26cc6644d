"""What is decided about a draft's line that stock does not cover or that is not sold by that quantity.

Each verb is one answer: the rest follows, all of it later, another article, less, or the next quantity that is sold.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from core import stock
from core.catalogue import Article, Substitute
from core.clock import business_date
from core.errors import Refused
from core.orders.drafts import _changed, _draft_only, _set_article, line_at, set_quantity
from core.orders.tables import Order, OrderLine, Shortage

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.journal import Actor


def _known(order: Order, position: int) -> tuple[OrderLine, Article, Decimal]:
    """The draft's line with its article and quantity; refuses one that lacks either."""
    _draft_only(order)
    line = line_at(order, position)
    if line.article is None or line.quantity is None:
        raise Refused("line_incomplete", position=position)
    return line, line.article, line.quantity


def settle_shortage(session: Session, order: Order, position: int, *, by: Actor, at: datetime) -> None:
    """What is there leaves first, the rest follows; refused for a customer who wants all of it together."""
    line, article, _ = _known(order, position)
    if not order.customer.partial_deliveries:
        raise Refused("partial_not_wanted", reference=order.reference, customer=order.customer.name)
    line.shortage = Shortage.BACKORDER
    _changed(session, order, by=by, at=at, change="shortage_settled", position=position, sku=article.sku)


def accept_shortages(order: Order, positions: set[int | None]) -> None:
    """What is there leaves first, the rest follows: somebody let these lines through although all was wanted together.

    The override stands in the journal already.
    """
    for line in order.kept_lines:
        if line.position in positions:
            line.shortage = Shortage.BACKORDER


def wait_until(session: Session, order: Order, position: int, day: date, *, by: Actor, at: datetime) -> None:
    """All of it leaves together once the goods are there: the order is wanted for that day, the customer is shown."""
    line, article, _ = _known(order, position)
    before = order.requested_delivery_date
    line.shortage = Shortage.WAIT
    order.requested_delivery_date = max(day, before or day)
    order.delivery_date_set_at = at
    _changed(
        session, order, by=by, at=at, change="delivery_date_changed", position=position, sku=article.sku,
        before=before, after=order.requested_delivery_date,
    )  # fmt: skip


def cap_line(session: Session, order: Order, position: int, quantity: Decimal, *, by: Actor, at: datetime) -> None:
    """Ask for no more than is there; refused when so much is no longer there."""
    _, article, _ = _known(order, position)
    stock.hold(session, [article.id])
    others = sum(
        (line.quantity for line in order.kept_lines
         if line.article_id == article.id and line.quantity is not None and line.position < position),
        Decimal(0),
    )  # fmt: skip
    left = max(stock.available(session, article.id) - others, Decimal(0))
    if quantity > left:
        raise Refused("stock_changed", position=position, sku=article.sku, available=left)
    set_quantity(session, order, position, quantity, by=by, at=at)


def choose_substitute(
    session: Session, order: Order, position: int, other: Article, *, by: Actor, at: datetime
) -> None:
    """Deliver a declared alternative instead, at its own price; counted in another unit, its quantity is asked."""
    line, article, _ = _known(order, position)
    if session.get(Substitute, (article.id, other.id)) is None:
        raise Refused("substitute_unknown", sku=article.sku, other=other.sku)
    packs = {pack.name: pack.quantity for pack in article.packagings}
    same = {pack.name: pack.quantity for pack in other.packagings}.get(line.packaging) == packs.get(line.packaging)
    if other.unit != article.unit:
        line.quantity = None
    if other.unit != article.unit or not same:
        line.packaging, line.packaging_count = "", None
    _set_article(session, order, line, other, on=business_date(at))
    line.confidence = Decimal(1)
    _changed(
        session, order, by=by, at=at, change="substituted", position=position, before=article.sku, after=other.sku,
        quantity=line.quantity,
    )  # fmt: skip


def round_quantity(session: Session, order: Order, position: int, *, by: Actor, at: datetime) -> None:
    """Ask for the next quantity that is sold: the article's minimum, and whole multiples."""
    _, article, quantity = _known(order, position)
    set_quantity(session, order, position, article.sellable(quantity), by=by, at=at)

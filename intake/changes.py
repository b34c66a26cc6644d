"""Later words about a draft: a bubble, a correction, an edited message make it what the customer now says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from core import orders
from core.orders import LineWish, Wanted

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.journal import Actor
    from core.orders import AskedLine, Order


#: How long after a draft's first bubble a later one is still part of it.
SAME_ORDER = timedelta(minutes=30)


def merge(
    session: Session, order: Order, lines: Iterable[AskedLine], day: date | None, *, by: Actor, at: datetime,
    replacing: bool = True,
) -> bool:  # fmt: skip
    """A known article sets its line's quantity, other lines are added, a day is taken over; False when none is said.

    Not `replacing`, every line is added: the next page of the same paper corrects nothing.
    """
    fresh, said = [], False
    for line in lines:
        said = True
        same = next((k for k in order.kept_lines if k.article is not None and k.article is line.article), None)
        if replacing and same is not None and line.quantity is not None and line.quantity > 0:
            orders.set_quantity(session, order, same.position, line.quantity, by=by, at=at)
            same.packaging, same.packaging_count = line.packaging, line.packaging_count
        else:
            fresh.append(line)
    if fresh:
        orders.append_lines(session, order, tuple(fresh), by=by, at=at)
    if day is not None and day != order.requested_delivery_date:
        orders.set_delivery_date(session, order, day, by=by, at=at)
    return said or day is not None


def wanted(
    order: Order, lines: Iterable[AskedLine], day: date | None, *, adding: bool = False, whole: bool = False
) -> Wanted:
    """What the words want of a registered order: a known article sets its line's quantity, other lines are added.

    `adding`, a known article asks for more of its line; `whole`, what a paper leaves out is given up, unless one of
    its lines is of an article that nobody knows.
    """
    said = tuple(lines)
    wishes: dict[int, LineWish] = {}
    added = []
    for line in said:
        same = next((k for k in order.kept_lines if k.article is not None and k.article is line.article), None)
        if same is None or line.quantity is None:
            added.append(line)
        elif adding:
            wishes[same.position] = LineWish(same.position, (same.committed or 0) + line.quantity)
        elif line.quantity != same.committed or same.position in wishes:
            wishes[same.position] = LineWish(same.position, line.quantity, line.packaging, line.packaging_count)
    if whole and all(line.article is not None for line in said):
        named = {line.article.id for line in said if line.article is not None}
        gone = (k for k in order.kept_lines if k.article_id not in named and not k.given_up)
        wishes |= {line.position: LineWish(line.position, None) for line in gone}
    in_order = tuple(wishes[position] for position in sorted(wishes))
    return Wanted(in_order, tuple(added), day if day != order.requested_delivery_date else None)


def withdraw(
    session: Session, order: Order, before: Iterable[AskedLine], now: Iterable[AskedLine], *, by: Actor, at: datetime
) -> None:
    """Take out the lines that the words asked for before they were edited and ask for no more."""
    kept = {line.article.id for line in now if line.article is not None}
    gone = {line.text for line in before if line.article is None or line.article.id not in kept}
    for line in order.kept_lines:
        if line.text in gone:
            orders.remove_line(session, order, line.position, by=by, at=at)

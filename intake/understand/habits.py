"""What a customer orders again: his last order, the one of last week, or what he always takes.

A line is certain only where his history leaves no choice: the one order he names, or three that agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import orders
from core.clock import business_date
from core.orders import AskedLine, Order, OrderState
from intake.reading.words import plain, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from core.parties import Customer
    from intake.catalogues import ArticleMatcher

CERTAIN, LIKELY, DOUBTFUL = Decimal("0.95"), Decimal("0.85"), Decimal("0.5")
#: This many last orders that agree are a habit.
HABIT = 3
#: How far back the order of a named week or month is looked for.
LOOKED_AT = 20
PART = "history"


@dataclass(frozen=True, slots=True)
class Earlier:
    """The order that the words point at, and how sure that is."""

    order: Order
    confidence: Decimal


@cache
def _said(name: str) -> re.Pattern[str]:
    return re.compile("|".join(words("habits")[name]))


def lines(
    session: Session, customer: Customer, matcher: ArticleMatcher, said: str, *, without: Iterable[str], today: date
) -> tuple[AskedLine, ...]:
    """The lines of the earlier order that the words point at, less what he does not want; none when he has none."""
    earlier = _pointed_at(session, customer, plain(said), today=today)
    if earlier is None:
        return ()
    kept = earlier.order.kept_lines
    there = {line.article.sku for line in kept if line.article is not None}
    refused = [matcher.possible(name) & there for name in without]
    unwanted = {sku for found in refused for sku in found}
    unclear = any(len(found) != 1 for found in refused)  # what he does not want was not found, or may be two things
    confidence = min(earlier.confidence, LIKELY) if unclear else earlier.confidence
    return tuple(
        AskedLine(
            text=line.text, article=line.article, quantity=line.quantity, packaging=line.packaging,
            packaging_count=line.packaging_count,
            confidence=confidence if line.article is not None and line.article.active else DOUBTFUL,
            evidence=(("part", PART), ("order", earlier.order.reference), ("position", line.position)),
        )
        for line in kept
        if line.article is None or line.article.sku not in unwanted or unclear
    )  # fmt: skip


def as_usual(text: str) -> bool:
    """The words say « as usual », which may be said of the lines that stand beside it."""
    return bool(_said("usual").search(plain(text)))


def only_again(text: str) -> bool:
    """The whole message says no more than « the same »."""
    return _said("bare").fullmatch(plain(text).strip(" .!\n")) is not None


def with_changes(again: tuple[AskedLine, ...], said: tuple[AskedLine, ...], text: str) -> tuple[AskedLine, ...]:
    """What is ordered again and what the message adds: an article said anew has its new quantity, to be confirmed.

    « As usual » beside lines may mean those lines only: then all that is ordered again is to be confirmed.
    """
    if said and as_usual(text):
        again = tuple(replace(line, confidence=min(line.confidence, LIKELY)) for line in again)
    anew = {line.article.id: line for line in said if line.article is not None and line.quantity is not None}
    known = {line.article.id for line in again if line.article is not None}
    kept = tuple(
        replace(line, text=now.text, quantity=now.quantity, packaging=now.packaging, evidence=now.evidence,
                packaging_count=now.packaging_count, confidence=min(now.confidence, LIKELY))
        if line.article is not None and (now := anew.get(line.article.id)) is not None
        else line
        for line in again
    )  # fmt: skip
    return (*kept, *(line for line in said if line.article is None or line.article.id not in known))


def _pointed_at(session: Session, customer: Customer, flat: str, *, today: date) -> Earlier | None:
    registered = orders.registered_of(session, customer, limit=LOOKED_AT)
    if not registered:
        return None
    last = registered[0]
    for name, first, end in _periods(today):
        if _said(name).search(flat):
            then = [
                order for order in registered if order.confirmed_at and first <= business_date(order.confirmed_at) < end
            ]
            return Earlier(then[0], CERTAIN) if len(then) == 1 else Earlier(then[0] if then else last, LIKELY)
    if _said("usual").search(flat) or only_again(flat):
        baskets = {_basket(order) for order in registered[:HABIT]}
        agree = len(registered) >= HABIT and len(baskets) == 1
        return Earlier(last, CERTAIN if agree else LIKELY)
    waiting = select(Order.id).where(
        Order.customer_id == customer.id, Order.state == OrderState.DRAFT, Order.created_at > last.created_at
    )
    # an order of his that still waits may be the one he means
    return Earlier(last, LIKELY if session.scalar(waiting.limit(1)) is not None else CERTAIN)


def _basket(order: Order) -> frozenset[tuple[int | None, Decimal | None]]:
    return frozenset((line.article_id, line.quantity) for line in order.kept_lines)


def _periods(today: date) -> tuple[tuple[str, date, date], ...]:
    """Last week and last month: the first day, and the day after the last."""
    monday = today - timedelta(days=today.weekday())
    this_month = today.replace(day=1)
    return (
        ("week", monday - timedelta(days=7), monday),
        ("month", (this_month - timedelta(days=1)).replace(day=1), this_month),
    )

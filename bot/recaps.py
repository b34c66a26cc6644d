"""The order as its customer sees it: one living card from the draft to the end; he never reads why something waits."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot import cards, changes, texts
from bot.cards import Content
from bot.keyboards import Press, Rows
from core import calendars, hours
from core.catalogue import Article
from core.orders import Order, OrderLine, OrderState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

#: A card is read at a glance: so many lines before its buttons, of which some are always about what is ordered.
MOST, LEAST_ORDERED = 12, 3
#: So many articles are offered for words that may mean several.
OFFERED = 3
#: A line that was taken from an earlier order says from which.
HISTORY = "history"


def recap_card(session: Session, order: Order, *, house: House, at: datetime, language: str) -> Content:
    """What was understood, what happens next and when, and what he may do about it."""
    changed = changes.last_of_draft(order, language)
    given = {
        **cards.order_context(order, language), **changed, **_day(order, at), "terms": cards.terms_named(order),
        "answer_by": texts.before(
            hours.answer_by(house, order.recap_accepted_at or at, at=at), language, at=at
        ),
    }  # fmt: skip
    for shown, line in zip(given["lines"], [one for one in order.kept_lines if not one.given_up], strict=True):
        shown["from_order"] = _taken_from(line)
    given["shown"] = _fitting(given)
    given["missing"] = any(not line.complete for line in order.kept_lines)
    return Content(
        texts.render("order_recap", language, **given), _rows(session, order, given, language), order, language
    )


def _day(order: Order, at: datetime) -> dict[str, Any]:
    """Whether the wanted day can still be met, until when the order may be changed for it, else the first that can."""
    rule, wanted = calendars.rule_of(order.customer), order.requested_delivery_date
    told: dict[str, Any] = {"missed": False, "until": None, "limit": None, "possible": None}
    if order.state is not OrderState.DRAFT or wanted is None or not rule.known:
        return told
    last = rule.deadline(wanted)
    said_at = order.delivery_date_set_at or order.created_at
    if wanted < rule.first_day(said_at) or not rule.delivers_on(wanted):
        return told | {"missed": True, "limit": last, "possible": rule.next_day(rule.first_day(at))}
    return told | {"until": last if last is not None and last > at else None}


def _taken_from(line: OrderLine) -> str:
    """The reference of the earlier order that the line repeats; empty for one that he said himself."""
    told = json.loads(line.evidence)
    return str(told.get("order", "")) if told.get("part") == HISTORY else ""


def _fitting(given: dict[str, Any]) -> int:
    """How many of the ordered lines fit: all of them, or as many as leave room for the rest and « … and more »."""
    around = 4 + sum(
        bool(given[name]) for name in ("saved", "rounding", "deposit", "place", "terms", "until", "missed")
    )
    around += 1 + len(given["changes"]) if given["changes"] else 0
    count = len(given["lines"])
    return count if around + count <= MOST else max(LEAST_ORDERED, MOST - around - 1)


def _rows(session: Session, order: Order, given: dict[str, Any], language: str) -> Rows:
    more = [Press("show_all_lines")] if given["shown"] < len(given["lines"]) else []
    ask = Press("edit_line", label_key="ask_change")
    if order.state is OrderState.DRAFT and order.recap_accepted_at is None:
        primary = [] if given["missing"] or not order.kept_lines else [Press("accept_recap")]
        exits = [Press("human")] if given["missing"] else []
        return [
            primary, *_choices(session, order), *_days(given, language), [Press("edit_line"), Press("change_date")],
            [Press("cancel_order"), *exits, *more],
        ]  # fmt: skip
    if order.state is OrderState.DRAFT:
        return [[Press("my_order", label_key="show_detail"), ask], [Press("human"), Press("cancel_order")]]
    if order.state in {OrderState.CONFIRMED, OrderState.CLOSED}:
        changeable = [ask] if order.state is OrderState.CONFIRMED else []
        return [[Press("my_order", label_key="show_detail"), *changeable], [Press("human")]]
    return [[Press("human")]]


def _choices(session: Session, order: Order) -> list[list[Press]]:
    """The articles that the first open line may mean, one a row; any other one is written."""
    for line in order.kept_lines:
        if line.complete or not line.other_skus:
            continue
        skus = [line.article.sku] if line.article is not None else []
        wanted = [*skus, *(sku for sku in line.other_skus if sku not in skus)][:OFFERED]
        known = {one.sku: one for one in session.scalars(select(Article).where(Article.sku.in_(wanted)))}
        return [
            [Press("this_article", {"position": line.position, "sku": sku}, {"name": known[sku].name})]
            for sku in wanted
            if sku in known
        ]
    return []


def _days(given: dict[str, Any], language: str) -> list[list[Press]]:
    possible: date | None = given["possible"]
    if possible is None:
        return []
    taken = Press("take_day", {"day": possible.isoformat()}, {"day": texts.day(possible, language)})
    return [[taken, Press("ask_exception")]]

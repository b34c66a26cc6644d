"""What rows about goods say: deliveries, what is left of them, and stock."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from bot import cards, delivery_letters
from bot.keyboards import Press
from bot.letters.makers import Made, Maker
from core import (
    deliveries,
    stock,
)
from core.catalogue import Article
from core.deliveries import Delivery
from core.orders import Order, OrderLine
from core.outbox import OutboxRow
from core.stock import Reservation, StockLevel

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House


def _delivered(
    session: Session, delivery: Delivery, _row: OutboxRow, _house: House, _at: datetime, language: str
) -> Made:
    left = deliveries.remaining_quantities(session, delivery.order)
    lines = [
        {
            "name": line.article.name, "quantity": line.quantity, "ordered": line.order_line.quantity,
            "unit": cards.plural(line.article.unit, line.quantity),
            "instead": line.order_line.article.name if line.substitute and line.order_line.article else "",
            "counted": cards.parcelled(line.order_line, line.quantity, language),
            "left": left.get(line.order_line_id, Decimal(0)), "reserves": line.reserves,
            "position": line.order_line.position,
        }
        for line in delivery.lines
        if line.article is not None
    ]  # fmt: skip
    there = {line.order_line_id for line in delivery.lines}
    lines += [
        {
            "name": line.article.name, "quantity": Decimal(0), "ordered": line.quantity, "left": left[line.id],
            "counted": cards.parcelled(line, Decimal(0), language),
            "unit": cards.plural(line.article.unit, line.quantity), "reserves": [], "position": line.position,
        }
        for line in delivery.order.kept_lines
        if line.article is not None and line.id in left and line.id not in there
    ]  # fmt: skip
    args = {"delivery": delivery.id}
    buttons = [
        [Press("verify_delivery", args)], [Press("report_reserve", args)],
        [Press("sign_receipt", args), Press("refuse_delivery", args)],
        [Press("cancel_backorder", args)] if left else [],
    ]  # fmt: skip
    return {"delivery": delivery, "order": delivery.order, "lines": lines}, buttons


def _verified(session: Session, delivery: Delivery, row: OutboxRow, house: House, at: datetime, language: str) -> Made:
    given, _ = _delivered(session, delivery, row, house, at, language)
    said_at = delivery.stated_at or delivery.verified_at or at
    return {**given, "said_at": said_at}, delivery_letters.after_receipt(delivery, row, language)


def _unanswered(
    session: Session, delivery: Delivery, row: OutboxRow, house: House, at: datetime, language: str
) -> Made:  # fmt: skip
    given, _ = _delivered(session, delivery, row, house, at, language)
    more, rows = delivery_letters.silent(delivery, row.template, at)
    others = delivery_letters.unanswered(session, row)
    rows += [[Press("verify_delivery", {"delivery": one.id}, {"reference": one.reference}, "verify_named"),
              Press("report_reserve", {"delivery": one.id}, label_key="report_short")] for one in others]  # fmt: skip
    return {**given, **more, "others": others}, rows


def _backorder(session: Session, order: Order, _row: OutboxRow, _house: House, _at: datetime, language: str) -> Made:
    left = deliveries.remaining_quantities(session, order)
    lines = [cards.parcelled(line, left[line.id], language) + " \u00b7 " + line.article.name
             for line in order.kept_lines if line.id in left and line.article is not None]  # fmt: skip
    return {"left": lines}, [[Press("prepare_rest")]]


def _oversold(session: Session, level: StockLevel, _row: OutboxRow, _house: House, _at: datetime, _lang: str) -> Made:
    shelf = stock.shelves(session, [level.article_id])[level.article_id]
    lines = select(Order, Reservation.quantity).join(OrderLine, OrderLine.order_id == Order.id).join(Reservation)
    promised = session.execute(lines.where(Reservation.article_id == level.article_id).order_by(Order.id)).all()
    article = session.get_one(Article, level.article_id)
    return {"article": article, "shelf": shelf, "promised": promised}, []


MAKERS: dict[str, Maker] = {
    "stock_oversold": _oversold, "backorder_ready": _backorder, "delivery_shipped": _delivered,
    "delivery_verified": _verified, "reserve_stated": _verified, "receipt_reminded": _unanswered,
    "delivery_presumed": _unanswered, "reserve_decided": delivery_letters.decided,
    "delivery_refused": delivery_letters.refused, "delivery_refused_info": delivery_letters.refused,
    "substitute_proposed": delivery_letters.proposed, "substitute_asked": delivery_letters.proposed,
    "return_noted": delivery_letters.came_back, "return_requested": delivery_letters.came_back,
    "return_agreed": delivery_letters.came_back, "return_expected": delivery_letters.came_back,
    "return_refused": delivery_letters.came_back, "return_received": delivery_letters.came_back,
    "return_received_info": delivery_letters.came_back,
}  # fmt: skip

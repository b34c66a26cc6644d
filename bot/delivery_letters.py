"""What rows about receipts, substitutes and returns say, and their buttons."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.cards import plural
from bot.handlers import receipts
from bot.keyboards import Press
from core import prices
from core.clock import add_business_days, business_date, next_business_day
from core.deliveries import Delivery, DeliveryState, GoodsReturn, Reserve
from core.outbox import OutboxRow
from core.parties import Role

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

Made = tuple[dict[str, Any], list[list[Press]]]


def decided(session: Session, delivery: Delivery, row: OutboxRow, _house: House, _at: datetime, _lang: str) -> Made:
    """An agent's answer to a remark."""
    reserve = session.get_one(Reserve, int(row.arguments["reserve"]))
    article = reserve.line.article
    told = {
        "name": article.name if article is not None else "", "quantity": reserve.quantity, "kind": reserve.kind,
        "unit": plural(article.unit, reserve.quantity) if article is not None else "", "answer": reserve.answer,
        "decision": reserve.decision.value if reserve.decision is not None else "",
    }  # fmt: skip
    return {"delivery": delivery, "order": delivery.order, "decided": told}, []


def unanswered(session: Session, row: OutboxRow) -> list[Delivery]:
    """The other deliveries that the same question is about and of which nothing was said meanwhile."""
    found = [session.get_one(Delivery, int(number)) for number in row.arguments.get("others", [])]
    return [one for one in found if one.state is DeliveryState.SHIPPED and one.correctable_until is None]


def silent(delivery: Delivery, template: str, at: datetime) -> Made:
    """The question whether it arrived, or that nobody answered it."""
    args = {"delivery": delivery.id}
    left = business_date(delivery.shipped_at or at)
    last = add_business_days(left, delivery.customer.receipt_days)
    asked = next_business_day(add_business_days(business_date(delivery.asked_again_at or at), 1))
    day = max(add_business_days(last, 1), asked)
    rows = [[Press("verify_delivery", args)], [Press("report_reserve", args), Press("sign_receipt", args)]]
    if template == "delivery_presumed":
        rows = [[Press("report_reserve", args)], [Press("verify_delivery", args)]]
    return {"presumed_on": day}, rows


def proposed(session: Session, delivery: Delivery, row: OutboxRow, _house: House, at: datetime, _lang: str) -> Made:
    """What is proposed in place of what, at which price."""
    position = int(row.arguments["position"])
    found = []
    for line in delivery.lines:
        own, other = line.order_line.article, line.proposed or line.substitute
        if line.order_line.position != position or own is None or other is None:
            continue
        price = prices.price_for(session, delivery.customer, other, on=business_date(at), quantity=line.quantity)
        ordered = line.order_line.unit_price
        found.append(
            {
                "position": position, "quantity": line.quantity, "unit": plural(own.unit, line.quantity),
                "own": f"{own.sku} {own.name}", "other": f"{other.sku} {other.name}", "own_price": ordered,
                "other_price": price, "price": min(price, ordered) if ordered is not None else price,
            }
        )  # fmt: skip
    args = {"delivery": delivery.id, "position": position}
    rows = [[Press("accept_substitute", args)], [Press("no_substitute", args)]]
    if row.audience == Role.SALES:
        rows.insert(1, [Press("ask_substitute", args), Press("substitute_price", args)])
    return {"delivery": delivery, "order": delivery.order, "proposals": found}, rows


def came_back(_session: Session, back: GoodsReturn, row: OutboxRow, _house: House, _at: datetime, _lang: str) -> Made:
    """A return, at whatever point it is."""
    lines = []
    for line in back.lines:
        article = line.delivery_line.article
        assert article is not None  # noqa: S101 - only lines with an article are delivered
        lines.append(
            {
                "position": line.delivery_line.order_line.position, "name": article.name, "quantity": line.quantity,
                "unit": plural(article.unit, max(line.quantity, line.received)), "received": line.received,
                "good": line.good, "scrapped": line.scrapped, "quarantined": line.quarantined,
            }
        )  # fmt: skip
    given = {
        "back": back, "delivery": back.delivery, "lines": lines, "credited": back.credit_note_id is not None,
    }  # fmt: skip
    args = {"goods_return": back.id}
    match row.template:
        case "return_requested":
            return given, [[Press("agree_return", args)], [Press("refuse_return", args)]]
        case "return_expected":
            return given, [[Press("return_all_good", args)], [Press("count_return", args)]]
    return given, []


def refused(_session: Session, delivery: Delivery, _row: OutboxRow, _house: House, _at: datetime, _lang: str) -> Made:
    """A delivery that was refused at the door."""
    return {"delivery": delivery, "order": delivery.order}, []


def after_receipt(delivery: Delivery, row: OutboxRow, language: str) -> list[list[Press]]:
    """Under what was received: corrections for the customer, answers for sales, a return later."""
    if row.audience == Role.SALES:
        return receipts.decisions(delivery)
    if delivery.reserves:
        return receipts.after_statement(delivery, language)
    return [[Press("ask_return", {"delivery": delivery.id})]]

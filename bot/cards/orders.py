"""The living card of an order in a colleague's chat: what, when, how much, both verdicts, one primary button."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot import texts
from bot.cards.contents import Content, order_context
from bot.cards.points import completable, treatable, watched
from bot.keyboards import Press, Rows
from core import (
    automation,
    checks,
    clearances,
    deliveries,
    deposits,
    facts,
    orders,
    overrides,
    registration,
    remedies,
    stock,
)
from core.checks import Finding, Outcome, Service, Severity
from core.deliveries import DeliveryState
from core.money import ZERO, Money
from core.orders import DepositStage, Order, OrderState, revisions
from core.parties import Role, Staff

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

SHOWN_LINES = 3
SHOWN_FINDINGS = 3
SIGNS = {Outcome.BLOCK: "\u26d4", Outcome.WATCH: "\u26a0\ufe0f", Outcome.DELIVER: "\u2705"}


def order_card(session: Session, order: Order, *, house: House, at: datetime) -> Content:
    """The order as sales sees it: what, when, how much, both verdicts, one primary button."""
    from bot import changes

    known = facts.gather(session, order, house=house, at=at)
    found, account = checks.examine(known), known.account
    registration.mark(order, found)
    told = [f for f in found if f.severity is not Severity.NOTE]
    confirmed_by = session.get(Staff, order.confirmed_by_id) if order.confirmed_by_id is not None else None
    taken_by = session.get(Staff, order.taken_by_id) if order.taken_by_id is not None else None
    undo_until = order.confirmed_at + timedelta(seconds=house.undo_seconds) if order.confirmed_at else None
    undoable = order.state is OrderState.CONFIRMED and undo_until is not None and at <= undo_until
    asked = [role for role in _asked_roles(session, order) if role in clearances.waiting(found)]
    html = texts.render(
        "order_card", **order_context(order), shown_lines=SHOWN_LINES, findings=_sentences(told),
        more_findings=max(len(told) - SHOWN_FINDINGS, 0), accounting=_verdict(found, Service.ACCOUNTING),
        commercial=_verdict(found, Service.COMMERCIAL), exposure=account.exposure.total, limit=account.credit_limit,
        confirmed_by=confirmed_by.name if confirmed_by is not None else "",
        taken_by=taken_by.name if taken_by is not None else "", undoable=undoable, house=house,
        waiting=[role.value for role in asked], **changes.last_of_draft(order),
        revision_waits=revisions.open_of(session, order) is not None, ready=not any(f.blocks for f in found),
        shipped=[d for d in deliveries.of_order(session, order) if d.state is not DeliveryState.CANCELLED],
        automatic=automation.figures_at(session, order), held=_held(session, order, at=at),
    )  # fmt: skip
    return Content(html, _order_rows(session, order, found, undoable=undoable, house=house, asked=asked, at=at), order)


def _held(session: Session, order: Order, *, at: datetime) -> Money:
    """What is missing of the deposit before a registered order may be prepared."""
    if order.state is not OrderState.CONFIRMED:
        return ZERO
    return deposits.held_back(session, order, DepositStage.PREPARATION, at=at)


def _verdict(found: tuple[Finding, ...], service: Service) -> dict[str, Any]:
    outcome = checks.verdict(found, service)
    count = sum(f.blocks for f in found if f.service is service)
    return {"sign": SIGNS[outcome], "state": outcome.value, "count": count}


def _sentences(found: list[Finding]) -> list[str]:
    return [texts.finding_text(finding) for finding in found[:SHOWN_FINDINGS]]


def _asked_roles(session: Session, order: Order) -> list[Role]:
    """The roles whose answer is awaited."""
    query = select(overrides.OverrideRequest.role).where(
        overrides.OverrideRequest.order_id == order.id, overrides.OverrideRequest.state == overrides.RequestState.OPEN
    )
    return sorted(set(session.scalars(query)))


def _order_rows(
    session: Session,
    order: Order,
    found: tuple[Finding, ...],
    *,
    undoable: bool,
    house: House,
    asked: list[Role],
    at: datetime,
) -> Rows:
    look = [Press("show_evidence"), Press("show_lines"), Press("show_exposure")]
    look += [Press("compare_quote")] if order.quote_id is not None else []
    waiting = sum(other.id != order.id for other in orders.open_drafts(session))
    following = [Press("next_draft", label_data={"count": waiting})] if waiting else []
    if order.state is OrderState.CONFIRMED and undoable:
        return [[Press("undo", label_data={"seconds": house.undo_seconds}), *following], look]
    if order.state is OrderState.CONFIRMED:
        under_way = any(d.state is DeliveryState.PREPARING for d in deliveries.of_order(session, order))
        rest = _deliverable(session, order) and not under_way
        holding = deposits.holding(session, order, at=at) if order.deposit_terms else {}
        asks = [Press("request_deposit" if deposits.to_invoice(session, order) else "request_override")]
        left = [Press("close_lines")] if deliveries.remaining_quantities(session, order) else []
        also = [*left, Press("cancel_confirmed")]
        if holding and not under_way:
            return [asks if not asked else [], look, also, following]
        return [[Press("prepare_rest")] if rest else [], look, also, following]
    if order.state is not OrderState.DRAFT:
        return [look, following]
    points, unasked = treatable(found), set(clearances.waiting(found)) - set(asked)
    beside: list[Press] = []
    if points:
        key = "treat_points" if len(points) > 1 else "treat_points_one"
        primary = [Press("treat_points", {"index": 0}, {"count": len(points)}, key)]
        others = [f for f in found if f.blocks and f not in points and f.override in unasked]
        beside = [Press("request_override")] if others else []
    elif any(f.blocks for f in found):
        primary = [Press("request_override")] if unasked else []
    else:
        primary = [Press("confirm")]
        if any(f.code in {"deposit_before_preparation", "deposit_before_shipping"} for f in found):
            primary += [Press("request_deposit")] if deposits.to_invoice(session, order) else []
    payable = any(f.blocks and "request_payment" in {r.action for r in remedies.propose(f)} for f in found)
    open_points = watched(found)
    more = [Press("treat_watched", {"index": 0}, {"count": len(open_points)})]
    noted = completable(found)
    complete = [[Press("show_notes", label_data={"count": len(noted)})]] if noted else []
    return [
        primary, beside, [Press("request_payment")] if payable else [], more if open_points else [], look,
        *complete, [Press("cancel_draft"), *following],
    ]  # fmt: skip


def _deliverable(session: Session, order: Order) -> bool:
    """Something is left to ship and the shelf can give at least part of it."""
    left = deliveries.remaining_quantities(session, order)
    return any(
        line.id in left and line.article_id is not None
        and (session.get(stock.Reservation, line.id) is not None or stock.available(session, line.article_id) > 0)
        for line in order.kept_lines
    )  # fmt: skip


def order_lines(order: Order) -> Content:
    """Every line of the order, with the way back."""
    return Content(texts.render("order_lines", **order_context(order)), [[Press("show_order")]], order)

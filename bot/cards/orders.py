"""The living card of an order in a colleague's chat: who, what, for when, how much, what is missing, one main button.

It is read on a telephone: twelve lines at most, whatever the order holds; the rest is one press away.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select

from bot import texts
from bot.cards.contents import Content, order_context
from bot.cards.points import completable, treatable, watched, weight
from bot.keyboards import Press, Rows
from core import (
    automation,
    checks,
    clearances,
    deliveries,
    deposits,
    facts,
    orders,
    outbox,
    overrides,
    registration,
    remedies,
    stock,
)
from core.checks import Finding, Outcome, Service, Severity
from core.clock import business_date
from core.deliveries import DeliveryState
from core.messages import Message, MessageChannel
from core.money import ZERO, Money
from core.orders import DepositStage, Order, OrderState, revisions
from core.outbox import OutboxRow
from core.parties import Role, Staff

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

#: What a telephone shows above the buttons.
LINES = 12
#: Who and from where, the day, the amount, then either both verdicts or who confirmed.
ALWAYS = 5
SHOWN_LINES = 3
SHOWN_FINDINGS = 3
SHOWN_CHANGES = 2
PAGE = 8
FILE_NAME = 24
SIGNS = {Outcome.BLOCK: "\u26d4", Outcome.WATCH: "\u26a0\ufe0f", Outcome.DELIVER: "\u2705"}
Item = TypeVar("Item")


def paging(items: Sequence[Item], page: int, action: str) -> tuple[Sequence[Item], list[list[Press]]]:
    """One page of a long list, and the buttons that turn it; a page that is no more there is the last one."""
    pages = max(-(-len(items) // PAGE), 1)
    page = min(max(page, 0), pages - 1)
    turns = [
        Press(action, {"page": at}, {"page": at + 1, "pages": pages}, f"page_{way}")
        for way, at in (("back", page - 1), ("on", page + 1))
        if 0 <= at < pages
    ]
    return items[page * PAGE : (page + 1) * PAGE], [turns] if turns else []


def order_card(session: Session, order: Order, *, house: House, at: datetime) -> Content:
    """The order as sales sees it: what, when, how much, both verdicts, one primary button."""
    from bot import changes

    known = facts.gather(session, order, house=house, at=at)
    found, account = checks.examine(known), known.account
    registration.mark(order, found)
    told = [f for f in found if f.severity is not Severity.NOTE]
    told.sort(key=lambda f: (not f.blocks, weight(f), f.position or 0))
    confirmed_by = session.get(Staff, order.confirmed_by_id) if order.confirmed_by_id is not None else None
    undo_until = order.confirmed_at + timedelta(seconds=house.undo_seconds) if order.confirmed_at else None
    undoable = order.state is OrderState.CONFIRMED and undo_until is not None and at < undo_until
    asked = [role for role in _asked_roles(session, order) if role in clearances.waiting(found)]
    context = order_context(order)
    changed = changes.last_of_draft(order)
    revision_waits = revisions.open_of(session, order) is not None
    shipped = [d for d in deliveries.of_order(session, order) if d.state is not DeliveryState.CANCELLED]
    held = _held(session, order, at=at)
    parked = order.parked_until if order.parked_until is not None and order.parked_until > at else None
    extras = [revision_waits, asked, parked, order.blocked and order.state is OrderState.CONFIRMED, held]
    if order.state is OrderState.DRAFT:
        space = _share(
            LINES - ALWAYS - 1 - sum(map(bool, extras)), len(told), len(changed["changes"]), len(context["lines"])
        )
    else:
        space = _share(LINES - ALWAYS - sum(map(bool, extras)), 0, len(shipped), len(context["lines"]))
    html = texts.render(
        "order_card", **context, space=space, findings=[texts.finding_text(f) for f in told[: space.findings]],
        accounting=_verdict(found, Service.ACCOUNTING), commercial=_verdict(found, Service.COMMERCIAL),
        exposure=account.exposure.total, limit=account.credit_limit, source=_source(session, order, at=at),
        confirmed_by=confirmed_by.name if confirmed_by is not None else "", undoable=undoable, house=house,
        waiting=[role.value for role in asked], **changed, revision_waits=revision_waits,
        ready=not any(f.blocks for f in found), shipped=shipped, automatic=automation.figures_at(session, order),
        held=held, told=_told(session, order), parked=parked,
        sure=sum(line.complete and line.confidence >= checks.SURE for line in order.kept_lines),
    )  # fmt: skip
    rows = _order_rows(session, order, found, undoable=undoable, house=house, asked=asked, at=at, parked=bool(parked))
    return Content(html, rows, order, view="")


@dataclass(frozen=True, slots=True)
class _Space:
    """How many of each kind have their line on the card; `more` says that one tells how many lines are left out."""

    findings: int
    changes: int
    lines: int
    more: bool


def _share(room: int, findings: int, changes: int, lines: int) -> _Space:
    """What is missing comes first, then what changed, then the ordered lines, in the room that is left."""
    shown = min(findings, SHOWN_FINDINGS, room)
    altered = min(changes, SHOWN_CHANGES, room - shown)
    left = room - shown - altered
    fitting = lines if lines <= min(left, SHOWN_LINES + 1) else max(min(left - 1, SHOWN_LINES), 0)
    return _Space(shown, altered, fitting, more=fitting < lines and left > 0)


def _source(session: Session, order: Order, *, at: datetime) -> str:
    """Where the order came from and when, the files it was read in, and whether our server vouches for the sender."""
    message = session.get(Message, order.message_id) if order.message_id is not None else None
    came = message.received_at if message is not None else order.created_at
    today = business_date(came) == business_date(at)
    if order.taken_by_id is not None:
        taker = session.get(Staff, order.taken_by_id)
        by = taker.name if taker is not None else texts.word("colleague")
        took = order.taken_at or came
        return texts.answer(
            "source_taken_from" if order.taken_from else "source_taken", by=by, whom=order.taken_from, at=took
        )
    parts = [texts.answer("source_today" if today else "source_then", channel=texts.word(order.channel.value), at=came)]
    parts += _files(order)
    if order.customer_reference:
        parts.append(texts.answer("source_number", number=order.customer_reference))
    if order.channel is MessageChannel.MAIL:
        parts.append(texts.answer("source_vouched" if order.sender_authenticated else "source_unvouched"))
    return " · ".join(parts)


def _files(order: Order) -> list[str]:
    """The files that its lines were read in, each with its last page."""
    pages: dict[str, int] = {}
    for line in order.kept_lines:
        evidence = json.loads(line.evidence)
        part = str(evidence.get("part", ""))
        if "." in part:
            pages[part] = max(pages.get(part, 0), int(evidence.get("page") or 0))
    short = {name: name if len(name) <= FILE_NAME else f"{name[: FILE_NAME - 1]}…" for name in pages}
    return [
        texts.answer("source_file", name=short[name], pages=last) if last else short[name]
        for name, last in pages.items()
    ][:1]


def _told(session: Session, order: Order) -> dict[str, Any] | None:
    """The confirmation on its way to the customer: by mail to whom or by chat, and whether it has left."""
    query = select(OutboxRow).where(
        OutboxRow.subject == order.subject, OutboxRow.template == "order_confirmed", OutboxRow.audience == "customer",
        OutboxRow.state != outbox.OutboxState.MOOT,
    )  # fmt: skip
    row = session.scalar(query.order_by(OutboxRow.id.desc()).limit(1))
    return {"email": row.email, "state": row.state.value, "at": row.sent_at} if row is not None else None


def _held(session: Session, order: Order, *, at: datetime) -> Money:
    """What is missing of the deposit before a registered order may be prepared."""
    if order.state is not OrderState.CONFIRMED:
        return ZERO
    return deposits.held_back(session, order, DepositStage.PREPARATION, at=at)


def _verdict(found: tuple[Finding, ...], service: Service) -> dict[str, Any]:
    outcome = checks.verdict(found, service)
    count = sum(f.blocks for f in found if f.service is service)
    return {"sign": SIGNS[outcome], "state": outcome.value, "count": count}


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
    parked: bool,
) -> Rows:
    look = [
        Press("show_evidence", label_key=_evidence_label(order)),
        Press("show_lines", {"page": 0}),
        Press("show_exposure"),
    ]
    looks = [look, [Press("compare_quote")] if order.quote_id is not None else []]
    waiting = sum(other.id != order.id for other in orders.open_drafts(session, at=at))
    following = [Press("next_draft", label_data={"count": waiting})] if waiting else []
    if order.state is OrderState.CONFIRMED and undoable:
        return [[Press("undo", label_data={"seconds": house.undo_seconds}), *following], *looks]
    if order.state is OrderState.CONFIRMED:
        under_way = any(d.state is DeliveryState.PREPARING for d in deliveries.of_order(session, order))
        rest = _deliverable(session, order) and not under_way
        holding = deposits.holding(session, order, at=at) if order.deposit_terms else {}
        asks = [Press("request_deposit" if deposits.to_invoice(session, order) else "request_override")]
        left = [Press("close_lines")] if deliveries.remaining_quantities(session, order) else []
        also = [*left, Press("cancel_confirmed")]
        if holding and not under_way:
            return [asks if not asked else [], *looks, also, following]
        return [[Press("prepare_rest")] if rest else [], *looks, also, following]
    if order.state is not OrderState.DRAFT:
        return [*looks, following]
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
            beside = [Press("request_deposit")] if deposits.to_invoice(session, order) else []
    payable = any(f.blocks and "request_payment" in {r.action for r in remedies.propose(f)} for f in found)
    open_points = watched(found)
    more = [Press("treat_watched", {"index": 0}, {"count": len(open_points)})]
    noted = completable(found)
    complete = [[Press("show_notes", label_data={"count": len(noted)})]] if noted else []
    edit = [Press("change_lines", {"page": 0}), Press("unpark") if parked else Press("park")]
    return [
        primary, beside, [Press("request_payment")] if payable else [], more if open_points else [], *looks, edit,
        *complete, [Press("cancel_draft"), *following],
    ]  # fmt: skip


def _evidence_label(order: Order) -> str:
    """What the original is: a file, or words."""
    parts = {str(json.loads(line.evidence).get("part", "")) for line in order.kept_lines}
    if any(part.lower().endswith(".pdf") for part in parts):
        return "show_pdf"
    return "show_mail" if order.channel is MessageChannel.MAIL else ""


def _deliverable(session: Session, order: Order) -> bool:
    """Something is left to ship and the shelf can give at least part of it."""
    left = deliveries.remaining_quantities(session, order)
    return any(
        line.id in left and line.article_id is not None
        and (session.get(stock.Reservation, line.id) is not None or stock.available(session, line.article_id) > 0)
        for line in order.kept_lines
    )  # fmt: skip


def order_lines(order: Order, page: int = 0) -> Content:
    """The lines of the order, a page at a time, with the way back."""
    context = order_context(order)
    shown, turns = paging(context["lines"], page, "show_lines")
    html = texts.render("order_lines", **context | {"lines": shown, "count": len(context["lines"])})
    return Content(html, [*turns, [Press("show_order")]], order, view=json.dumps(["lines", {"page": page}]))

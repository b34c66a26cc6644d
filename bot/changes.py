"""What changed, as people read it: the difference of a draft, the redline of a revision, the card that decides it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import cards, texts
from bot.cards import Content
from bot.keyboards import Press
from core import deliveries, orders, revising
from core.checks import Severity
from core.messages import Message
from core.orders import Difference, LineState, Order, OrderRevision, RevisionKind, RevisionState
from core.parties import Staff

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.revising import RedLine
    from core.settings import House


def amount(state: LineState, language: str = "fr", *, unit: bool = True) -> str:
    """How many of a line, as the customer counts it where he does: « 12 cartons »."""
    packed = bool(state.packaging) and state.packaging_count is not None
    count = state.packaging_count if packed else state.quantity
    if count is None:
        return "?"
    name = cards.plural(state.packaging if packed else state.unit, count)
    return f"{texts.shown(count, language)} {name}".strip() if unit else texts.shown(count, language)


def difference(change: Difference, language: str = "fr") -> dict[str, Any]:
    """A difference as templates show it: what was, what is."""
    before, after = change.before, change.after
    known = after or before
    same_unit = before is not None and after is not None and before.packaging == after.packaging
    return {
        "kind": change.kind.value, "position": known.position if known is not None else 0,
        "name": known.name if known is not None else "", "name_before": before.name if before is not None else "",
        "before": amount(before, language, unit=not same_unit) if before is not None else "",
        # the words of a line that nobody recognised say themselves how many
        "after": amount(after, language) if after is not None and after.sku else "",
        "gone": amount(before, language) if before is not None and before.sku else "",
        "day_before": change.day_before, "day_after": change.day_after,
    }  # fmt: skip


def differences(found: tuple[Difference, ...], language: str = "fr") -> list[dict[str, Any]]:
    """All of them, lines first."""
    return [difference(change, language) for change in found]


def last_of_draft(order: Order, language: str = "fr") -> dict[str, Any]:
    """What the last change of a draft altered, and whether the customer himself made it."""
    change = orders.last_change(order) if order.state is orders.OrderState.DRAFT else None
    if change is None:
        return {"changes": [], "changed_by_customer": False, "changed_at": None}
    shown = differences(change.differences, language)
    return {"changes": shown, "changed_by_customer": change.by.startswith("customer"), "changed_at": change.at}


def revision_card(session: Session, revision: OrderRevision, *, house: House, at: datetime) -> Content:
    """A wish about a registered order as sales sees it: the redline, both checks, and one press to accept it."""
    order = revision.order
    message = session.get(Message, revision.message_id) if revision.message_id is not None else None
    said = " ".join(message.extract.split())[: cards.EXTRACT] if message is not None else revision.reason
    waits = revision.state is RevisionState.PROPOSED
    seen = revising.redline(session, revision, house=house, at=at) if waits else None
    told = [f for f in seen.findings if f.severity is not Severity.NOTE] if seen is not None else []
    decided = session.get(Staff, revision.decided_by_id) if revision.decided_by_id is not None else None
    html = texts.render(
        "revision_card", revision=revision, order=order, customer=order.customer, said=said, seen=seen, waits=waits,
        cancels=revision.kind is RevisionKind.CANCELLATION, shipped=bool(deliveries.shipped_quantities(session, order)),
        lines=[_redline(line) for line in seen.lines if line.changed] if seen is not None else [],
        kept=sum(not line.changed for line in seen.lines) if seen is not None else 0,
        effect=seen.net_after - seen.net if seen is not None else None, findings=[texts.finding_text(f) for f in told],
        deposits=[(deposit.number, paid) for deposit, paid in revising.deposits_to_return(session, order)],
        changes=differences(revision.differences), decided_by=decided.name if decided is not None else "",
    )  # fmt: skip
    if seen is None:
        return Content(html)
    args = {"order_revision": revision.id}
    possible = not seen.impossible and not seen.blockers
    if revision.kind is RevisionKind.CANCELLATION:
        accept = [Press("accept_cancellation", args, {"reference": order.reference})]
    else:
        accept = [Press("accept_revision", args)] if possible else []
    asks = seen.blockers and any(f.blocks and f.override is not None for f in seen.findings)
    let_through = [Press("request_override")] if asks else []
    return Content(
        html, [accept, let_through, [Press("refuse_revision", args)], [Press("open_order", {"order": order.id})]], order
    )


def _redline(red: RedLine) -> dict[str, Any]:
    """A changed line in sales units, with what has left and what was invoiced of it."""
    line, added = red.line, red.added
    article = line.article if line is not None else (added.article if added is not None else None)
    said = line.text if line is not None else (added.text if added is not None else "")
    price = line.unit_price if line is not None else None
    wanted = red.wanted if red.wanted is not None else Decimal(0)
    return {
        "position": line.position if line is not None else 0, "name": article.name if article is not None else said,
        "unit": cards.plural(article.unit, wanted) if article is not None else "", "known": article is not None,
        "confirmed": red.confirmed, "shipped": red.shipped, "invoiced": red.invoiced, "wanted": red.wanted,
        "price": price, "impossible": red.impossible, "back": red.shipped - wanted,
    }  # fmt: skip

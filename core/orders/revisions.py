"""Revisions: what is wanted of an order that is already registered, proposed to an agent and decided by him.

At most one waits for each order: what is said later joins it. What it does to the order is `core.revising`'s.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, journal
from core.catalogue import Article
from core.db import Base, choice
from core.errors import IllegalTransition, Refused
from core.orders.decisions import lock
from core.orders.differences import Difference, Snapshot, compare, parse
from core.orders.drafts import AskedLine, line_at
from core.orders.tables import Order, OrderState

if TYPE_CHECKING:
    from core.journal import Actor


class RevisionState(StrEnum):
    """What was decided about a revision; STALE: the order, or what is wanted of it, has changed since."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    STALE = "stale"


NEXT: dict[RevisionState, frozenset[RevisionState]] = {
    RevisionState.PROPOSED: frozenset({RevisionState.ACCEPTED, RevisionState.REFUSED, RevisionState.STALE}),
    RevisionState.ACCEPTED: frozenset(),
    RevisionState.REFUSED: frozenset(),
    RevisionState.STALE: frozenset(),
}
assert set(NEXT) == set(RevisionState)  # noqa: S101 - the table is complete


class RevisionKind(StrEnum):
    """What is wanted: other lines or another day, or no order any more."""

    CHANGE = "change"
    CANCELLATION = "cancellation"


class OrderRevision(Base):
    """One wish about an order: `wanted` is a `Wanted` as JSON, `before` what the order was when it was accepted.

    `index` is the order's revision number that it made. `private` words stand in `reason` and `answer`.
    """

    __tablename__ = "order_revision"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    index: Mapped[int | None]
    kind: Mapped[RevisionKind] = mapped_column(choice(RevisionKind))
    state: Mapped[RevisionState] = mapped_column(choice(RevisionState), default=RevisionState.PROPOSED)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    wanted: Mapped[str] = mapped_column(Text, default="")
    before: Mapped[str] = mapped_column(Text, default="")
    after: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    order: Mapped[Order] = relationship()

    @property
    def subject(self) -> str:
        """The revision as the subject of outbox rows and cards."""
        return f"order_revision:{self.id}"

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What an accepted revision changed, as it was decided; empty before."""
        if not self.before:
            return ()
        return compare(_kept(self.before), _kept(self.after))


def _kept(text: str) -> Snapshot:
    return parse(json.loads(text))


@dataclass(frozen=True, slots=True)
class LineWish:
    """How many sales units of a line are wanted in all; None gives up what is left of it."""

    position: int
    quantity: Decimal | None
    packaging: str = ""
    packaging_count: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an order should become: some lines otherwise, some more, another day; what is not named stays."""

    lines: tuple[LineWish, ...] = ()
    added: tuple[AskedLine, ...] = ()
    day: date | None = None

    def __bool__(self) -> bool:
        return bool(self.lines or self.added or self.day)

    def joined(self, later: Wanted) -> Wanted:
        """The wish with a later one, which has the last word."""
        lines = {wish.position: wish for wish in (*self.lines, *later.lines)}
        known = {line.article.id for line in later.added if line.article is not None}
        added = [line for line in self.added if line.article is None or line.article.id not in known]
        return Wanted(tuple(lines[p] for p in sorted(lines)), (*added, *later.added), later.day or self.day)


def wish_of(session: Session, revision: OrderRevision) -> Wanted:
    """What the revision wants."""
    kept = json.loads(revision.wanted) if revision.wanted else {"lines": [], "added": [], "day": None}

    def number(text: str | None) -> Decimal | None:
        return Decimal(text) if text is not None else None

    lines = tuple(
        LineWish(line["position"], number(line["quantity"]), line["packaging"], number(line["packaging_count"]))
        for line in kept["lines"]
    )
    added = tuple(
        AskedLine(
            text=line["text"], article=session.get(Article, line["article"]) if line["article"] else None,
            quantity=number(line["quantity"]), packaging=line["packaging"],
            packaging_count=number(line["packaging_count"]), customer_price=number(line["customer_price"]),
            customer_reference=line["customer_reference"], confidence=Decimal(line["confidence"]),
            alternatives=tuple(line["alternatives"]),
        )
        for line in kept["added"]
    )  # fmt: skip
    return Wanted(lines, added, date.fromisoformat(kept["day"]) if kept["day"] else None)


def _plain(wanted: Wanted) -> str:
    def text(value: Decimal | None) -> str | None:
        return str(value) if value is not None else None

    lines = [
        {"position": wish.position, "quantity": text(wish.quantity), "packaging": wish.packaging,
         "packaging_count": text(wish.packaging_count)}
        for wish in wanted.lines
    ]  # fmt: skip
    added: list[dict[str, Any]] = [
        {"text": line.text, "article": line.article.id if line.article is not None else None,
         "quantity": text(line.quantity), "packaging": line.packaging, "packaging_count": text(line.packaging_count),
         "customer_price": text(line.customer_price), "customer_reference": line.customer_reference,
         "confidence": str(line.confidence), "alternatives": list(line.alternatives)}
        for line in wanted.added
    ]  # fmt: skip
    return json.dumps({"lines": lines, "added": added, "day": wanted.day.isoformat() if wanted.day else None})


def move(
    session: Session, revision: OrderRevision, target: RevisionState, *, by: Actor, at: datetime, answer: str = ""
) -> None:
    """Decide about a revision, with a journal line on its order; an illegal move raises."""
    if target not in NEXT[revision.state]:
        raise IllegalTransition(thing="revision", state=revision.state, target=target)
    revision.state, revision.answer, revision.decided_at = target, answer, at
    revision.decided_by_id = by.id if by.roles else None
    journal.write(
        session, f"revision_{target}", subject=revision.order.subject, by=by, at=at, private=answer or None,
        revision=revision.id, kind=revision.kind,
    )  # fmt: skip


def record(
    session: Session, order: Order, wanted: Wanted, *, kind: RevisionKind, reason: str, by: Actor, at: datetime,
    message_id: int | None = None,
) -> OrderRevision:  # fmt: skip
    """The row and the journal line of a wish, of which nobody is told yet."""
    revision = OrderRevision(
        order=order, kind=kind, message_id=message_id, wanted=_plain(wanted), reason=reason.strip(),
        proposed_by=str(by), proposed_at=at, state=RevisionState.PROPOSED,
    )  # fmt: skip
    session.add(revision)
    session.flush()
    journal.write(
        session, "revision_proposed", subject=order.subject, by=by, at=at, private=reason.strip() or None,
        revision=revision.id, kind=kind, lines={str(w.position): str(w.quantity) for w in wanted.lines},
        added=len(wanted.added), day=wanted.day.isoformat() if wanted.day else "",
    )  # fmt: skip
    return revision


def propose(
    session: Session, order: Order, wanted: Wanted, *, by: Actor, at: datetime, reason: str = "",
    message_id: int | None = None, kind: RevisionKind = RevisionKind.CHANGE,
) -> OrderRevision:  # fmt: skip
    """Put a wish about an order before sales; it joins the one that waits already, which becomes stale.

    A change is of a registered order; a cancellation may be of a draft too. Refuses a quantity of zero or less, a line
    that is not there, and a wish that changes nothing.
    """
    order = lock(session, order.id)
    if order.state is not OrderState.CONFIRMED and (kind is RevisionKind.CHANGE or order.state is not OrderState.DRAFT):
        raise Refused("order_not_confirmed", reference=order.reference)
    waiting = open_of(session, order)
    if kind is RevisionKind.CHANGE:
        wanted = _real(order, wanted)
        if not wanted:
            raise Refused("nothing_to_change", reference=order.reference)
        if waiting is not None and waiting.kind is RevisionKind.CHANGE:
            wanted = wish_of(session, waiting).joined(wanted)
    set_aside(session, order, by=by, at=at)
    revision = record(session, order, wanted, kind=kind, reason=reason, by=by, at=at, message_id=message_id)
    events.emit(session, "revision_proposed", revision, at=at)
    return revision


def _real(order: Order, wanted: Wanted) -> Wanted:
    """The wish without the day that the order already has; refuses unknown lines and quantities of zero or less."""
    for wish in wanted.lines:
        line_at(order, wish.position)
        if wish.quantity is not None and wish.quantity <= 0:
            raise Refused("quantity_not_positive", position=wish.position, quantity=wish.quantity)
    for line in wanted.added:
        if line.quantity is not None and line.quantity <= 0:
            raise Refused("quantity_not_positive", position=0, quantity=line.quantity)
    day = wanted.day if wanted.day != order.requested_delivery_date else None
    return replace(wanted, day=day)


def open_of(session: Session, order: Order) -> OrderRevision | None:
    """The revision of the order that waits for an agent, if any."""
    query = select(OrderRevision).where(
        OrderRevision.order_id == order.id, OrderRevision.state == RevisionState.PROPOSED
    )
    return session.scalar(query.order_by(OrderRevision.id.desc()).limit(1))


def set_aside(session: Session, order: Order, *, by: Actor, at: datetime, but: OrderRevision | None = None) -> None:
    """What waits about an order that changes under it is stale, and its card says so."""
    query = select(OrderRevision).where(
        OrderRevision.order_id == order.id, OrderRevision.state == RevisionState.PROPOSED
    )
    for revision in session.scalars(query.order_by(OrderRevision.id)):
        if revision is not but:
            move(session, revision, RevisionState.STALE, by=by, at=at)
            events.emit(session, "revision_decided", revision, at=at)

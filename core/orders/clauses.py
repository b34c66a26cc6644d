"""The customer's own purchase terms on an order: each clause with his words, and what was decided about it.

An agent may keep our clause by himself (C. civ. 1119: the confirmation then says so); accepting theirs is the
manager's, and never by whoever asked for it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events, journal, terms
from core.clauses import Clause, ClauseChoice, ClauseKind
from core.db import Base, choice
from core.errors import Refused
from core.journal import Actor
from core.orders.tables import Order, OrderState
from core.parties import Role

MIN_REASON = 10


class OrderClause(Base):
    """One clause of the customer's purchase terms: its value, his exact words, where they stand, how it was settled."""

    __tablename__ = "order_clause"
    __table_args__ = (UniqueConstraint("order_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"))
    kind: Mapped[ClauseKind] = mapped_column(choice(ClauseKind))
    value: Mapped[str]
    words: Mapped[str] = mapped_column(Text)
    part: Mapped[str] = mapped_column(default="")
    settled: Mapped[ClauseChoice | None] = mapped_column(choice(ClauseChoice))
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str] = mapped_column(Text, default="")


def keep(session: Session, order: Order, found: tuple[Clause, ...]) -> None:
    """Keep the clauses of a new draft, the first of each kind."""
    for kind in dict.fromkeys(clause.kind for clause in found):
        clause = next(known for known in found if known.kind is kind)
        order.clauses.append(OrderClause(kind=kind, value=clause.value, words=clause.words, part=clause.part))
    session.flush()


def take_clauses(session: Session, order: Order, found: tuple[Clause, ...], *, by: Actor, at: datetime) -> bool:
    """Keep the clauses that later words about a draft state; one that is said anew must be settled anew.

    False when they say nothing that was not said.
    """
    held = {clause.kind: clause for clause in order.clauses}
    fresh = [clause for clause in found if clause.kind not in held or held[clause.kind].value != clause.value]
    if not fresh or order.state is not OrderState.DRAFT:
        return False
    for clause in fresh:
        known = held.get(clause.kind)
        if known is None:
            order.clauses.append(
                OrderClause(kind=clause.kind, value=clause.value, words=clause.words, part=clause.part)
            )
            continue
        known.value, known.words, known.part = clause.value, clause.words, clause.part
        known.settled, known.settled_by_id, known.asked_by_id, known.reason = None, None, None, ""
    order.version += 1
    journal.write(
        session, "clauses_stated", subject=order.subject, by=by, at=at,
        clauses={clause.kind.value: clause.value for clause in fresh},
    )  # fmt: skip
    events.emit(session, "order_changed", order, at=at)
    return True


def clause_of(order: Order, kind: ClauseKind) -> OrderClause:
    """The order's clause of that kind; refuses an order without one."""
    found = next((clause for clause in order.clauses if clause.kind is kind), None)
    if found is None:
        raise Refused("clause_unknown", reference=order.reference)
    return found


def keep_ours(session: Session, order: Order, kind: ClauseKind, *, by: Actor, at: datetime) -> None:
    """Decide that our clause stands; the confirmation restates it."""
    _settle(session, order, kind, ClauseChoice.OURS, reason="", by=by, at=at)


def ask_for_theirs(session: Session, order: Order, kind: ClauseKind, *, reason: str, by: Actor, at: datetime) -> None:
    """Ask the manager to accept the customer's clause; the reason is kept."""
    clause = _open(order, kind, reason)
    clause.asked_by_id, clause.reason = by.id, reason.strip()
    journal.write(
        session, "clause_asked", subject=order.subject, by=by, at=at, clause=kind, value=clause.value, private=reason
    )
    events.emit(session, "clause_asked", order, at=at, clause=kind.value)


def accept_theirs(session: Session, order: Order, kind: ClauseKind, *, reason: str, by: Actor, at: datetime) -> None:
    """The manager accepts the customer's clause for this order; refuses another role and whoever asked."""
    clause = _open(order, kind, reason)
    if Role.MANAGER.value not in by.roles:
        raise Refused("role_missing", role=Role.MANAGER.value)
    if clause.asked_by_id is not None and clause.asked_by_id == by.id:
        raise Refused("own_request")
    if kind is ClauseKind.PAYMENT:
        terms.lawful(clause.value)
    _settle(session, order, kind, ClauseChoice.THEIRS, reason=reason.strip(), by=by, at=at)


def _open(order: Order, kind: ClauseKind, reason: str) -> OrderClause:
    if len(reason.strip()) < MIN_REASON:
        raise Refused("reason_too_short", minimum=MIN_REASON)
    if order.state is not OrderState.DRAFT:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    return clause_of(order, kind)


def _settle(
    session: Session, order: Order, kind: ClauseKind, settled: ClauseChoice, *, reason: str, by: Actor, at: datetime
) -> None:
    if order.state is not OrderState.DRAFT:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    clause = clause_of(order, kind)
    clause.settled, clause.settled_by_id, clause.reason = settled, by.id, reason or clause.reason
    order.version += 1
    journal.write(
        session, "clause_settled", subject=order.subject, by=by, at=at, clause=kind, settled=settled,
        theirs=clause.value, private=reason or None,
    )  # fmt: skip
    events.emit(session, "order_changed", order, at=at)

"""Overrides: who let an order through although a check said no, why, up to how much and until when.

The requester cannot approve himself; only the role that a check names may (S10, S11).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, journal
from core.db import Base, choice
from core.errors import Refused
from core.journal import Actor
from core.money import Money
from core.orders import Order, OrderState, revisions
from core.parties import Role

MIN_REASON = 10
LIFETIME = timedelta(days=3)


class RequestState(StrEnum):
    """What was decided about a request."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"


class OverrideRequest(Base):
    """A colleague's wish to have an order let through, with his reason."""

    __tablename__ = "override_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    role: Mapped[Role] = mapped_column(choice(Role))
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[RequestState] = mapped_column(choice(RequestState), default=RequestState.OPEN)
    requested_at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(Text, default="")
    order: Mapped[Order] = relationship()

    @property
    def subject(self) -> str:
        """The request as the subject of outbox rows."""
        return f"override_request:{self.id}"


class Override(Base):
    """One finding of one order let through, up to a gross amount and an instant."""

    __tablename__ = "override"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    finding: Mapped[str]
    granted_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str] = mapped_column(Text)
    cap: Mapped[Money]
    expires_at: Mapped[datetime]
    granted_at: Mapped[datetime]


def request(session: Session, order: Order, role: Role, *, reason: str, by: Actor, at: datetime) -> OverrideRequest:
    """Ask the role that may decide; one open request per order and role."""
    known = session.scalar(
        select(OverrideRequest).where(
            OverrideRequest.order_id == order.id,
            OverrideRequest.role == role,
            OverrideRequest.state == RequestState.OPEN,
        )
    )
    if known is not None:
        return known
    assert by.id is not None  # noqa: S101 - only staff can ask
    wish = OverrideRequest(order=order, role=role, requested_by_id=by.id, reason=reason.strip(), requested_at=at)
    session.add(wish)
    session.flush()
    journal.write(
        session, "override_requested", subject=order.subject, by=by, at=at, private=reason, role=role, request=wish.id
    )
    events.emit(session, "override_requested", wish, at=at)
    return wish


def grant(
    session: Session, order: Order, findings: dict[str, Role], *, reason: str, by: Actor, at: datetime,
    cap: Money | None = None, expires_at: datetime | None = None, wish: OverrideRequest | None = None,
) -> list[Override]:  # fmt: skip
    """Let the named findings of this order through; refuses a wrong role, the requester himself, a short reason."""
    if len(reason.strip()) < MIN_REASON:
        raise Refused("reason_too_short", minimum=MIN_REASON)
    if order.state is not OrderState.DRAFT and revisions.open_of(session, order) is None:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    if not findings:
        raise Refused("nothing_to_override", reference=order.reference)
    if any(role.value not in by.roles for role in findings.values()):
        raise Refused("role_missing", role=next(iter(findings.values())).value)
    requests = list(session.scalars(select(OverrideRequest).where(OverrideRequest.order_id == order.id)))
    if any(request.requested_by_id == by.id for request in requests):
        raise Refused("own_request")
    assert by.id is not None  # noqa: S101 - a role belongs to a colleague
    granted = [
        Override(
            order_id=order.id, finding=code, granted_by_id=by.id, reason=reason.strip(),
            cap=cap or order.totals.gross, expires_at=expires_at or at + LIFETIME, granted_at=at,
        )
        for code in sorted(findings)
    ]  # fmt: skip
    session.add_all(granted)
    for request in requests:
        if request.state is RequestState.OPEN and (request is wish or request.role in findings.values()):
            request.state, request.answer = RequestState.GRANTED, reason.strip()
    session.flush()
    journal.write(
        session, "override_granted", subject=order.subject, by=by, at=at, private=reason.strip(),
        findings=sorted(findings), cap=granted[0].cap, expires_at=granted[0].expires_at,
    )  # fmt: skip
    events.emit(session, "override_granted", order, at=at)
    return granted


def refuse(session: Session, wish: OverrideRequest, *, reason: str, by: Actor, at: datetime) -> None:
    """Say no to a request; the asker is told."""
    if wish.state is not RequestState.OPEN:
        raise Refused("request_already_answered")
    if wish.role.value not in by.roles:
        raise Refused("role_missing", role=wish.role.value)
    wish.state, wish.answer = RequestState.REFUSED, reason
    journal.write(session, "override_refused", subject=wish.order.subject, by=by, at=at, private=reason)
    events.emit(session, "override_refused", wish.order, at=at)


def standing(session: Session, order: Order, *, at: datetime) -> frozenset[str]:
    """The findings of the order that are let through now: not expired, and the order not above the cap."""
    query = select(Override).where(Override.order_id == order.id, Override.expires_at > at)
    return frozenset(override.finding for override in session.scalars(query) if order.totals.gross <= override.cap)

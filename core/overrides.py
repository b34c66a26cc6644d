"""Overrides: who let an order through although a check said no, why, up to how much and until when.

The requester cannot approve himself; only the role that a check names may (S10, S11).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, journal, orders
from core.db import Base, choice
from core.errors import Refused
from core.journal import Actor
from core.money import Money
from core.orders import Order, OrderState
from core.parties import Role

MIN_REASON = 10
LIFETIME = timedelta(days=3)


class RequestState(StrEnum):
    """What was decided about a request."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"
    REPLACED = "replaced"


class OverrideRequest(Base):
    """A colleague's wish to have an order let through, with his reason.

    `findings` are the role's own findings with their numbers as they were when he asked, by their keys, and `gross`
    what the order came to: what was not shown is not granted.
    """

    __tablename__ = "override_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    role: Mapped[Role] = mapped_column(choice(Role))
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[RequestState] = mapped_column(choice(RequestState), default=RequestState.OPEN)
    requested_at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(Text, default="")
    findings: Mapped[str] = mapped_column(Text, default="{}")
    gross: Mapped[Money | None]
    order: Mapped[Order] = relationship()

    @property
    def subject(self) -> str:
        """The request as the subject of outbox rows."""
        return f"override_request:{self.id}"

    @property
    def shown(self) -> dict[str, dict[str, object]]:
        """The numbers of each finding that was shown, by its key; empty for a request that named none."""
        found: dict[str, dict[str, object]] = json.loads(self.findings)
        return found


class Override(Base):
    """One finding (its key, or its code for every finding of that code) of one order let through, up to a gross
    amount and an instant.
    """

    __tablename__ = "override"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    finding: Mapped[str]
    granted_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str] = mapped_column(Text)
    cap: Mapped[Money]
    expires_at: Mapped[datetime]
    granted_at: Mapped[datetime]


def request(
    session: Session, order: Order, role: Role, *, reason: str, by: Actor, at: datetime,
    findings: Mapping[str, Mapping[str, object]] | None = None,
) -> OverrideRequest:  # fmt: skip
    """Ask the role that may decide; one open request per order and role.

    Asking again while it is open gives it back, unless other findings or numbers are there now: a new one takes its
    place, so that nobody grants what he did not see.
    """
    _ensure_reason(reason)
    _ensure_open(order)
    numbers = journal.canonical_json({key: _told(data) for key, data in (findings or {}).items()})
    known = session.scalar(
        select(OverrideRequest).where(
            OverrideRequest.order_id == order.id,
            OverrideRequest.role == role,
            OverrideRequest.state == RequestState.OPEN,
        )
    )
    if known is not None and known.findings == numbers and known.gross == order.totals.gross:
        return known
    if known is not None:
        known.state = RequestState.REPLACED
    assert by.id is not None  # noqa: S101 - only staff can ask
    wish = OverrideRequest(
        order=order, role=role, requested_by_id=by.id, reason=reason.strip(), requested_at=at, findings=numbers,
        gross=order.totals.gross,
    )  # fmt: skip
    session.add(wish)
    session.flush()
    journal.write(
        session, "override_requested", subject=order.subject, by=by, at=at, private=reason, role=role, request=wish.id,
        numbers={key: _numbers(data) for key, data in (findings or {}).items()}, gross=wish.gross,
    )  # fmt: skip
    events.emit(session, f"override_requested_{role}", wish, at=at)
    return wish


def grant(
    session: Session, order: Order, findings: dict[str, Role], *, reason: str, by: Actor, at: datetime,
    cap: Money | None = None, expires_at: datetime | None = None, wish: OverrideRequest | None = None,
    numbers: Mapping[str, Mapping[str, object]] | None = None,
) -> list[Override]:  # fmt: skip
    """Let the named findings of this order through, with their `numbers` in the journal.

    Refuses a wrong role, the requester himself, a short reason, an order that is over, and a cap below what the order
    comes to. A confirmed order may be let through too: its shipment and its revisions are checked as well.
    """
    _ensure_reason(reason)
    _ensure_open(order)
    if not findings:
        raise Refused("nothing_to_override", reference=order.reference)
    if any(role.value not in by.roles for role in findings.values()):
        raise Refused("role_missing", role=next(role for role in findings.values() if role.value not in by.roles).value)
    ensure_not_own(session, order, set(findings.values()), by=by)
    cap = (
        cap if cap is not None else (wish.gross if wish is not None and wish.gross is not None else order.totals.gross)
    )
    if order.totals.gross > cap:
        raise Refused("cap_below_order", reference=order.reference, cap=cap, gross=order.totals.gross)
    if expires_at is not None and expires_at <= at:
        raise Refused("expiry_in_past", at=expires_at)
    assert by.id is not None  # noqa: S101 - a role belongs to a colleague
    granted = [
        Override(
            order_id=order.id, finding=code, granted_by_id=by.id, reason=reason.strip(),
            cap=cap, expires_at=expires_at or at + LIFETIME, granted_at=at,
        )
        for code in sorted(findings)
    ]  # fmt: skip
    session.add_all(granted)
    for known in _requests(session, order):
        if known.state is RequestState.OPEN and (known is wish or known.role in findings.values()):
            known.state, known.answer = RequestState.GRANTED, reason.strip()
    session.flush()
    journal.write(
        session, "override_granted", subject=order.subject, by=by, at=at, private=reason.strip(),
        findings=sorted(findings), cap=granted[0].cap, expires_at=granted[0].expires_at,
        numbers={key: _numbers(data) for key, data in (numbers or {}).items()},
    )  # fmt: skip
    events.emit(session, "override_granted", order, at=at, role=next(iter(findings.values())))
    return granted


def _requests(session: Session, order: Order) -> list[OverrideRequest]:
    return list(session.scalars(select(OverrideRequest).where(OverrideRequest.order_id == order.id)))


def ensure_not_own(session: Session, order: Order, roles: set[Role], *, by: Actor) -> None:
    """Refuse whoever has asked one of these roles about this order himself, whatever became of his request (S10)."""
    if any(known.role in roles and known.requested_by_id == by.id for known in _requests(session, order)):
        raise Refused("own_request")


def _ensure_reason(reason: str) -> None:
    if len(reason.strip()) < MIN_REASON:
        raise Refused("reason_too_short", minimum=MIN_REASON)


def _ensure_open(order: Order) -> None:
    if order.state not in {OrderState.DRAFT, OrderState.CONFIRMED}:
        raise Refused("order_over", reference=order.reference, state=order.state)


def _numbers(data: Mapping[str, object]) -> dict[str, str]:
    """The numbers alone, for the journal: a finding's words may name a person."""
    return {name: str(value) for name, value in data.items() if isinstance(value, Money | Decimal | int | date)}


def _told(data: Mapping[str, object]) -> dict[str, str]:
    """The numbers of a finding as text: exact, and equal when nothing changed."""
    return {name: str(value) for name, value in data.items()}


def refuse(session: Session, wish: OverrideRequest, *, reason: str, by: Actor, at: datetime) -> None:
    """Say no to a request; the asker is told."""
    orders.lock(session, wish.order_id)
    session.refresh(wish)
    if wish.state is not RequestState.OPEN:
        raise Refused("request_already_answered")
    if wish.role.value not in by.roles:
        raise Refused("role_missing", role=wish.role.value)
    wish.state, wish.answer = RequestState.REFUSED, reason
    journal.write(
        session, "override_refused", subject=wish.order.subject, by=by, at=at, private=reason, role=wish.role,
        request=wish.id,
    )  # fmt: skip
    events.emit(session, "override_refused", wish.order, at=at, role=wish.role, request=wish.id)


def standing(session: Session, order: Order, *, at: datetime) -> frozenset[str]:
    """The findings of the order that are let through now: not expired, and the order not above the cap."""
    query = select(Override).where(Override.order_id == order.id, Override.expires_at > at)
    known = list(session.scalars(query))
    gross = order.totals.gross if known else None
    return frozenset(override.finding for override in known if gross is not None and gross <= override.cap)


def withdraw(session: Session, order: Order, findings: Collection[str] | None = None, *, at: datetime) -> None:
    """What was let through, all of it or the named findings, must be looked at again: it ends at that instant."""
    query = update(Override).where(Override.order_id == order.id, Override.expires_at > at)
    if findings is not None:
        query = query.where(Override.finding.in_(findings))
    session.execute(query.values(expires_at=at))

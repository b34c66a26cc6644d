"""Clearing an order of its blockers: each role is asked about its own, and lets through what it was shown.

A price below ours is not let through but decided: the manager's yes makes it the price of the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from core import events, orders, overrides, registration, revising
from core.clock import PARIS, add_business_days, business_date
from core.errors import Refused
from core.money import Money
from core.orders import PriceChoice
from core.overrides import RequestState
from core.parties import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from core.checks import Finding
    from core.journal import Actor
    from core.orders import Order
    from core.overrides import OverrideRequest
    from core.settings import House


#: When accounting is reminded of what it let through.
MORNING = time(8)


@dataclass(frozen=True, slots=True)
class Granted:
    """Up to what gross amount and until when an order is let through, and the day on which it is looked at again."""

    cap: Money
    expires_at: datetime
    remind_on: date | None


def waiting(findings: Iterable[Finding]) -> dict[Role, tuple[Finding, ...]]:
    """The blockers that somebody may let through, by the role that may."""
    found: dict[Role, tuple[Finding, ...]] = {}
    for finding in findings:
        if finding.blocks and finding.override is not None:
            found[finding.override] = (*found.get(finding.override, ()), finding)
    return found


def blockers(session: Session, order: Order, *, house: House, at: datetime) -> tuple[tuple[Finding, ...], Money]:
    """What must be let through before the order goes on, or the change of it that waits; the gross that comes of it."""
    found = registration.blockers(session, order, house=house, at=at)
    wanted, gross = revising.to_let_through(session, order, house=house, at=at)
    known = {finding.key for finding in found}
    return (*found, *(finding for finding in wanted if finding.blocks and finding.key not in known)), gross


def ask(
    session: Session, order: Order, *, house: House, reason: str, by: Actor, at: datetime, only: Role | None = None
) -> list[OverrideRequest]:
    """Ask each role concerned (or one of them) about its own blockers; refuses when nobody can let anything through."""
    orders.lock(session, order.id)  # two colleagues who ask at once make one request
    open_now, _ = blockers(session, order, house=house, at=at)
    found = waiting(open_now)
    asked = {role: own for role, own in found.items() if only in {None, role}}
    if not asked:
        raise Refused("nothing_to_override", reference=order.reference)
    return [
        overrides.request(session, order, role, reason=reason, by=by, at=at, findings={f.key: f.data for f in own})
        for role, own in sorted(asked.items())
    ]


def shown(wish: OverrideRequest, found: Iterable[Finding]) -> tuple[Finding, ...]:
    """The blockers of the asked role that are still there as the request showed them."""
    own = waiting(found).get(wish.role, ())
    return tuple(finding for finding in own if not wish.shown or finding.key in wish.shown)


def grant(
    session: Session, wish: OverrideRequest, *, house: House, reason: str, by: Actor, at: datetime,
    cap: Money | None = None, expires_at: datetime | None = None, watch: date | None = None,
) -> Granted:  # fmt: skip
    """Let through what the request showed and is still there; the customer's lower prices become the lines' prices.

    Accounting is reminded of it on the working day after `watch`, else after it ends, if something is overdue then.
    """
    order = orders.lock(session, wish.order_id)
    session.refresh(wish)  # two who may decide are asked: the second is told so
    if wish.state is not RequestState.OPEN:
        raise Refused("request_already_answered")
    open_now, gross = blockers(session, order, house=house, at=at)
    own = shown(wish, open_now)
    given = overrides.grant(
        session, order, {finding.key: wish.role for finding in own}, reason=reason, by=by, at=at, cap=cap or gross,
        expires_at=expires_at, wish=wish, numbers={finding.key: finding.data for finding in own},
    )  # fmt: skip
    for finding in own:
        if finding.code == "price_differs" and finding.position is not None:
            orders.settle_price(session, order, finding.position, PriceChoice.THEIRS, by=by, at=at)
    remind_on = None
    if wish.role is Role.ACCOUNTING:
        remind_on = add_business_days(watch or business_date(given[0].expires_at), 1)
        reminded = datetime.combine(remind_on, MORNING, PARIS)
        events.emit(session, "override_watched", wish, at=at, not_before=max(reminded, at))
    return Granted(given[0].cap, given[0].expires_at, remind_on)


def accept_price(session: Session, order: Order, position: int, *, by: Actor, at: datetime) -> None:
    """A manager takes the customer's price without being asked; refuses him who asked for it himself."""
    overrides.ensure_not_own(session, order, {Role.MANAGER}, by=by)
    orders.settle_price(session, order, position, PriceChoice.THEIRS, by=by, at=at)

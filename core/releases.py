"""Cash-aware release: the exact payment that frees an order which accounting blocks by its amounts.

The oldest overdue documents come first, then what brings the exposure back to the limit: on the next documents to fall
due, then as an advance on the order itself. Nothing here decides: the order is free when the money is recorded and the
check says so. The customer reads what to pay, never why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from core import disputes, events, exposure, facts, journal, payments, registration, reminders
from core.clock import business_date
from core.errors import Refused
from core.exposure import Stage
from core.facts import AccountFacts
from core.invoices import Invoice
from core.means import PaymentMeans
from core.money import ZERO, Money, total
from core.orders import Order
from core.payments import OpenItem, Receivable

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.journal import Actor
    from core.settings import House

#: The findings that a payment ends.
BY_AMOUNT = frozenset({"over_limit", "overdue", "reminder_reached"})


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be paid on one document."""

    document: Receivable
    amount: Money


@dataclass(frozen=True, slots=True)
class Demand:
    """The payment that frees an order: on these documents, in this order, the rest as an advance on the order."""

    parts: tuple[Part, ...]
    advance: Money

    @property
    def amount(self) -> Money:
        """What is to be paid in all."""
        return total(part.amount for part in self.parts) + self.advance


def payment_that_frees(
    account: AccountFacts, owed: Sequence[Receivable], *, today: date, counted: frozenset[Stage],
    levels: Mapping[str, int] | None = None,
) -> Demand | None:  # fmt: skip
    """The least payment after which neither the limit nor what is overdue blocks; None when no payment would do.

    `owed` is the undisputed rest of each document. Not one cent may be left out: each of the three needs (documents
    whose reminder blocks, overdue beyond what is tolerated, exposure above the limit) is a lower bound, and the same
    money serves all of them.
    """
    rules, steps = account.rules, levels or {}
    late = sorted((r for r in owed if r.days_late(today) > 0), key=_age)
    pressed = [r for r in late if steps.get(r.number, 0) >= rules.reminder_block]
    old = [r for r in late if r.days_late(today) > rules.overdue_days and r not in pressed]
    need = total(r.due for r in pressed) + max(total(r.due for r in old) - rules.overdue_amount, ZERO)
    limit = account.credit_limit
    excess = max(account.exposure.total - limit, ZERO) if limit is not None else ZERO
    first = [*pressed, *old]
    if Stage.UNPAID in counted:  # what settles a document lowers the exposure too
        others = sorted((r for r in owed if r not in first), key=_age)
        parts, advance = _spread([*first, *others], max(need, excess))
    else:
        parts, advance = _spread(first, need)[0], excess
    if advance and Stage.RECEIPTS not in counted:
        return None
    return Demand(parts, advance) if parts or advance else None


def _age(receivable: Receivable) -> tuple[date, str]:
    return receivable.due_date, receivable.number


def _spread(documents: Sequence[Receivable], amount: Money) -> tuple[tuple[Part, ...], Money]:
    """The amount on the documents one after the other, and what is left of it."""
    parts = []
    for receivable in documents:
        if amount == ZERO:
            break
        part = min(amount, receivable.due)
        parts.append(Part(receivable, part))
        amount -= part
    return tuple(parts), amount


def demand(session: Session, order: Order, *, house: House, at: datetime) -> Demand | None:
    """The payment that frees the order now; None when its amounts do not block it, or no payment would do."""
    if not any(f.blocks and f.code in BY_AMOUNT for f in registration.examine(session, order, house=house, at=at)):
        return None
    account = facts.account.gather(session, order, gross=order.totals.gross, house=house, at=at)
    return payment_that_frees(
        account, disputes.claimable(session, order.customer), today=business_date(at),
        counted=exposure.stages(house), levels=reminders.levels(session, order.customer),
    )  # fmt: skip


def ask(session: Session, order: Order, *, house: House, by: Actor, at: datetime) -> Demand:
    """Send the customer what to pay, once for the same amount on a day; refuses when no payment frees the order."""
    wanted = demand(session, order, house=house, at=at)
    if wanted is None or order.customer_clue:
        raise Refused("payment_not_askable", reference=order.reference)
    asked: dict[str, str] = {"amount": str(wanted.amount), "day": business_date(at).isoformat()}
    for entry in journal.entries_of(session, order.subject):
        if entry.action == "payment_asked" and asked.items() <= json.loads(entry.data).items():
            raise Refused("payment_already_asked", reference=order.reference, amount=wanted.amount)
    parts = [[part.document.number, str(part.amount)] for part in wanted.parts]
    journal.write(session, "payment_asked", subject=order.subject, by=by, at=at, **asked, documents=parts)
    events.emit(
        session, "payment_asked", order, at=at, amount=str(wanted.amount), parts=parts, advance=str(wanted.advance)
    )
    return wanted


def record(
    session: Session, order: Order, amount: Money, *, house: House, by: Actor, at: datetime,
    means: PaymentMeans = PaymentMeans.TRANSFER,
) -> payments.Payment:  # fmt: skip
    """Note the money that was asked for the order: it settles the documents in the order they were asked.

    What it frees is told by `registration.look_again`, in the same transaction.
    """
    wanted = demand(session, order, house=house, at=at)
    parts = [(_document(session, part.document), part.amount) for part in wanted.parts] if wanted is not None else []
    return payments.record(
        session, order.customer, amount, received_on=business_date(at), by=by, at=at, house=house, parts=parts,
        means=means,
    )  # fmt: skip


def _document(session: Session, owed: Receivable) -> Invoice | OpenItem:
    if owed.invoice_id is not None:
        return session.get_one(Invoice, owed.invoice_id)
    return session.get_one(OpenItem, owed.open_item_id)

"""What a customer asks by message to change on his card: address, e-mail, bank. It never happens by itself (S07).

Such a request looks genuine even in a genuine thread when the mailbox was taken over. So a colleague first calls the
customer back on the number that his card already has, then another colleague approves; only then is it written.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core import events, journal
from core.db import Base, choice
from core.errors import IllegalTransition, Refused
from core.journal import SYSTEM, Actor
from core.messages import Message
from core.parties import Contact, Customer, DeliveryAddress

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_ADDRESS = re.compile(
    r"(?P<street>\d{1,4}(?: ?(?:bis|ter|[a-d]))?,? [^\n,;:.]{3,60}?)[ ,\n-]+"
    r"(?P<postcode>\d{5}) (?P<city>[^\W\d_][\w' -]{1,40})"
)


class CardPoint(StrEnum):
    """What of the card is to change."""

    DELIVERY_ADDRESS = "delivery_address"
    EMAIL = "email"
    BANK = "bank"


class CardChangeState(StrEnum):
    """Where a request stands."""

    ASKED = "asked"
    CALLED_BACK = "called_back"
    APPROVED = "approved"
    REFUSED = "refused"


NEXT: dict[CardChangeState, frozenset[CardChangeState]] = {
    CardChangeState.ASKED: frozenset({CardChangeState.CALLED_BACK, CardChangeState.REFUSED}),
    CardChangeState.CALLED_BACK: frozenset({CardChangeState.APPROVED, CardChangeState.REFUSED}),
    CardChangeState.APPROVED: frozenset(),
    CardChangeState.REFUSED: frozenset(),
}
assert set(NEXT) == set(CardChangeState)  # noqa: S101 - the table is complete


class CardChange(Base):
    """One request; its words stay in the message that brought it."""

    __tablename__ = "card_change"
    __table_args__ = (UniqueConstraint("message_id", "point"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    point: Mapped[CardPoint] = mapped_column(choice(CardPoint))
    state: Mapped[CardChangeState] = mapped_column(choice(CardChangeState), default=CardChangeState.ASKED)
    asked_at: Mapped[datetime]
    called_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    called_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    customer: Mapped[Customer] = relationship()
    message: Mapped[Message] = relationship()

    @property
    def subject(self) -> str:
        """Its own name in journal lines and outbox rows."""
        return f"card_change:{self.id}"


def ask(session: Session, message: Message, customer: Customer, point: CardPoint, *, at: datetime) -> CardChange:
    """Keep what the message asks for, once, and show it to those who may treat it."""
    same = select(CardChange).where(CardChange.message_id == message.id, CardChange.point == point)
    known = session.scalar(same)
    if known is not None:
        return known
    change = CardChange(
        customer_id=customer.id, message_id=message.id, point=point, state=CardChangeState.ASKED, asked_at=at
    )
    session.add(change)
    session.flush()
    journal.write(session, "card_change_asked", subject=change.subject, by=SYSTEM, at=at, point=point)
    events.emit(session, "card_change", change, at=at)
    return change


def call_back(session: Session, change_id: int, *, by: Actor, at: datetime) -> CardChange:
    """Note that a colleague had the customer's word on the number that the card already has."""
    change = _move(session, change_id, CardChangeState.CALLED_BACK, by=by, at=at)
    change.called_by_id, change.called_at = by.id, at
    return change


def approve(session: Session, change_id: int, *, by: Actor, at: datetime) -> CardChange:
    """Let the change stand, and write it where its words say it plainly; refuses whoever called back himself."""
    change = _held(session, change_id)
    if change.state is CardChangeState.CALLED_BACK and change.called_by_id == by.id:
        raise Refused("own_call_back")
    said = proposed(change)
    change = _move(session, change_id, CardChangeState.APPROVED, by=by, at=at)
    change.decided_by_id, change.decided_at = by.id, at
    _write(session, change, said)
    return change


def refuse(session: Session, change_id: int, *, by: Actor, at: datetime) -> CardChange:
    """Leave the card as it is."""
    change = _move(session, change_id, CardChangeState.REFUSED, by=by, at=at)
    change.decided_by_id, change.decided_at = by.id, at
    return change


def proposed(change: CardChange) -> str:
    """What would be written, as far as the words say it plainly; empty where a colleague must write it himself."""
    words = change.message.extract
    if change.point is CardPoint.EMAIL:
        said = {email.lower().rstrip(".") for email in _EMAIL.findall(words)}
        known = [contact.email.lower() for contact in change.customer.contacts]
        if change.state is CardChangeState.APPROVED:  # it is on the card by now
            return next((email for email in reversed(known) if email in said), "")
        found = said - set(known)
        return found.pop() if len(found) == 1 else ""
    if change.point is CardPoint.DELIVERY_ADDRESS:
        places = list(_ADDRESS.finditer(words))
        return (
            ", ".join(part.strip() for part in places[0].group("street", "postcode", "city"))
            if len(places) == 1
            else ""
        )
    return ""


def _write(session: Session, change: CardChange, said: str) -> None:
    if not said:
        return
    if change.point is CardPoint.EMAIL:
        change.customer.contacts.append(Contact(email=said))
    else:
        street, postcode, city = said.rsplit(", ", 2)
        session.add(DeliveryAddress(customer_id=change.customer_id, street=street, postcode=postcode, city=city))
    session.flush()


def _held(session: Session, change_id: int) -> CardChange:
    return session.scalars(
        select(CardChange).where(CardChange.id == change_id).with_for_update(of=CardChange)
        .execution_options(populate_existing=True)
    ).one()  # fmt: skip


def _move(session: Session, change_id: int, target: CardChangeState, *, by: Actor, at: datetime) -> CardChange:
    change = _held(session, change_id)
    if target not in NEXT[change.state]:
        raise IllegalTransition(thing="card_change", state=change.state, target=target)
    change.state = target
    journal.write(session, f"card_change_{target}", subject=change.subject, by=by, at=at, point=change.point)
    events.emit(session, "card_change", change, at=at)
    return change

"""For whom somebody speaks: one person may act for several customers, and chooses each session (S03).

Nothing is decided by what was used last: a session ends after two hours without a word, and the next one begins with
the question.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import journal
from core.errors import Refused
from core.journal import Actor, ActorKind
from core.parties import ChatCustomer, ChatLink, Customer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SESSION = timedelta(hours=2)


def customers_of(session: Session, link: ChatLink) -> list[Customer]:
    """The active customers for whom this chat account may speak, by name."""
    among = select(ChatCustomer.customer_id).where(ChatCustomer.chat_id == link.chat_id)
    query = select(Customer).where(Customer.active, Customer.id.in_(among)).order_by(Customer.name)
    found = list(session.scalars(query))
    return found or ([link.customer] if link.customer is not None and link.customer.active else [])


def chosen(session: Session, link: ChatLink, *, at: datetime) -> bool:
    """Whether it is clear for whom he speaks now: there is one customer only, or he said so in this session."""
    if link.staff_id is not None:
        return True
    known = customers_of(session, link)
    if len(known) < 2:
        if known and link.customer_id != known[0].id:
            _speak_for(session, link, known[0])
        return True
    return link.chosen_at is not None and at - link.chosen_at < SESSION


def choose(session: Session, link: ChatLink, customer: Customer, *, at: datetime) -> None:
    """He speaks for this customer until his session ends; refuses one for whom he may not speak."""
    if customer not in customers_of(session, link):
        raise Refused("not_your_customer")
    _speak_for(session, link, customer)
    link.chosen_at = at
    by = Actor(ActorKind.CUSTOMER, customer.id)
    journal.write(session, "customer_chosen", subject=customer.subject, by=by, at=at, private=str(link.chat_id))


def _speak_for(session: Session, link: ChatLink, customer: Customer) -> None:
    session.flush()
    known = session.get(ChatCustomer, (link.chat_id, customer.id))
    link.customer, link.customer_id = customer, customer.id
    link.contact_id = known.contact_id if known is not None else None


@contextmanager
def speaking_for(session: Session, link: ChatLink, customer: Customer | None) -> Iterator[None]:
    """For one act he speaks for the customer whose thing he pressed, if he may; what he chose stays chosen."""
    before = link.customer
    if customer is None or before is None or customer is before or customer not in customers_of(session, link):
        yield
        return
    _speak_for(session, link, customer)
    try:
        yield
    finally:
        _speak_for(session, link, before)

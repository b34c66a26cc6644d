"""What the command line does for a person at the keyboard: link codes and messages treated again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import journal, messages, parties
from core.db import transaction
from core.errors import Refused
from core.journal import SYSTEM
from core.messages import Message
from core.parties import Contact, Customer, Staff

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from core.settings import Settings


def whom(session: Session, words: str) -> Customer | Staff:
    """The customer or colleague that those words name: a code, or a whole name; refuses none and several."""
    customers = session.scalars(select(Customer).where((Customer.code == words) | (Customer.name == words)))
    staff = session.scalars(select(Staff).where(Staff.active, (Staff.name == words) | (Staff.email == words)))
    found: list[Customer | Staff] = [*customers, *staff]
    if len(found) != 1:
        raise Refused("person_unknown" if not found else "person_ambiguous", who=words)
    return found[0]


def make_code(engine: Engine, settings: Settings, words: str, *, at: datetime) -> Iterator[str]:
    """The lines to hand to the person who is to be linked; `CODE/ADDRESS` names one contact of a customer."""
    firm, _, address = words.partition("/")
    with transaction(engine) as session:
        person = whom(session, firm if address else words)
        contact = _contact(person, address) if address else None
        code = parties.make_link_code(session, person, by=SYSTEM, at=at, contact=contact)
        name = person.name if contact is None else f"{contact.name or address} ({person.name})"
    yield f"For {name}, once, within 15 minutes; write this to the bot:"
    yield f"/start {code}"
    if user_name := _bot_name(settings):
        yield f"https://t.me/{user_name}?start={code}"


def _contact(person: Customer | Staff, address: str) -> Contact:
    """The customer's contact with that mail address or telephone number; refuses none."""
    contacts = person.contacts if isinstance(person, Customer) else []
    found = next((c for c in contacts if address.lower() in {c.email.lower(), c.phone}), None)
    if found is None:
        raise Refused("person_unknown", who=address)
    return found


def _bot_name(settings: Settings) -> str:
    """The bot's user name, or nothing when its server cannot be asked: the code works without the link."""
    import httpx

    token = settings.telegram.token.get_secret_value()
    if not token:
        return ""
    try:
        answer = httpx.get(f"{settings.telegram.base_url}{token}/getMe", timeout=5).json()
        return str(answer["result"].get("username", ""))
    except (httpx.HTTPError, ValueError, KeyError):
        return ""


def replay_message(engine: Engine, settings: Settings, message_id: int, *, at: datetime) -> str:
    """Put a message back where it waits and treat it now; says what became of it."""
    from intake import receive
    from intake.understand import understand

    with transaction(engine) as session:
        message = session.get(Message, message_id)
        if message is None:
            raise Refused("message_unknown", message=message_id)
        if message.raw_sha256 is None:
            raise Refused("message_purged", message=message_id)
        if message.state is not messages.MessageState.STORED:
            receive.replay(session, message, at=at)
            journal.write(session, "message_replayed", subject=message.subject, by=SYSTEM, at=at)
    understand(engine, settings=settings, at=at)
    with transaction(engine) as session:
        message = session.get_one(Message, message_id)
        return f"message {message.id}: {message.state} {message.reason}".strip()

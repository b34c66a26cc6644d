"""How the desk itself is, in one line for the people who run it: chat, mail, backup, journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot import checkup
from core import backups, journal
from core.db import transaction
from core.journal import GENESIS, Anchor
from core.messages import MailboxHealth

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from bot.app import App

#: A mailbox that was not read for so long is not well.
SILENCE = timedelta(minutes=30)
#: Entries of the journal that are checked in one go.
PIECE = 2000


@dataclass(frozen=True, slots=True)
class Vital:
    """One thing the desk lives by: whether it is well, and when it last was or by what it is known."""

    name: str
    well: bool
    at: datetime | None = None
    sign: str = ""


def look(app: App, *, at: datetime) -> tuple[Vital, ...]:
    """The desk's own state at this instant; one call of the chat server, nothing that holds a writer up for long."""
    chat = list(checkup.everything(app.settings, at=at, only=frozenset({"telegram"})))
    with transaction(app.engine) as session:
        mail = session.get(MailboxHealth, app.settings.mail.address or app.settings.mail.user)
        made = backups.last(session)
    read = mail.last_ok if mail is not None else None
    reading = mail is not None and not mail.alarm and read is not None and at - read <= SILENCE
    head = verified(app.engine)
    return (
        Vital("telegram", all(finding.well for finding in chat)),
        Vital("mail", reading, read),
        Vital("backup", made is not None and backups.is_fresh(made, at=at), made),
        Vital("journal", head is not None, sign=head.hash[:8] if head is not None else ""),
    )


def verified(engine: Engine) -> Anchor | None:
    """The head of the journal once every entry was found to fit the chain; None where one does not."""
    reached: Anchor | None = Anchor(0, GENESIS)
    while reached is not None:
        with transaction(engine) as session:
            further = journal.followed(session, reached, most=PIECE)
        if further == reached:
            break
        reached = further
    return reached

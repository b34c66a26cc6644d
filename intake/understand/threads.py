"""Which of our mails a mail answers, and whether its sender is the customer to whom we sent it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from core.messages import ASSIGNED, MessageChannel
from core.outbox import OutboxRow
from intake import replies

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.messages import Message
    from intake.incoming import Incoming
    from intake.understand.opened import Desk

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """What of ours a mail answers: its subject (`order:12`) or a reference, and the row that it was, if it is known.

    `signed` says that the address was one that we gave in that row and nobody else can make up.
    """

    about: str
    row: OutboxRow | None = None
    signed: bool = False


def answered(session: Session, message: Message, incoming: Incoming, desk: Desk) -> Answered | None:
    """What of ours the mail answers, by the surest sign that it bears; None for one that answers nothing."""
    if message.channel is not MessageChannel.MAIL:
        return None
    row = signed_row(session, incoming, desk)
    if row is not None:
        return Answered(row.subject, row, signed=True)
    for identifier in incoming.in_reply_to:
        row = session.scalar(select(OutboxRow).where(OutboxRow.provider_id == identifier).limit(1))
        if row is not None:
            return Answered(row.subject, row)
    reference = replies.reference_in(incoming.subject)
    return Answered(reference) if reference is not None else None


def signed_row(session: Session, incoming: Incoming, desk: Desk) -> OutboxRow | None:
    """The row whose signed address the mail was sent to; a forged address is none, and leaves a line in the log."""
    token = replies.token_in(address.email for address in incoming.recipients)
    if token is None:
        return None
    row = session.get(OutboxRow, token.row)
    if row is not None and token.signed(row, secret=desk.settings.secret_key.get_secret_value()):
        return row
    log.warning("reply_address_forged row=%s", token.row)
    return None


def of_another(found: Answered | None, message: Message) -> bool:
    """The address was given to another customer than the one who writes, and no colleague has said whose mail it is."""
    if found is None or found.row is None or not found.signed or ASSIGNED in message.flags.split():
        return False
    return found.row.customer_id is not None and found.row.customer_id != message.customer_id

"""`Incoming`: the one shape every channel ends in before anybody tries to understand it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Channel(StrEnum):
    """How a message reached us; `FILE` is a lone file given to `comptoir read`."""

    MAIL = "mail"
    CHAT = "chat"
    FILE = "file"


class Authentication(StrEnum):
    """How sure we are of the sender (S05): A aligned DMARC, B aligned DKIM or SPF, C nothing; CHAT a linked account."""

    DMARC = "A"
    ALIGNED = "B"
    NONE = "C"
    LINKED = "linked"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message: `name` is for showing only, never a path; `media_type` is sniffed."""

    name: str
    media_type: str
    content: bytes
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox as written: `email` in lower case, `name` as displayed."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message of any channel, decoded but not interpreted.

    `text` is the new text (the full one when in doubt), `quoted` what the sender cites, `forwarded` the inner messages
    of a forward, outermost first. `headers` holds lower-cased mail header names with their decoded values. `findings`
    are codes of what a person should know of the message itself, such as text in it that nobody can see.
    """

    channel: Channel
    sender: Address
    received_at: datetime
    text: str
    subject: str = ""
    quoted: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    forwarded: tuple[Incoming, ...] = ()
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    recipients: tuple[Address, ...] = ()
    authentication: Authentication = Authentication.NONE
    headers: dict[str, str] = field(default_factory=dict)
    customer_code: str | None = None
    findings: tuple[str, ...] = ()

"""A stored message, decoded again from its raw bytes, and who it may be from."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from core import messages, parties
from core.clock import business_date
from core.messages import ASSIGNED, MACHINE, MAY_BE, PROPOSED, UNHEARD, Message, MessageChannel
from core.settings import Settings
from intake import mime, receive, voice
from intake.catalogues import article_matcher
from intake.incoming import Address, Attachment, Authentication, Channel, Incoming
from intake.matching import Index
from intake.matching.customers import Clue, Directory, Identified, domain_of, identify
from intake.mime.parts import sniff
from intake.reading import Kind, Reading, kinds
from intake.requests import Request, codes_of, request_of
from intake.understand import habits
from intake.understand.directories import colleague, directory, ours
from intake.voice import Transcribe

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


#: So many times the same words from one domain within this time are a machine's.
REPEATED, REPEATED_WITHIN = 3, timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Desk:
    """What understanding needs beside the message."""

    settings: Settings
    at: datetime
    transcribe: Transcribe | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """All that reading one message takes from the database: it is read without holding anything."""

    incoming: Incoming
    customers: Directory
    ours: frozenset[str]
    taken_by: int | None
    assigned: str
    codes: frozenset[str]

    def read(self, desk: Desk) -> Opened:
        """Find out what is asked, and by whom; whom a colleague assigned it to is certain.

        A message is read as of the day on which it came, however late: its « Thursday » stays that Thursday.
        """
        listened = voice.listen(self.incoming, desk.transcribe)
        today = business_date(self.incoming.received_at)
        incoming = listened.incoming
        request = request_of(incoming, self.customers, today=today, ours=self.ours, codes=self.codes)
        if request.asked_in is incoming:
            request = replace(request, reading=listened.believed(request.reading))
        if incoming.channel is Channel.CHAT and not incoming.attachments and habits.only_again(incoming.text):
            again = replace(request.reading, kind=Kind.ORDER, repeat_of_last_order=True)
            request = replace(request, reading=again)
        if self.assigned:
            request = replace(request, who=Identified(self.assigned, Clue.ADDRESS))
        passed_on = request.asked_in is not incoming
        noted = request.who.clue in {Clue.FORWARD, Clue.NUMBER, Clue.NAME}
        dropped = incoming.channel is Channel.CHAT  # only a colleague's paper has one there
        taken_by = self.taken_by if passed_on or noted or dropped else None
        return Opened(incoming, request, taken_by, heard=listened.heard, unheard=listened.unheard)

    def describe(self, session: Session, message: Message) -> None:
        """Write who wrote, when no more could be read."""
        _note_sender(message, self.incoming)
        who = identify(self.incoming, self.customers, ours=self.ours)
        if who.certain:
            _note_customer(session, message, who)


@dataclass(frozen=True, slots=True)
class Opened:
    """A message that was read: as it came, what it asks and for whom, and the colleague who passed it on.

    `heard` says that a recording of it was listened to, `unheard` that one is left for a person.
    """

    incoming: Incoming
    request: Request
    taken_by: int | None
    heard: bool = False
    unheard: bool = False

    @property
    def reading(self) -> Reading:
        """What is asked."""
        return self.request.reading

    @property
    def authenticated(self) -> bool:
        """Our own server vouches for him who asks, or for the colleague who passes it on."""
        vouched = self.incoming.authentication is not Authentication.NONE
        return vouched and (self.request.who.certain or self.taken_by is not None)

    def note(self, session: Session, message: Message) -> None:
        """Write on the message what its bytes say: its first words, its kind, its sender and who he is."""
        _note_sender(message, self.incoming)
        message.kind = self.reading.kind.value
        if kinds.machine(self.incoming) is not None or kinds.bulk(self.incoming) or _duels(session, message):
            message.flag(MACHINE)
        if self.unheard:
            message.flag(UNHEARD)
        _note_customer(session, message, self.request.who, passed_on=self.taken_by is not None)


def _note_sender(message: Message, incoming: Incoming) -> None:
    message.extract = (incoming.text or incoming.quoted)[: receive.EXTRACT]
    if message.channel is MessageChannel.MAIL:
        message.sender, message.mail_subject = incoming.sender.email, incoming.subject
    if incoming.authentication is not Authentication.NONE:
        message.flag("authenticated")


def _duels(session: Session, message: Message) -> bool:
    """The same words came so often from one mail domain that a machine which marks nothing must say them (E56)."""
    if message.channel is not MessageChannel.MAIL or not message.extract.strip():
        return False
    same = select(func.count(Message.id)).where(
        Message.id < message.id, Message.channel == MessageChannel.MAIL, Message.extract == message.extract,
        Message.received_at > message.received_at - REPEATED_WITHIN,
        Message.sender.endswith(f"@{domain_of(message.sender)}", autoescape=True),
    )  # fmt: skip
    return (session.scalar(same) or 0) >= REPEATED


def _note_customer(session: Session, message: Message, who: Identified, *, passed_on: bool = False) -> None:
    """The customer he is, or may be; where an answer goes is known of a certain one only, who wrote himself."""
    for mark in message.flags.split():  # what an earlier reading found
        if mark == PROPOSED or mark.startswith(MAY_BE):
            message.unflag(mark)
    if message.channel is MessageChannel.MAIL and ASSIGNED not in message.flags.split():
        message.customer, message.reply_email = None, ""
    for code in who.others:
        message.flag(f"{MAY_BE}{code}")
    if who.code is None:
        return
    message.customer = parties.customer_by_code(session, who.code)
    if not who.certain:
        message.flag(PROPOSED)
    elif message.channel is MessageChannel.MAIL and not passed_on:
        message.reply_email = message.sender


def answerable(message: Message) -> bool:
    """The customer himself wrote, as far as can be proved, and no machine: he may be told that we have his message."""
    flags = message.flags.split()
    himself = message.taken_by_id is None and (message.channel is not MessageChannel.MAIL or bool(message.reply_email))
    return (
        himself and message.customer is not None and "authenticated" in flags and not {PROPOSED, MACHINE} & set(flags)
    )


def load(session: Session, message: Message, desk: Desk) -> Loaded:
    """What reading the message takes."""
    incoming = incoming_of(session, message, settings=desk.settings)
    taken_by = colleague(session, incoming)
    customer = message.customer if ASSIGNED in message.flags.split() else None
    return Loaded(
        incoming=incoming,
        customers=directory(session) if incoming.customer_code is None else Directory(()),
        ours=ours(session, desk.settings),
        taken_by=taken_by.id if taken_by is not None else message.taken_by_id,
        assigned=customer.code if customer is not None else "",
        codes=our_codes(session),
    )


@dataclass(slots=True)
class _Codes:
    """The codes of the catalogue, made once for each index of it."""

    index: Index | None = None
    found: frozenset[str] = frozenset()


_codes = _Codes()


def our_codes(session: Session) -> frozenset[str]:
    """The codes of the active articles, as a text may hold them."""
    index = article_matcher(session, None).index
    if _codes.index is not index:
        _codes.found, _codes.index = codes_of(index.rows), index
    return _codes.found


def incoming_of(session: Session, message: Message, *, settings: Settings) -> Incoming:
    """The stored message, decoded again from its raw bytes."""
    raw = messages.content_of(session, message.raw_sha256) if message.raw_sha256 else b""
    if message.channel is MessageChannel.MAIL:
        authserv = settings.mail.trusted_authserv_id or None
        return mime.parse(raw, received_at=message.received_at, trusted_authserv_id=authserv)
    said = json.loads(raw)
    customer = message.customer
    return Incoming(
        channel=Channel.CHAT, sender=Address(email="", name=message.sender), received_at=message.received_at,
        text=said["text"], authentication=Authentication.LINKED,
        customer_code=customer.code if customer is not None else None,
        attachments=tuple(_file(session, kept["name"], kept["sha256"]) for kept in said["files"]),
    )  # fmt: skip


def _file(session: Session, name: str, sha256: str) -> Attachment:
    content = messages.content_of(session, sha256)
    return Attachment(name=name, media_type=sniff(content, "", name), content=content)

"""Personal data: how long each kind is kept and why, what is kept about one person, and its erasure.

Issued papers, orders and the journal's chain stay whole: what must be kept is named with its reason, the rest goes.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, false, func, or_, select, update
from sqlalchemy.orm import Session

from core import journal, messages, outbox
from core.aliases import SenderAlias
from core.clock import business_date
from core.conversations import Button, Card, Prompt
from core.deliveries import DeliveryFile
from core.errors import Refused
from core.handovers import Handover
from core.invoices import Invoice
from core.journal import SYSTEM, JournalEntry
from core.letterheads import Emblem
from core.messages import Blob, ChatUpdate, Message, MessageChannel, MessageState
from core.orders import Order, OrderRevision
from core.outbox import OutboxRow, OutboxState
from core.papers import Paper
from core.parties import ChatCustomer, ChatLink, Contact, LinkCode, Role, Staff, staff_with
from core.quotes import Quote
from core.sale_terms import SaleTerms, TermsAcceptance


@dataclass(frozen=True, slots=True)
class Period:
    """How long one kind of data is kept, and who says so."""

    months: int
    source: str

    def kept_from(self, today: date) -> date:
        """Data of that day and later is still kept."""
        total = today.year * 12 + today.month - 1 - self.months
        year, month = divmod(total, 12)
        return date(year, month + 1, min(today.day, 28))


PERIODS = {
    "raw_message": Period(12, "CNIL, gestion commerciale: no longer than the exchange needs"),
    "evidence": Period(60, "C. civ. 2224, C. com. L110-4: contract evidence, 5 years"),
    "invoiced_evidence": Period(120, "C. com. L123-22: supporting documents of the accounts, 10 years"),
    "private_journal": Period(60, "C. civ. 2224: who did what, as long as it may be disputed"),
    "paper": Period(120, "C. com. L123-22: invoices, 10 years"),
}


def purge(session: Session, *, today: date, at: datetime) -> dict[str, int]:
    """Delete what was kept as long as it may be; papers and the chain of the journal stay as they are."""
    spare = _evidence(session, today)
    old = PERIODS["raw_message"].kept_from(today)
    done: dict[str, Any] = {"messages": 0, "chat_updates": 0, "journal_texts": 0, "one_time_things": 0}
    query = select(Message).where(Message.raw_sha256.is_not(None), Message.state != MessageState.STORED)
    gone = [m for m in session.scalars(query) if business_date(m.received_at) < old and m.id not in spare]
    _empty(session, gone)
    done["messages"] = len(gone)
    for chat_update in session.scalars(
        select(ChatUpdate).where(ChatUpdate.raw != "", ChatUpdate.state != MessageState.STORED)
    ):
        if business_date(chat_update.received_at) < old:
            chat_update.raw = ""
            done["chat_updates"] += 1
    disputed = PERIODS["private_journal"].kept_from(today)
    for entry in session.scalars(select(JournalEntry).where(JournalEntry.private.is_not(None))):
        if business_date(entry.at) < disputed:
            entry.private = entry.salt = None
            done["journal_texts"] += 1
    for table in (Button, Prompt, LinkCode):
        found = session.execute(delete(table).where(table.expires_at < at))
        done["one_time_things"] += int(getattr(found, "rowcount", 0))
    session.flush()
    if any(done.values()):
        journal.write(session, "purged", subject="retention", by=SYSTEM, at=at, today=today, **done)
    return done


def _evidence(session: Session, today: date) -> dict[int, str]:
    """The messages that prove an order or a quote still to be kept, each with the name of its period."""
    found: dict[int, str] = {}
    invoiced = set(session.scalars(select(Invoice.order_id).where(Invoice.order_id.is_not(None))))
    for order in session.scalars(select(Order).where(Order.message_id.is_not(None))):
        period = "invoiced_evidence" if order.id in invoiced else "evidence"
        if order.message_id and business_date(order.created_at) >= PERIODS[period].kept_from(today):
            found[order.message_id] = period
    changes = select(OrderRevision.message_id, OrderRevision.order_id, OrderRevision.proposed_at)
    for message_id, order_id, at in session.execute(changes.where(OrderRevision.message_id.is_not(None))):
        period = "invoiced_evidence" if order_id in invoiced else "evidence"
        if message_id and business_date(at) >= PERIODS[period].kept_from(today):
            found.setdefault(message_id, period)
    for quote in session.scalars(select(Quote).where(Quote.message_id.is_not(None))):
        if quote.message_id and business_date(quote.created_at) >= PERIODS["evidence"].kept_from(today):
            found.setdefault(quote.message_id, "evidence")
    return found


def _empty(session: Session, gone: Iterable[Message]) -> None:
    """Take the words, the sender and the bytes of messages away; their rows stay, so that no copy comes in again."""
    shas: set[str] = set()
    for message in gone:
        shas |= _blobs_of(session, message)
        message.raw_sha256 = None
        message.sender = message.extract = message.mail_subject = message.reply_email = ""
    session.flush()
    needed = set(session.scalars(select(Paper.pdf_sha256))) | set(session.scalars(select(Paper.xml_sha256)))
    needed |= set(session.scalars(select(Emblem.sha256)))
    needed |= set(session.scalars(select(SaleTerms.pdf_sha256)))
    needed |= set(session.scalars(select(DeliveryFile.sha256)))
    needed |= set(session.scalars(select(TermsAcceptance.proof_sha256)))
    needed |= set(session.scalars(select(Handover.sha256)))
    if shas:
        for message in session.scalars(select(Message).where(Message.raw_sha256.is_not(None))):
            needed |= _blobs_of(session, message)
    for sha256 in shas - needed:
        session.execute(delete(Blob).where(Blob.sha256 == sha256))


def _blobs_of(session: Session, message: Message) -> set[str]:
    """The raw bytes of a message, and the files that a chat message names."""
    if message.raw_sha256 is None:
        return set()
    found = {message.raw_sha256}
    if message.channel is not MessageChannel.MAIL:
        try:
            content = json.loads(messages.content_of(session, message.raw_sha256))
            found |= {file["sha256"] for file in content.get("files", ())}
        except (ValueError, AttributeError, KeyError, TypeError):
            return found
    return found


@dataclass(frozen=True, slots=True)
class Person:
    """The rows that are about one person."""

    contacts: list[Contact]
    staff: list[Staff]
    links: list[ChatLink]
    messages: list[Message]
    updates: list[ChatUpdate]
    entries: list[JournalEntry]
    rows: list[OutboxRow]
    taught: list[SenderAlias]
    emails: frozenset[str]
    told: list[Order | Message]

    @property
    def chats(self) -> list[int]:
        """The person's chats."""
        return [link.chat_id for link in self.links]


def find(session: Session, who: str) -> Person:
    """Everything about the person with that mail address, or of exactly that name; refuses an unknown one."""
    wanted = who.strip().lower()
    if not wanted:
        raise Refused("person_unknown", who=who)
    named = select(Contact).where((func.lower(Contact.email) == wanted) | (func.lower(Contact.name) == wanted))
    contacts = list(session.scalars(named))
    staff = list(
        session.scalars(select(Staff).where((func.lower(Staff.email) == wanted) | (func.lower(Staff.name) == wanted)))
    )
    emails = {contact.email.lower() for contact in contacts if contact.email}
    emails |= {person.email.lower() for person in staff if person.email}
    emails |= {wanted} if "@" in wanted else set()
    known_as = {wanted} | {c.name.lower() for c in contacts if c.name} | {p.name.lower() for p in staff}
    links = list(
        session.scalars(
            select(ChatLink).where(
                ChatLink.contact_id.in_([c.id for c in contacts])
                | ChatLink.chat_id.in_(
                    select(ChatCustomer.chat_id).where(ChatCustomer.contact_id.in_([c.id for c in contacts]))
                )
                | ChatLink.staff_id.in_([p.id for p in staff])
                | ChatLink.customer_id.in_(_alone(contacts))
            )
        )
    )
    chats = [link.chat_id for link in links]
    senders = [func.lower(Message.sender).contains(email, autoescape=True) for email in emails]
    texts = [func.lower(JournalEntry.private).contains(email, autoescape=True) for email in emails]
    texts += [JournalEntry.private == str(chat) for chat in chats]
    person = Person(
        contacts=contacts, staff=staff, links=links, emails=frozenset(emails),
        messages=list(session.scalars(select(Message).where(_any([*senders, Message.chat_id.in_(chats)])))),
        updates=list(session.scalars(select(ChatUpdate).where(ChatUpdate.chat_id.in_(chats), ChatUpdate.raw != ""))),
        entries=list(session.scalars(select(JournalEntry).where(JournalEntry.private.is_not(None), _any(texts)))),
        taught=list(session.scalars(select(SenderAlias).where(func.lower(SenderAlias.text).in_(known_as | emails)))),
        rows=list(session.scalars(select(OutboxRow).where(
            OutboxRow.chat_id.in_(chats) | func.lower(OutboxRow.email).in_(emails)))),
        told=_told(session, known_as, [contact.customer_id for contact in contacts]),
    )  # fmt: skip
    found = (person.messages, person.entries, person.rows, person.taught, person.told)
    if not (contacts or staff or any(found)):
        raise Refused("person_unknown", who=who)
    return person


def _told(session: Session, known_as: set[str], customers: list[int]) -> list[Order | Message]:
    """The orders that somebody of that name gave a colleague by word of mouth, and the papers that he handed over.

    Of a known contact only those of his own customers: another firm's Julie is somebody else.
    """
    found: list[Order | Message] = []
    for table in (Order, Message):
        query = select(table).where(func.lower(table.taken_from).in_(known_as))
        his = table.customer_id.in_(customers) | table.customer_id.is_(None)
        found += session.scalars(query.where(his) if customers else query)
    return found


def _any(conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    return or_(false(), *conditions)


def _alone(contacts: list[Contact]) -> list[int]:
    """The customers for whom nobody else can speak: a chat of theirs, linked without a name, is this person's."""
    found = []
    for customer in {contact.customer for contact in contacts}:
        others = [c for c in customer.contacts if c not in contacts and (c.email or c.name)]
        if not others:
            found.append(customer.id)
    return found


def export(session: Session, who: str, *, at: datetime) -> bytes:
    """A zip with everything that is kept about a person, and a report of what could not be erased and why."""
    person = find(session, who)
    kept = _bound(session, person, business_date(at))
    data = {
        "contacts": [
            {"customer": c.customer.name, "name": c.name, "email": c.email, "phone": c.phone} for c in person.contacts
        ],
        "known_from": [{"what": alias.kind, "text": alias.text} for alias in person.taught],
        "staff": [{"name": p.name, "email": p.email, "roles": sorted(p.roles)} for p in person.staff],
        "chats": [{"chat": link.chat_id, "linked_at": link.linked_at} for link in person.links],
        "messages": [
            {"id": m.id, "received_at": m.received_at, "sender": m.sender, "subject": m.mail_subject, "text": m.extract}
            for m in person.messages
        ],
        "journal": [
            {"entry": e.seq, "at": e.at, "action": e.action, "subject": e.subject, "text": e.private}
            for e in person.entries
        ],
        "told": [
            {"about": t.subject, "name": t.taken_from, "at": t.taken_at if isinstance(t, Order) else t.received_at}
            for t in person.told
        ],
        "sent": [
            {"id": r.id, "about": r.subject, "template": r.template, "state": r.state, "sent_at": r.sent_at}
            for r in person.rows
        ],
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", _json(data))
        archive.writestr("report.json", _json({"asked_at": at, "would_be_kept": kept}))
        for message in person.messages:
            if message.raw_sha256 is not None:
                suffix = "eml" if message.channel is MessageChannel.MAIL else "json"
                archive.writestr(f"messages/{message.id}.{suffix}", messages.content_of(session, message.raw_sha256))
                for sha256 in sorted(_blobs_of(session, message) - {message.raw_sha256}):
                    archive.writestr(f"messages/{message.id}-{sha256[:12]}", messages.content_of(session, sha256))
        for chat_update in person.updates:
            archive.writestr(f"chat/{chat_update.update_id}.json", chat_update.raw)
    journal.write(session, "person_exported", subject="person", by=SYSTEM, at=at, messages=len(person.messages))
    return out.getvalue()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


def _bound(session: Session, person: Person, today: date) -> list[dict[str, str]]:
    """What must be kept of a person, and why."""
    evidence = _evidence(session, today)
    kept = [{"what": m.subject, "why": PERIODS[evidence[m.id]].source} for m in person.messages if m.id in evidence]
    customers = [contact.customer_id for contact in person.contacts]
    papers = session.scalar(select(func.count(Paper.id)).where(Paper.customer_id.in_(customers))) or 0
    if papers:
        kept.append({"what": f"{papers} papers of the firm", "why": PERIODS["paper"].source})
    if person.staff:
        kept.append({"what": "what the colleague did, under a number", "why": PERIODS["private_journal"].source})
    return kept


def erase(session: Session, who: str, *, at: datetime) -> dict[str, Any]:
    """Erase what need not be kept about a person; returns what went, what stays and why. The chain stays whole."""
    person = find(session, who)
    kept = _bound(session, person, business_date(at))
    evidence = _evidence(session, business_date(at))
    for entry in person.entries:
        entry.private = entry.salt = None
    _erase_chats(session, person)
    gone = [m for m in person.messages if m.id not in evidence and m.state is not MessageState.STORED]
    waiting = [m for m in person.messages if m.state is MessageState.STORED]
    kept += [{"what": m.subject, "why": "not treated yet: erase again when it is"} for m in waiting]
    _empty(session, gone)
    for row in person.rows:
        if row.state in {OutboxState.WAITING, OutboxState.FAILED, OutboxState.AMBIGUOUS}:
            outbox.move(session, row, OutboxState.MOOT, at=at, error="person erased")
        row.email = ""
    _erase_replies(session, person)
    for alias in person.taught:
        session.delete(alias)
    for thing in person.told:
        thing.taken_from = ""
    for contact in person.contacts:
        session.execute(delete(LinkCode).where(LinkCode.contact_id == contact.id))
        session.execute(update(Order).where(Order.contact_id == contact.id).values(contact_id=None))
        session.delete(contact)
    for colleague in person.staff:
        _erase_colleague(session, colleague)
    session.flush()
    erased: dict[str, Any] = {
        "contacts": len(person.contacts), "staff": len(person.staff), "chats": len(person.links),
        "messages": len(gone), "chat_updates": len(person.updates), "journal_texts": len(person.entries),
        "told": len(person.told),
    }  # fmt: skip
    journal.write(session, "person_erased", subject="person", by=SYSTEM, at=at, **erased)
    return {"erased": erased, "kept": kept}


def _erase_chats(session: Session, person: Person) -> None:
    for chat_update in person.updates:
        chat_update.raw = ""
    for table in (Button, Prompt, Card, ChatCustomer):
        session.execute(delete(table).where(table.chat_id.in_(person.chats)))
    for chat_link in person.links:
        session.delete(chat_link)
    session.flush()


def _erase_replies(session: Session, person: Person) -> None:
    """Orders and quotes forget where to answer the person."""
    for table in (Order, Quote):
        session.execute(update(table).where(func.lower(table.reply_email).in_(person.emails)).values(reply_email=""))
        session.execute(update(table).where(table.reply_chat_id.in_(person.chats)).values(reply_chat_id=None))


def _erase_colleague(session: Session, colleague: Staff) -> None:
    if [person.id for person in staff_with(session, Role.ADMIN)] == [colleague.id]:
        raise Refused("last_admin", name=colleague.name)
    session.execute(delete(LinkCode).where(LinkCode.staff_id == colleague.id))
    colleague.name, colleague.email, colleague.active = f"colleague {colleague.id}", "", False

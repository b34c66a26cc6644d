"""One person's data: what is kept about him, as he may have it, and its erasure; how long is `core.retention`'s.

Issued papers, orders and the journal's chain stay whole: what must be kept is named with its reason, the rest goes.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, false, func, or_, select, update
from sqlalchemy.orm import Session

from core import journal, messages, outbox, retention
from core.aliases import SenderAlias
from core.bank.tables import BankEntry, CustomerIban
from core.clock import business_date
from core.conversations import Button, Card, Prompt
from core.deliveries import Delivery
from core.errors import Refused
from core.journal import SYSTEM, JournalEntry
from core.messages import ChatUpdate, Message, MessageChannel, MessageState
from core.orders import Order
from core.outbox import OutboxRow, OutboxState
from core.papers import Paper
from core.parties import ChatCustomer, ChatLink, Contact, LinkCode, Role, Staff, staff_with
from core.quotes import Quote


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
    signed: list[Delivery]
    paid: list[BankEntry]
    accounts: list[CustomerIban]

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
        signed=_signed(session, known_as, [contact.customer_id for contact in contacts]),
        paid=list(session.scalars(select(BankEntry).where(func.lower(BankEntry.payer_name).in_(known_as)))),
        accounts=list(session.scalars(select(CustomerIban).where(CustomerIban.customer_id.in_(_alone(contacts))))),
    )  # fmt: skip
    found = (person.messages, person.entries, person.rows, person.taught, person.told, person.signed, person.paid)
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


def _signed(session: Session, known_as: set[str], customers: list[int]) -> list[Delivery]:
    """The deliveries that somebody of that name signed for; of a known contact only those of his own customers."""
    query = select(Delivery).where(func.lower(Delivery.signed_name).in_(known_as))
    return list(session.scalars(query.where(Delivery.customer_id.in_(customers)) if customers else query))


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
        "signed": [
            {"delivery": d.reference, "name": d.signed_name, "via": d.signed_via, "text": d.signed_text}
            for d in person.signed
        ],
        "paid": [
            {"on": e.booked_on, "amount": str(e.amount), "name": e.payer_name, "account": e.payer_iban, "text": e.text}
            for e in person.paid
        ],
        "accounts": [{"customer": a.customer.name, "account": a.iban} for a in person.accounts],
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
                for sha256 in sorted(retention.blobs_of(session, message) - {message.raw_sha256}):
                    archive.writestr(f"messages/{message.id}-{sha256[:12]}", messages.content_of(session, sha256))
        for chat_update in person.updates:
            archive.writestr(f"chat/{chat_update.update_id}.json", chat_update.raw)
    journal.write(session, "person_exported", subject="person", by=SYSTEM, at=at, messages=len(person.messages))
    return out.getvalue()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


def _bound(session: Session, person: Person, today: date) -> list[dict[str, str]]:
    """What must be kept of a person, and why."""
    evidence = retention.evidence(session, today)
    why = {m.subject: evidence[m.id] for m in person.messages if m.id in evidence}
    why |= {d.subject: retention.proof(d) for d in person.signed if not retention.past_proof(d, today)}
    why |= {e.subject: "bank_entry" for e in person.paid if not retention.past_entry(e, today)}
    kept = [{"what": what, "why": retention.PERIODS[period].source} for what, period in why.items()]
    customers = [contact.customer_id for contact in person.contacts]
    papers = session.scalar(select(func.count(Paper.id)).where(Paper.customer_id.in_(customers))) or 0
    if papers:
        kept.append({"what": f"{papers} papers of the firm", "why": retention.PERIODS["paper"].source})
    if person.staff:
        kept.append(
            {"what": "what the colleague did, under a number", "why": retention.PERIODS["private_journal"].source}
        )
    return kept


def erase(session: Session, who: str, *, at: datetime) -> dict[str, Any]:
    """Erase what need not be kept about a person; returns what went, what stays and why. The chain stays whole."""
    person = find(session, who)
    kept = _bound(session, person, business_date(at))
    evidence = retention.evidence(session, business_date(at))
    for entry in person.entries:
        entry.private = entry.salt = None
    _erase_chats(session, person)
    gone = [m for m in person.messages if m.id not in evidence and m.state is not MessageState.STORED]
    waiting = [m for m in person.messages if m.state is MessageState.STORED]
    kept += [{"what": m.subject, "why": "not treated yet: erase again when it is"} for m in waiting]
    retention.empty(session, gone)
    for row in person.rows:
        if row.state in {OutboxState.WAITING, OutboxState.FAILED, OutboxState.AMBIGUOUS}:
            outbox.move(session, row, OutboxState.MOOT, at=at, error="person erased")
        row.email = ""
    _erase_replies(session, person)
    for alias in person.taught:
        session.delete(alias)
    for thing in person.told:
        thing.taken_from = ""
    today = business_date(at)
    signed = retention.unsign(delivery for delivery in person.signed if retention.past_proof(delivery, today))
    payers = retention.forget_payers(entry for entry in person.paid if retention.past_entry(entry, today))
    for account in person.accounts:
        session.delete(account)
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
        "told": len(person.told), "signed": signed, "payers": payers, "accounts": len(person.accounts),
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

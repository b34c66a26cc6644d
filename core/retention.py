"""How long each kind of personal data is kept and why, and its end: papers and the journal's chain stay whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import journal, messages
from core.bank.tables import BankEntry
from core.clock import business_date
from core.conversations import Button, Prompt
from core.deliveries import Delivery, DeliveryFile, DeliveryState
from core.handovers import Handover
from core.invoices import Invoice
from core.journal import SYSTEM, JournalEntry
from core.letterheads import Emblem
from core.messages import Blob, ChatUpdate, Message, MessageChannel, MessageState
from core.orders import Order, OrderRevision
from core.papers import Paper
from core.parties import LinkCode
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
    "bank_entry": Period(120, "C. com. L123-22: supporting documents of the accounts, 10 years"),
    "paper": Period(120, "C. com. L123-22: invoices, 10 years"),
}


def purge(session: Session, *, today: date, at: datetime) -> dict[str, int]:
    """Delete what was kept as long as it may be; papers and the chain of the journal stay as they are."""
    spare = evidence(session, today)
    old = PERIODS["raw_message"].kept_from(today)
    done: dict[str, Any] = {"messages": 0, "chat_updates": 0, "journal_texts": 0, "one_time_things": 0}
    query = select(Message).where(Message.raw_sha256.is_not(None), Message.state != MessageState.STORED)
    gone = [m for m in session.scalars(query) if business_date(m.received_at) < old and m.id not in spare]
    empty(session, gone)
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
    signed = session.scalars(select(Delivery).where(Delivery.signed_via != "")).all()
    done["signatures"] = unsign(delivery for delivery in signed if past_proof(delivery, today))
    moved = session.scalars(select(BankEntry).where((BankEntry.payer_name != "") | (BankEntry.payer_iban != ""))).all()
    done["payers"] = forget_payers(entry for entry in moved if past_entry(entry, today))
    for table in (Button, Prompt, LinkCode):
        found = session.execute(delete(table).where(table.expires_at < at))
        done["one_time_things"] += int(getattr(found, "rowcount", 0))
    session.flush()
    if any(done.values()):
        journal.write(session, "purged", subject="retention", by=SYSTEM, at=at, today=today, **done)
    return done


def evidence(session: Session, today: date) -> dict[int, str]:
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


def empty(session: Session, gone: Iterable[Message]) -> None:
    """Take the words, the sender and the bytes of messages away; their rows stay, so that no copy comes in again."""
    shas: set[str] = set()
    for message in gone:
        shas |= blobs_of(session, message)
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
            needed |= blobs_of(session, message)
    for sha256 in shas - needed:
        session.execute(delete(Blob).where(Blob.sha256 == sha256))


def blobs_of(session: Session, message: Message) -> set[str]:
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


def proof(delivery: Delivery) -> str:
    """The period of the proof that a delivery arrived: longer once it was invoiced."""
    return "invoiced_evidence" if delivery.state is DeliveryState.VERIFIED else "evidence"


def past_proof(delivery: Delivery, today: date) -> bool:
    """Who signed for the delivery need no longer be kept."""
    known = delivery.verified_at or delivery.shipped_at or delivery.created_at
    return business_date(known) < PERIODS[proof(delivery)].kept_from(today)


def past_entry(entry: BankEntry, today: date) -> bool:
    """Who paid need no longer be kept."""
    return entry.booked_on < PERIODS["bank_entry"].kept_from(today)


def unsign(deliveries: Iterable[Delivery]) -> int:
    """Forget who signed; that it was received, and when, stays."""
    gone = list(deliveries)
    for delivery in gone:
        delivery.signed_name = delivery.signed_via = delivery.signed_text = ""
    return len(gone)


def forget_payers(entries: Iterable[BankEntry]) -> int:
    """Forget who paid from which account, and in which words; the amount and its day stay."""
    gone = list(entries)
    for entry in gone:
        entry.payer_name = entry.payer_iban = entry.text = ""
    return len(gone)

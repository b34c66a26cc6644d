"""Bringing the ledger up to date: every paper and payment since the last booked one becomes its entries, once.

A day that was closed takes nothing more: what is recorded for it later is booked on the first day that is open, with
the date of its paper beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import journal, settings
from core.accounting import entries, ledger
from core.accounting.accounts import Chart, Journal, wording
from core.accounting.entries import Entry, Postings, Sold
from core.accounting.ledger import LedgerEntry
from core.catalogue import Article
from core.clock import business_date
from core.documents import DocumentKind
from core.errors import Refused
from core.invoices import DepositDeduction, Invoice
from core.journal import Actor, JournalEntry
from core.money import ZERO, total
from core.parties import Customer
from core.payments import Payment
from core.stock import MovementKind, StockMovement

#: The last day that was handed over for good.
CLOSED = "books_closed_until"


@dataclass(frozen=True, slots=True)
class Books:
    """What booking needs at hand."""

    session: Session
    chart: Chart

    def postings(self, customer: Customer) -> Postings:
        """An entry of that customer, still empty."""
        return Postings(self.chart, customer.code, customer.name)


def book(session: Session, chart: Chart) -> int:
    """Book what happened since the last booked entry; returns the number of entries. Twice changes nothing."""
    session.flush()
    journal.hold(session)
    last = session.scalar(select(func.max(LedgerEntry.seq))) or 0
    happened = session.execute(
        select(JournalEntry.seq, JournalEntry.action, JournalEntry.subject)
        .where(JournalEntry.seq > last, JournalEntry.action.in_(BOOKED))
        .order_by(JournalEntry.seq)
    ).all()
    books, closed, count = Books(session, chart), closed_until(session), 0
    for seq, action, subject in happened:
        for entry in BOOKED[action](books, int(subject.partition(":")[2])):
            day = entry.booked_on if closed is None or entry.booked_on > closed else closed + timedelta(days=1)
            ledger.add(session, replace(entry, booked_on=day), seq=seq, source=subject)
            count += 1
    return count


def closed_until(session: Session) -> date | None:
    """The last day that was closed."""
    written = settings.flag(session, CLOSED)
    return date.fromisoformat(written) if written else None


def close(session: Session, until: date, *, chart: Chart, by: Actor, at: datetime) -> None:
    """Book everything and close all days up to `until`, which must be over; closing them again changes nothing."""
    if until >= business_date(at):
        raise Refused("period_not_over", date=until)
    book(session, chart)
    closed = closed_until(session)
    if closed is not None and closed >= until:
        return
    settings.raise_flag(session, CLOSED, until.isoformat(), at=at)
    journal.write(session, "period_closed", subject="ledger", by=by, at=at, until=until)


def _entry(invoice: Invoice, postings: Postings, **more: object) -> Entry:
    return Entry(
        Journal.SALES, invoice.issue_date, invoice.number, invoice.issue_date,
        wording("entries", invoice.kind.value, number=invoice.number), business_date(invoice.issued_at),
        postings.lines(), invoice.due_date, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _invoice(books: Books, invoice_id: int) -> Iterator[Entry]:
    session = books.session
    invoice = session.get_one(Invoice, invoice_id)
    postings = books.postings(invoice.customer)
    taken = {}
    deductions = session.scalars(select(DepositDeduction).where(DepositDeduction.invoice_id == invoice.id))
    for part in sorted(deductions, key=lambda known: known.deposit_id):
        taken[part.deposit_id] = entries.deduct(ledger.held(session, part.deposit_id), part.amount)
    entries.post_sale(
        postings, _sold(books, invoice), invoice.paper.document.totals, settles=invoice.subject,
        deducted=taken.values(),
    )  # fmt: skip
    holdings = {
        deposit_id: {percent: entries.Held().minus(held) for percent, held in holding.items()}
        for deposit_id, holding in taken.items()
    }
    yield _entry(invoice, postings, holdings=holdings)


def _deposit(books: Books, invoice_id: int) -> Iterator[Entry]:
    invoice = books.session.get_one(Invoice, invoice_id)
    postings = books.postings(invoice.customer)
    held = entries.post_deposit(postings, invoice.paper.document.totals, settles=invoice.subject)
    yield _entry(invoice, postings, holdings={invoice.id: held})


def _credit_note(books: Books, invoice_id: int) -> Iterator[Entry]:
    session = books.session
    note = session.get_one(Invoice, invoice_id)
    original = note.refers_to
    assert original is not None  # noqa: S101 - a credit note always names what it credits
    postings, sums = books.postings(note.customer), note.paper.document.totals
    if original.kind is not DocumentKind.DEPOSIT_INVOICE:
        entries.post_credit(postings, _sold(books, note), sums, settles=original.subject)
        yield _entry(note, postings)
        return
    taken = entries.post_deposit_credit(postings, sums, ledger.held(session, original.id), settles=original.subject)
    gone = {percent: entries.Held().minus(held) for percent, held in taken.items()}
    yield _entry(note, postings, holdings={original.id: gone})


def _sold(books: Books, invoice: Invoice) -> list[Sold]:
    """What its lines sold, or took back: a credit note without goods that came back is a reduction (709)."""
    session, document = books.session, invoice.paper.document
    reduction = invoice.kind is DocumentKind.CREDIT_NOTE and not _goods_came_back(session, invoice)
    articles = {line.position: line.article_id for line in invoice.lines}
    nature = "services" if document.business_process.startswith("S") else "goods"
    found = []
    for line in document.lines:
        assert line.vat is not None and line.net is not None  # noqa: S101, PT018 - every line of an invoice is priced
        article = session.get(Article, articles[line.position]) if articles.get(line.position) else None
        account = books.chart.sales_of(article.category if article else "", nature, line.vat)
        found.append(Sold(books.chart.allowances if reduction else account, line.vat, line.net))
    return found


def _goods_came_back(session: Session, note: Invoice) -> bool:
    back = select(StockMovement.id).where(
        StockMovement.source == note.subject, StockMovement.kind == MovementKind.RETURN
    )
    return session.scalar(back.limit(1)) is not None


def _payment(books: Books, payment_id: int) -> Iterator[Entry]:
    session = books.session
    payment = session.get_one(Payment, payment_id)
    postings = books.postings(payment.customer)
    parts = []
    for part in sorted(payment.allocations, key=lambda known: known.id):
        kind = "invoice" if part.invoice_id is not None else "open_item"
        parts.append((f"{kind}:{part.invoice_id or part.open_item_id}", part.amount))
    rest = payment.amount - total(amount for _, amount in parts)
    entries.post_payment(
        postings, [*parts, *([(payment.subject, rest)] if rest > ZERO else [])], means=payment.means.value
    )
    base = Entry(
        Journal.BANK, payment.received_on, payment.reference, payment.received_on,
        wording("entries", "payment", number=payment.reference), business_date(payment.recorded_at), postings.lines(),
        means=payment.means.value,
    )  # fmt: skip
    for part in sorted(payment.allocations, key=lambda known: known.id):
        deposit = session.get(Invoice, part.invoice_id) if part.invoice_id is not None else None
        if deposit is None or deposit.kind is not DocumentKind.DEPOSIT_INVOICE:
            continue
        unpaid = ledger.balance(session, deposit.subject)
        moved = entries.fall_due(ledger.held(session, deposit.id), part.amount, unpaid)
        shift = books.postings(payment.customer)
        entries.post_due_vat(shift, moved)
        if lines := shift.lines():
            label = wording("entries", "deposit_vat", number=deposit.number)
            yield replace(
                base, journal=Journal.OTHER, piece=deposit.number, piece_date=deposit.issue_date, label=label,
                lines=lines, means="", holdings={deposit.id: moved},
            )  # fmt: skip
    yield base


#: What makes entries, by the action that the journal says; the order of its lines is the order of validation.
BOOKED: dict[str, Callable[[Books, int], Iterator[Entry]]] = {
    "invoice_issued": _invoice,
    "deposit_invoice_issued": _deposit,
    "credit_note_issued": _credit_note,
    "payment_recorded": _payment,
}

"""Entries of the sales journal: invoices, deposit invoices, credit notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from core import invoices
from core.accounting import entries, ledger, receipts
from core.accounting.accounts import Journal, wording
from core.accounting.books import Books, Happened, gone
from core.accounting.entries import Entry, Held, Holding, Postings, Sold
from core.catalogue import Article
from core.clock import business_date
from core.documents import Document, DocumentKind
from core.invoices import Invoice


def invoice(books: Books, happened: Happened) -> Iterator[Entry]:
    """An invoice, with what it deducts of deposits."""
    issued = books.session.get_one(Invoice, happened.id)
    postings, taken = books.postings(issued.customer), _deducted(books, issued)
    document = issued.paper.document
    entries.post_sale(
        postings, _sold(books, issued, document), document.totals, settles=issued.subject, deducted=taken.values()
    )
    yield _entry(issued, document, postings, {deposit: gone(holding) for deposit, holding in taken.items()})


def deposit(books: Books, happened: Happened) -> Iterator[Entry]:
    """A deposit invoice."""
    issued = books.session.get_one(Invoice, happened.id)
    postings, document = books.postings(issued.customer), issued.paper.document
    held = entries.post_deposit(postings, document.totals, settles=issued.subject)
    yield _entry(issued, document, postings, {issued.id: held})


def credit_note(books: Books, happened: Happened) -> Iterator[Entry]:
    """A credit note of an invoice or of a deposit; an internal one sets free what the invoice had deducted."""
    note = books.session.get_one(Invoice, happened.id)
    original = note.refers_to
    assert original is not None  # noqa: S101 - a credit note always names what it credits
    postings, document = books.postings(note.customer), note.paper.document
    sums = document.totals
    if original.kind is DocumentKind.DEPOSIT_INVOICE:
        held = ledger.held(books.session, original.id)
        taken = entries.post_deposit_credit(postings, sums, held, settles=original.subject)
        entry = _entry(note, document, postings, {original.id: gone(taken)})
        left = {percent: known.minus(taken.get(percent, Held())) for percent, known in held.items()}
        # what is left of it may be paid now: then none of its VAT waits any more
        moved = entries.fall_due(left, ledger.balance(books.session, original.subject) - sums.gross)
        yield entry
        yield from receipts.due_vat(books, entry, original, moved)
        return
    freed = ledger.done_to_deposits(books.session, original.subject) if note.internal else {}
    entries.post_sale(
        postings, _sold(books, note, document), sums, settles=original.subject, deducted=freed.values(), back=True
    )  # fmt: skip
    yield _entry(note, document, postings, {deposit: gone(holding) for deposit, holding in freed.items()})


def _entry(issued: Invoice, document: Document, postings: Postings, holdings: Mapping[int, Holding]) -> Entry:
    return Entry(
        Journal.SALES, issued.issue_date, issued.number, issued.issue_date,
        wording("entries", issued.kind.value, number=issued.number), business_date(issued.issued_at),
        postings.lines(), issued.due_date, document.payment_means or "58", holdings=holdings,
    )  # fmt: skip


def _deducted(books: Books, issued: Invoice) -> dict[int, dict[Decimal, Held]]:
    """What the invoice deducts of each deposit, by rate; VAT that was not declared yet leaves last."""
    taken: dict[int, dict[Decimal, Held]] = {}
    for part in invoices.deducted_by_rate(books.session, issued):
        known = ledger.held(books.session, part.line.invoice_id).get(part.line.vat_percent, Held())
        declared = min(part.vat, known.declared)
        held = Held(part.net, declared, part.vat - declared)
        taken.setdefault(part.line.invoice_id, {})[part.line.vat_percent] = held
    return taken


def _sold(books: Books, issued: Invoice, document: Document) -> list[Sold]:
    """What its lines sold, or took back; a credit that gives no quantity back is a reduction (709)."""
    rows = {line.position: line for line in issued.lines}
    found = []
    for line in document.lines:
        assert line.vat is not None and line.net is not None  # noqa: S101, PT018 - every line of an invoice is priced
        row = rows[line.position]
        article = books.session.get(Article, row.article_id) if row.article_id is not None else None
        account = books.chart.sales_of(article.category if article else "", line.nature.value, line.vat)
        reduction = issued.kind is DocumentKind.CREDIT_NOTE and not row.quantity
        found.append(Sold(books.chart.allowances if reduction else account, line.vat, line.net))
    return found

"""Entries of money: payments with the discounts they earn, rejects, refunds, credit that was used, late charges.

VAT on a deposit falls due with its money: each of these that pays one, or takes that back, has an entry beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from core.accounting import entries
from core.accounting.accounts import Journal, wording
from core.accounting.books import Books, Happened
from core.accounting.entries import Entry, Holding, Postings
from core.bank.tables import BankEntry
from core.clock import business_date
from core.credit_uses import CreditUse
from core.documents import DocumentKind
from core.early_discounts import EarlyDiscount
from core.invoices import Invoice
from core.late_charges import LateCharge
from core.means import PaymentMeans
from core.money import ZERO, Money, total
from core.payments import Allocation, Payment
from core.refunds import Refund
from core.reversals import PaymentReversal

Parts = list[tuple[str, Money]]


def payment(books: Books, happened: Happened) -> Iterator[Entry]:
    """Money received: 512 for what came, 665 and VAT for what paying early earned, 411 for all that it settles."""
    session = books.session
    paid = session.get_one(Payment, happened.id)
    parts = _parts(session.scalars(select(Allocation).where(_settled_at_once(paid, happened))))
    discounts = _discounts(books, EarlyDiscount.payment_id == paid.id, EarlyDiscount.reversal_id.is_(None))
    rest = paid.amount - total(amount for _, amount in parts)
    postings = books.postings(paid.customer)
    postings.add(books.chart.bank_of(paid.means), paid.amount)
    _post_discounts(postings, discounts)
    parts += [(f"invoice:{one.invoice_id}", one.amount) for one in discounts] + [(paid.subject, rest)]
    for settles, amount in parts:
        postings.owed(-amount, settles=settles)
    entry = _entry("payment", paid.reference, paid.received_on, paid.recorded_at, postings, means=paid.means)
    yield from _with_vat(books, entry, parts)


def reversal(books: Books, happened: Happened) -> Iterator[Entry]:
    """A payment that the bank took back: the same the other way round."""
    session = books.session
    undone = session.scalars(select(PaymentReversal).where(PaymentReversal.payment_id == happened.id)).one()
    lines = select(Allocation).where(Allocation.reversal_id == undone.id, Allocation.early_discount_id.is_(None))
    parts = [(settles, amount) for settles, amount in _parts(session.scalars(lines)) if settles]
    discounts = _discounts(books, EarlyDiscount.reversal_id == undone.id)
    of_reversal = select(Allocation.id).where(Allocation.reversal_id == undone.id)
    charges = list(session.scalars(select(LateCharge).where(LateCharge.allocation_id.in_(of_reversal))))
    rest = undone.amount + total(amount for _, amount in parts)
    rest += total(charge.interest + charge.recovery for charge in charges)
    postings = books.postings(undone.customer)
    parts += [(f"invoice:{one.invoice_id}", one.amount) for one in discounts] + [(undone.payment.subject, -rest)]
    for settles, amount in parts:
        postings.owed(-amount, settles=settles)
    _post_discounts(postings, discounts)
    _post_charges(postings, charges)
    means, reference = undone.payment.means, undone.payment.reference
    postings.add(books.chart.bank_of(means), -undone.amount)
    entry = _entry("reversal", reference, undone.reversed_on, undone.recorded_at, postings, means=means)
    yield from _with_vat(books, entry, parts)


def refund(books: Books, happened: Happened) -> Iterator[Entry]:
    """Money that went back to the customer: 411 against 512."""
    session = books.session
    given = session.get_one(Refund, happened.id)
    assert given.executed_on is not None and given.executed_at is not None  # noqa: S101, PT018 - it was carried out
    means = given.means or PaymentMeans.TRANSFER
    postings = books.postings(given.customer)
    for line in session.scalars(select(Allocation).where(Allocation.refund_id == given.id).order_by(Allocation.id)):
        settles = f"payment:{line.payment_id}" if line.payment_id is not None else f"invoice:{line.invoice_id}"
        postings.owed(line.amount if line.payment_id is not None else -line.amount, settles=settles)
    postings.add(books.chart.bank_of(means), -given.amount)
    yield _entry("refund", given.reference, given.executed_on, given.executed_at, postings, means=means)


def credit_use(books: Books, happened: Happened) -> Iterator[Entry]:
    """Credit that settles another paper: from the one to the other, within the customer's account."""
    session = books.session
    line = session.get_one(Allocation, happened.data["settled_by"])
    used = session.get(CreditUse, line.credit_use_id) if line.credit_use_id is not None else None
    source = f"invoice:{used.from_invoice_id}" if used is not None else f"payment:{line.payment_id}"
    (paper, amount), *_ = _parts([line])
    from_payment = session.get_one(Payment, line.payment_id) if line.payment_id is not None else None
    paid_for = session.get_one(Invoice, used.from_invoice_id) if used is not None else from_payment
    assert paid_for is not None  # noqa: S101 - one of both is the source
    postings = books.postings(paid_for.customer)
    postings.owed(amount, settles=source)
    postings.owed(-amount, settles=paper)
    on = business_date(line.settled_at)
    entry = _entry("credit_use", str(happened.data["document"]), on, line.settled_at, postings, journal=Journal.OTHER)
    yield from _with_vat(books, entry, [(paper, amount)])


def late_charge(books: Books, happened: Happened) -> Iterator[Entry]:
    """Interest (763) and fee (758) that a payment brought beyond what was due: no VAT on either."""
    kept = books.session.get_one(LateCharge, happened.id)
    postings = books.postings(kept.payment.customer)
    postings.owed(kept.interest + kept.recovery, settles=kept.payment.subject)
    _post_charges(postings, [kept])
    piece = str(happened.data["document"])
    yield _entry("late_charge", piece, kept.kept_on, kept.kept_at, postings, journal=Journal.OTHER)


def bank_fee(books: Books, happened: Happened) -> Iterator[Entry]:
    """What the bank took for itself (627): a debit of its own, or what it kept of a payment before it came."""
    moved = books.session.get_one(BankEntry, happened.id)
    amount = Money.of(str(happened.data["amount"]))
    postings = Postings(books.chart, "", "")
    postings.add(books.chart.bank_fees, amount)
    postings.add(books.chart.bank_of(moved.payment.means) if moved.payment is not None else books.chart.bank, -amount)
    piece = moved.bank_reference or moved.statement.number or str(moved.id)
    yield _entry("bank_fee", piece, moved.booked_on, datetime.fromisoformat(happened.data["recorded_at"]), postings)


def _post_charges(postings: Postings, charges: Iterable[LateCharge]) -> None:
    for charge in charges:
        postings.add(postings.chart.interest, -charge.interest)
        postings.add(postings.chart.recovery, -charge.recovery)


def _entry(
    word: str, piece: str, on: date, at: datetime, postings: Postings, *, journal: Journal = Journal.BANK,
    means: str = "",
) -> Entry:  # fmt: skip
    label = wording("entries", word, number=piece)
    return Entry(journal, on, piece, on, label, business_date(at), postings.lines(), means=str(means))


def _parts(lines: Iterable[Allocation]) -> Parts:
    """What each line settles; a line without a document settles nothing."""
    found = []
    for line in sorted(lines, key=lambda known: known.id):
        kind = "invoice" if line.invoice_id is not None else "open_item" if line.open_item_id is not None else ""
        found.append((f"{kind}:{line.invoice_id or line.open_item_id}" if kind else "", line.amount))
    return found


def _settled_at_once(paid: Payment, happened: Happened) -> ColumnElement[bool]:
    """The lines that came with the payment; before the journal named them there were no others but money given back."""
    if "parts" in happened.data:
        return Allocation.id.in_(happened.data["parts"])
    return (Allocation.payment_id == paid.id) & Allocation.reversal_id.is_(None) & Allocation.refund_id.is_(None)


def _discounts(books: Books, *which: Any) -> list[EarlyDiscount]:
    return list(books.session.scalars(select(EarlyDiscount).where(*which).order_by(EarlyDiscount.id)))


def _post_discounts(postings: Postings, discounts: Iterable[EarlyDiscount]) -> None:
    for part in (part for one in discounts for part in one.parts):
        postings.add(postings.chart.early_discount, part.net)
        postings.add(postings.chart.vat_of(part.vat_percent), part.vat)


def _with_vat(books: Books, entry: Entry, parts: Parts) -> Iterator[Entry]:
    """The entry, and for each deposit that it pays the VAT that falls due with it."""
    for settles, amount in parts:
        kind, _, number = settles.partition(":")
        deposit = books.session.get(Invoice, int(number)) if kind == "invoice" else None
        if deposit is None or deposit.kind is not DocumentKind.DEPOSIT_INVOICE or amount == ZERO:
            continue
        yield from due_vat(books, entry, deposit, books.vat_due(deposit, amount))
    yield entry


def due_vat(books: Books, beside: Entry, deposit: Invoice, moved: Holding) -> Iterator[Entry]:
    """The entry of VAT of a deposit that falls due, or waits again, with the entry that it stands beside; or none."""
    shift = books.postings(deposit.customer)
    entries.post_due_vat(shift, moved)
    if lines := shift.lines():
        label = wording("entries", "deposit_vat", number=deposit.number)
        yield replace(
            beside, journal=Journal.OTHER, piece=deposit.number, piece_date=deposit.issue_date, label=label,
            lines=lines, means="", holdings={deposit.id: moved},
        )  # fmt: skip

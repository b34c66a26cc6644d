"""What becomes of an entry: a certain payment is booked, a doubt is asked, what is no customer's is left alone."""

from __future__ import annotations

import importlib.resources
import re
import tomllib
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import credit_uses, events, journal, payments, refunds, reversals
from core.bank import books, matching
from core.bank.matching import Book, Claim, Doubt, Match
from core.bank.reading import Movement, bare
from core.bank.tables import BankEntry, CustomerIban, EntryState
from core.clock import business_date
from core.errors import Refused
from core.journal import Actor
from core.money import ZERO, Money
from core.parties import Customer
from core.payments import Payment
from core.refunds import Refund, RefundState

if TYPE_CHECKING:
    from core.settings import House

#: The rule of a debit by which the bank took something for itself.
BANK_FEE = "bank_fee"
#: Rules by which nobody is learned as the holder of an account: they did not ask whose it is.
NOT_LEARNED = frozenset({"refund", "not_ours"})


def treat(session: Session, entry: BankEntry, book: Book, *, house: House, by: Actor, at: datetime) -> Book:
    """Book the entry, or ask; the book as it is afterwards."""
    if entry.amount <= ZERO:
        _debit(session, entry, by=by, at=at)
        return book
    answer = matching.match(movement_of(entry), book)
    if isinstance(answer, Doubt):
        _ask(session, entry, answer.reason, at=at)
        return book
    book_match(session, entry, answer, house=house, by=by, at=at)
    return books.refreshed(session, book, answer.customer_id)


def movement_of(entry: BankEntry) -> Movement:
    """The entry as it was read."""
    return Movement(
        line=entry.position, booked_on=entry.booked_on, value_on=entry.value_on, amount=entry.amount, text=entry.text,
        end_to_end=entry.end_to_end, creditor_reference=entry.creditor_reference, bank_reference=entry.bank_reference,
        payer_name=entry.payer_name, payer_iban=entry.payer_iban, fees=entry.fees, reject=entry.reject,
        means=entry.means,
    )  # fmt: skip


def _ask(session: Session, entry: BankEntry, reason: str, *, at: datetime) -> None:
    entry.state, entry.rule = EntryState.ASKED, reason
    session.flush()
    events.emit(session, "entry_asked", entry, at=at)


def book_match(session: Session, entry: BankEntry, found: Match, *, house: House, by: Actor, at: datetime) -> Payment:
    """Record the payment with what it settles, use the credits that go with it, learn the payer's account."""
    customer = session.get_one(Customer, found.customer_id)
    parts = [(books.document_of(session, p.claim.kind, p.claim.id), p.pays) for p in found.parts]
    uses = [
        (credit_uses.source_by_number(session, customer.id, use.credit.number), use)
        for use in found.uses
    ]  # fmt: skip
    settled = [books.document_of(session, use.claim.kind, use.claim.id) for _, use in uses]
    # the credits first: what is short of a document after them is what the money settles
    for (source, use), document in zip(uses, settled, strict=True):
        credit_uses.use(session, source, document, use.amount, house=house, by=by, at=at)
    payment = payments.record(
        session, customer, entry.amount + entry.fees, received_on=_day_of(entry, at), by=by, at=at, house=house,
        means=entry.means, parts=parts,
    )  # fmt: skip
    asked = entry.state is EntryState.ASKED
    entry.state, entry.rule, entry.payment = EntryState.BOOKED, found.rule, payment
    learn(session, entry, customer, at=at)
    session.flush()
    journal.write(
        session, "entry_booked", subject=entry.subject, by=by, at=at, rule=found.rule, payment=payment.reference
    )
    if entry.fees > ZERO:  # the payment counts in full, the account got less
        _write_fee(session, entry, entry.fees, by=by, at=at)
    if asked:
        events.emit(session, "entry_decided", entry, at=at)
    return payment


def _day_of(entry: BankEntry, at: datetime) -> date:
    """The day the money counts: its value date, which a bank may set a day ahead of the booking."""
    return min(entry.value_on, business_date(at))


def learn(session: Session, entry: BankEntry, customer: Customer, *, at: datetime) -> None:
    """Remember that this customer pays from this account."""
    if not entry.payer_iban or entry.rule in NOT_LEARNED:
        return
    known = select(CustomerIban.id).where(
        CustomerIban.iban == entry.payer_iban, CustomerIban.customer_id == customer.id
    )
    if session.scalar(known) is None:
        session.add(CustomerIban(iban=entry.payer_iban, customer=customer, learned_at=at))


def held(session: Session, entry_id: int) -> BankEntry:
    """The entry, kept until the end of the transaction; refuses one that was decided by somebody else."""
    query = select(BankEntry).where(BankEntry.id == entry_id).with_for_update(of=BankEntry)
    entry = session.scalars(query.execution_options(populate_existing=True)).one()
    if entry.state is not EntryState.ASKED:
        raise Refused("entry_already_decided")
    return entry


def candidates(session: Session, entry: BankEntry) -> tuple[Claim, ...]:
    """The documents that an entry in doubt may be for, as they are now."""
    answer = matching.match(movement_of(entry), books.opened(session))
    if isinstance(answer, Doubt):
        return answer.candidates
    return tuple(part.claim for part in answer.parts)


def settle(
    session: Session, entry: BankEntry, claim_kind: str, claim_id: int, *, house: House, by: Actor, at: datetime
) -> Payment:  # fmt: skip
    """Accounting says what it pays: that document first, what is left stays the customer's credit."""
    document = books.document_of(session, claim_kind, claim_id)
    due = payments.amount_due(session, document)
    claim = Claim(claim_kind, claim_id, document.number, document.customer_id, due, document.due_date)
    amount = entry.amount + entry.fees
    part = matching.Part(claim, min(due, amount))
    found = Match(document.customer_id, "decided", (part,) if part.pays else (), (), amount - part.pays)
    return book_match(session, entry, found, house=house, by=by, at=at)


def assign(
    session: Session, entry: BankEntry, customer: Customer, *, house: House, by: Actor, at: datetime
) -> Payment | Doubt:  # fmt: skip
    """Accounting says whose it is: what that explains is booked, else the doubt with this customer's documents."""
    answer = matching.of_customer(movement_of(entry), customer.id, books.opened(session))
    if isinstance(answer, Doubt):
        return answer
    return book_match(session, entry, answer, house=house, by=by, at=at)


def credit(
    session: Session, entry: BankEntry, customer: Customer, *, house: House, by: Actor, at: datetime
) -> Payment:  # fmt: skip
    """Accounting says whose it is and that it settles nothing yet: it is his credit."""
    found = Match(customer.id, "decided", (), (), entry.amount + entry.fees)
    return book_match(session, entry, found, house=house, by=by, at=at)


def leave(session: Session, entry: BankEntry, *, by: Actor, at: datetime) -> None:
    """Accounting says that it is no customer's."""
    entry.state, entry.rule = EntryState.LEFT, "not_ours"
    journal.write(session, "entry_left", subject=entry.subject, by=by, at=at)
    events.emit(session, "entry_decided", entry, at=at)


def _debit(session: Session, entry: BankEntry, *, by: Actor, at: datetime) -> None:
    """A payment that came back is asked about, a refund that left is recorded, everything else is not ours to treat."""
    if entry.reject:
        _ask(session, entry, "rejected", at=at)
        return
    refund = _refund_of(session, entry)
    if refund is None and is_fee(entry):
        _ask(session, entry, BANK_FEE, at=at)
        return
    if refund is None:
        entry.state, entry.rule = EntryState.LEFT, "debit"
        return
    if refund.state is RefundState.APPROVED:
        try:
            with session.begin_nested():
                refunds.execute(session, refund, on=min(entry.booked_on, business_date(at)), by=by, at=at)
        except Refused:  # his credit was used meanwhile and the money left all the same: the statement is taken in
            _ask(session, entry, "refund_short", at=at)
            return
    entry.state, entry.rule, entry.refund_id = EntryState.BOOKED, "refund", refund.id


@cache
def _fee_words() -> re.Pattern[str]:
    text = (importlib.resources.files("templates") / "accounting" / "fr.toml").read_text("utf-8")
    return re.compile(tomllib.loads(text)["bank"]["fees"], re.IGNORECASE)


def is_fee(entry: BankEntry) -> bool:
    """A debit whose words say that the bank took it for itself."""
    return entry.amount < ZERO and _fee_words().search(matching.folded(entry.text)) is not None


def book_fee(session: Session, entry: BankEntry, *, by: Actor, at: datetime) -> None:
    """Accounting says that the bank took it for itself: it is a charge (627). Refuses what is no debit."""
    if entry.amount >= ZERO:
        raise Refused("entry_no_debit")
    entry.state, entry.rule = EntryState.BOOKED, BANK_FEE
    _write_fee(session, entry, -entry.amount, by=by, at=at)
    events.emit(session, "entry_decided", entry, at=at)


def _write_fee(session: Session, entry: BankEntry, amount: Money, *, by: Actor, at: datetime) -> None:
    session.flush()
    journal.write(
        session, "bank_fee_booked", subject=entry.subject, by=by, at=at, amount=amount,
        recorded_at=at.isoformat(),
    )  # fmt: skip


def _refund_of(session: Session, entry: BankEntry) -> Refund | None:
    """The refund that the debit names, when its amount is that of the debit and no other debit was it."""
    taken = select(BankEntry.refund_id).where(BankEntry.refund_id.is_not(None))
    query = select(Refund).where(
        Refund.amount == -entry.amount, Refund.state.in_((RefundState.APPROVED, RefundState.EXECUTED)),
        Refund.id.not_in(taken),
    )  # fmt: skip
    said = bare(f"{entry.end_to_end} {entry.text}")
    named = [refund for refund in session.scalars(query) if bare(refund.reference) in said]
    return named[0] if len(named) == 1 else None


def rejected(session: Session, entry: BankEntry) -> list[Payment]:
    """The payments that a rejected movement may take back: of that amount, not undone; those it names come first."""
    undone = select(reversals.PaymentReversal.payment_id)
    query = (
        select(Payment).where(Payment.amount == -entry.amount, Payment.id.not_in(undone)).order_by(Payment.id.desc())
    )
    found = list(session.scalars(query.limit(20)))
    said = bare(f"{entry.end_to_end} {entry.creditor_reference} {entry.text}")
    name = matching.folded(entry.payer_name)

    def named(payment: Payment) -> bool:
        numbers = [payment.reference, *(document.number for document, _ in reversals.settled_by(session, payment))]
        return any(bare(number) in said for number in numbers)

    def near(payment: Payment) -> tuple[bool, bool, int]:
        return not named(payment), matching.folded(payment.customer.name) != name, -payment.id

    return sorted(found, key=near)[: matching.CANDIDATES]


def take_back(session: Session, entry: BankEntry, payment: Payment, *, by: Actor, at: datetime) -> None:
    """Accounting says which payment came back: it is reversed, and what it settled is due again."""
    if payment.amount != -entry.amount:
        raise Refused("reversal_amount", reference=payment.reference, amount=-entry.amount)
    on = min(max(entry.booked_on, payment.received_on), business_date(at))
    reversal = reversals.reverse(session, payment, on=on, reason=f"{entry.reject} {entry.text}", by=by, at=at)
    entry.state, entry.rule, entry.reversal_id = EntryState.BOOKED, "rejected", reversal.id
    events.emit(session, "entry_decided", entry, at=at)

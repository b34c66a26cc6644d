"""What accounting does about money: statements dropped in the chat, movements in doubt, credits and refunds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from bot import banking
from bot.handlers import quotes
from bot.handlers.staff import AMOUNT, amount
from core import credit_uses, payments, refunds
from core.bank import BankEntry, EntryState, booking, matching, statements
from core.clock import business_date
from core.errors import Refused
from core.imports import ImportRefused, import_file
from core.invoices import Invoice
from core.means import PaymentMeans
from core.money import ZERO
from core.parties import Customer
from core.payments import OpenItem, Payment
from core.refunds import Refund

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def is_bank_file(files: list[tuple[str, bytes]]) -> bool:
    """Whether what was dropped is a statement, or a list of payments."""
    if len(files) != 1:
        return False
    name, content = files[0]
    head = content[:2000].lower()
    listed = name.lower().endswith(".csv") and all(word in head for word in (b"customer", b"amount", b"date"))
    return statements.recognised(content) or listed


def take_file(turn: Turn, files: list[tuple[str, bytes]]) -> None:
    """Take the file in; what is in doubt comes as cards."""
    name, content = files[0]
    if not statements.recognised(content):
        _take_list(turn, name, content)
        return
    report = statements.load(turn.session, content, house=turn.house, by=turn.by, at=turn.at)
    for day in report.gaps:
        turn.say("statement_gap", day=day)
    if not report.entries:
        turn.say("statement_known", name=name)
        return
    turn.say(
        "statement_taken", name=name, booked=report.count(EntryState.BOOKED), asked=report.count(EntryState.ASKED),
        left=report.count(EntryState.LEFT), known=report.known,
    )  # fmt: skip


def _take_list(turn: Turn, name: str, content: bytes) -> None:
    columns = turn.app.settings.imports.get("payments", {})
    try:
        report = import_file(
            turn.session, "payments", content, by=turn.by, at=turn.at, columns=columns, house=turn.house
        )
    except ImportRefused as error:
        first = error.problems[0]
        raise Refused("payments_file_wrong", line=first.line, column=first.column, more=len(error.problems)) from error
    turn.say("payments_taken", name=name, added=report.added, unchanged=report.unchanged, notes=len(report.notes))


def settle_entry(turn: Turn, args: Args, entry: BankEntry) -> None:
    """It pays this document."""
    entry = booking.held(turn.session, entry.id)
    booking.settle(
        turn.session, entry, str(args["claim"]), int(args["document"]), house=turn.house, by=turn.by, at=turn.at
    )
    turn.show(banking.entry_card(turn.session, entry))


def entry_customer(turn: Turn, args: Args, _entry: BankEntry) -> None:
    """Whose is it, then? The next text."""
    turn.ask("entry_whose", "whose_money", bank_entry=args["bank_entry"])


def entry_whose(turn: Turn, args: Args, text: str) -> None:
    """A customer's name, or the number of a document that is still to be paid."""
    entry = booking.held(turn.session, int(args["bank_entry"]))
    document = _document(turn, text)
    if document is not None:
        kind = "invoice" if isinstance(document, Invoice) else "open_item"
        booking.settle(turn.session, entry, kind, document.id, house=turn.house, by=turn.by, at=turn.at)
        turn.send(banking.entry_card(turn.session, entry))
        return
    customer = quotes.customer_named(turn, text)
    answer = booking.assign(turn.session, entry, customer, house=turn.house, by=turn.by, at=turn.at)
    whose = customer if isinstance(answer, matching.Doubt) else None
    turn.send(banking.entry_card(turn.session, entry, whose))


def _document(turn: Turn, text: str) -> Invoice | OpenItem | None:
    wanted = text.strip().upper()
    found: Invoice | OpenItem | None = turn.session.scalar(select(Invoice).where(Invoice.number == wanted))
    items = list(turn.session.scalars(select(OpenItem).where(func.upper(OpenItem.number) == wanted)))
    return found or (items[0] if len(items) == 1 else None)


def credit_entry(turn: Turn, args: Args, entry: BankEntry) -> None:
    """It is this customer's and settles nothing yet."""
    entry = booking.held(turn.session, entry.id)
    customer = turn.session.get_one(Customer, int(args["whose"]))
    booking.credit(turn.session, entry, customer, house=turn.house, by=turn.by, at=turn.at)
    turn.show(banking.entry_card(turn.session, entry))


def leave_entry(turn: Turn, _args: Args, entry: BankEntry) -> None:
    """It is no customer's."""
    entry = booking.held(turn.session, entry.id)
    booking.leave(turn.session, entry, by=turn.by, at=turn.at)
    turn.show(banking.entry_card(turn.session, entry))


def book_fee(turn: Turn, _args: Args, entry: BankEntry) -> None:
    """The bank took it for itself: a charge."""
    entry = booking.held(turn.session, entry.id)
    booking.book_fee(turn.session, entry, by=turn.by, at=turn.at)
    turn.show(banking.entry_card(turn.session, entry))


def reject_entry(turn: Turn, args: Args, entry: BankEntry) -> None:
    """It was that payment that came back: what it settled is due again."""
    entry = booking.held(turn.session, entry.id)
    payment = turn.session.get_one(Payment, int(args["paid"]))
    booking.take_back(turn.session, entry, payment, by=turn.by, at=turn.at)
    turn.show(banking.entry_card(turn.session, entry))


def ask_refund(turn: Turn, rest: str) -> None:
    """`CUSTOMER : AMOUNT WHY`: propose to give money back; somebody else of accounting decides."""
    name, _, said = rest.partition(":")
    found = AMOUNT.match(said.strip())
    if not name.strip() or found is None:
        raise Refused("refund_words")
    customer = quotes.customer_named(turn, name)
    reason = re.sub(r"^\s*(?:€|eur(?:os?)?\b)\s*", "", said.strip()[found.end() :], flags=re.IGNORECASE)
    refund = refunds.ask(turn.session, customer, amount(found[0], ZERO), reason=reason, by=turn.by, at=turn.at)
    turn.say("refund_asked", reference=refund.reference, amount=refund.amount, customer=customer.name)


def approve_refund(turn: Turn, _args: Args, refund: Refund) -> None:
    """Yes: it may leave."""
    refunds.approve(turn.session, refund, by=turn.by, at=turn.at)
    turn.show(banking.refund_card(turn.session, refund))


def refuse_refund(turn: Turn, args: Args, _refund: Refund) -> None:
    """Why not? The next text."""
    turn.ask("refund_reason", "why_refuse", refund=args["refund"])


def refund_reason(turn: Turn, args: Args, text: str) -> None:
    """No, and why."""
    refund = turn.session.get_one(Refund, int(args["refund"]))
    refunds.refuse(turn.session, refund, reason=text, by=turn.by, at=turn.at)
    turn.say("refund_refused", reference=refund.reference)


def execute_refund(turn: Turn, args: Args, refund: Refund) -> None:
    """It left today, by transfer or by cheque."""
    means = PaymentMeans(str(args.get("means", PaymentMeans.TRANSFER)))
    refunds.execute(turn.session, refund, on=business_date(turn.at), by=turn.by, at=turn.at, means=means)
    turn.show(banking.refund_card(turn.session, refund))


def use_credit(turn: Turn, rest: str) -> None:
    """`CREDIT DOCUMENT [AMOUNT]`: set a credit note's surplus, or money that settles nothing, against a document."""
    words = rest.split(maxsplit=2)
    if len(words) < 2:
        raise Refused("credit_use_words")
    document = _document(turn, words[1])
    if document is None:
        raise Refused("invoice_unknown", number=words[1])
    source = credit_uses.source_by_number(turn.session, document.customer_id, words[0])
    wanted = amount(words[2], ZERO) if len(words) > 2 else None
    used = credit_uses.use(turn.session, source, document, wanted, house=turn.house, by=turn.by, at=turn.at)
    left = payments.amount_due(turn.session, document)
    turn.say("credit_used", amount=used, number=document.number, left=left)


ACTIONS: dict[str, tuple[str, Any]] = {
    **{
        act.__name__: ("bank_entry", act)
        for act in (settle_entry, entry_customer, credit_entry, leave_entry, reject_entry, book_fee)
    },
    **{act.__name__: ("refund", act) for act in (approve_refund, refuse_refund, execute_refund)},
}
ANSWERS: dict[str, Any] = {"entry_whose": entry_whose, "refund_reason": refund_reason}
COMMANDS: dict[str, Any] = {"ask_refund": ask_refund, "use_credit": use_credit}

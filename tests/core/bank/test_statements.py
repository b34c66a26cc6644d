"""Statements on the furnished database: what is certain is booked, the rest is asked, twice is once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from core import credit_uses, early_discounts, payments, refunds, reversals
from core.accounting import booking as bookkeeping
from core.accounting import periods
from core.accounting.accounts import Chart
from core.bank import BankEntry, BankStatement, CustomerIban, EntryState, booking, statements
from core.bank.statements import StatementReport
from core.clock import business_date
from core.early_discounts import EarlyDiscount
from core.errors import Refused
from core.invoices import Invoice, issue_credit_note
from core.money import ZERO, Money, total
from core.parties import Role
from core.payments import Allocation, Payment
from core.settings import House
from tests.core.bank.papers import IBAN, PAYER, Line, camt, cfonb, mt940
from tests.core.builders import Trade

#: Verbs that are tried on both databases elsewhere: here it is what they are called with that counts.
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def house(house: House) -> House:
    return house.model_copy(update={"iban": IBAN, "early_discount_percent": Decimal(2), "early_discount_days": 10})


def taken(trade: Trade, content: bytes) -> StatementReport:
    return statements.load(trade.session, content, house=trade.house, by=trade.by(Role.ACCOUNTING), at=trade.at)


def due(trade: Trade, invoice: Invoice) -> Money:
    return payments.amount_due(trade.session, invoice)


def count(trade: Trade, table: type[object]) -> int:
    return trade.session.scalar(select(func.count()).select_from(table)) or 0


def test_the_three_formats_book_the_same(trade: Trade) -> None:
    for day, write in enumerate((camt, mt940, cfonb)):
        invoice = trade.invoiced((trade.article, "2"))
        trade.later(days=1)
        on = business_date(trade.at)
        line = Line("240.00", f"Facture {invoice.number}", name="HOTEL BELLEVUE", iban=PAYER, day=on)
        report = taken(trade, write(line, Line("-12.00", "Frais", day=on), day=on))
        assert (report.count(EntryState.BOOKED), report.count(EntryState.ASKED)) == (1, 1)
        assert due(trade, invoice) == ZERO
        assert report.entries[0].rule == "number"
        assert count(trade, Payment) == day + 1
    assert trade.session.scalars(select(CustomerIban.iban)).all() == [PAYER]


@SQLITE
def test_two_equal_entries_of_one_day_are_two_and_a_longer_statement_brings_only_what_is_new(trade: Trade) -> None:
    trade.invoiced((trade.article, "2"))
    twin = Line("50.00", "FA-2026-0001")
    assert len(taken(trade, camt(twin, twin)).entries) == 2
    again = taken(trade, camt(twin, twin))
    assert (again.entries, again.known) == ([], 2)
    longer = taken(trade, camt(twin, twin, Line("70.00", "FA-2026-0001")))
    assert (len(longer.entries), longer.known) == (1, 2)
    assert total(trade.session.scalars(select(Payment.amount))) == Money.of(170)
    assert count(trade, BankStatement) == 2


@SQLITE
def test_the_same_day_in_another_format_is_refused(trade: Trade) -> None:
    taken(trade, camt(Line("50.00", "VIR")))
    with pytest.raises(Refused) as refused:
        taken(trade, mt940(Line("50.00", "VIR")))
    assert refused.value.code == "statement_other_layout"


@SQLITE
def test_a_statement_that_is_not_ours_or_not_right_writes_nothing(trade: Trade) -> None:
    other = camt(Line("50.00", "VIR"), iban=PAYER)
    broken = cfonb(Line("50.00", "VIR")).replace(b"0000000010500{", b"0000000010600{")
    for content, code in ((other, "statement_other_account"), (broken, "statement_balance")):
        with pytest.raises(Refused) as refused:
            taken(trade, content)
        assert refused.value.code == code
    bare = trade.house.model_copy(update={"iban": ""})
    with pytest.raises(Refused, match="house_iban_missing"):
        statements.load(trade.session, other, house=bare, by=trade.by(), at=trade.at)
    assert (count(trade, BankEntry), count(trade, BankStatement), count(trade, Payment)) == (0, 0, 0)


@SQLITE
def test_a_missing_statement_is_noticed(trade: Trade) -> None:
    taken(trade, camt(Line("50.00", "VIR")))
    trade.later(days=1)
    on = business_date(trade.at)
    assert taken(trade, camt(Line("10.00", "VIR", day=on), day=on, opening="1050.00")).gaps == []
    trade.later(days=1)
    on = business_date(trade.at)
    assert taken(trade, camt(Line("10.00", "VIR", day=on), day=on, opening="990.00")).gaps == [on]


def test_an_early_payment_is_split_over_the_rates_and_a_reject_takes_it_back(trade: Trade) -> None:
    wine = trade.add_article("VIN-1", "10", vat="5.5")
    invoice = trade.invoiced((trade.article, "2"), (wine, "7"))
    assert invoice.gross == Money.of("313.85")
    offer = early_discounts.offer(invoice.paper.document)
    assert offer is not None
    assert "2,00" in invoice.paper.document.discount_terms
    report = taken(trade, camt(Line("307.57", f"{invoice.number}", family=("RDDT", "ESDD"))))
    assert report.entries[0].payment is not None
    (discount,) = trade.session.scalars(select(EarlyDiscount)).all()
    assert (discount.amount, due(trade, invoice)) == (Money.of("6.28"), ZERO)
    assert [(part.vat_percent, part.net, part.vat) for part in discount.parts] == [
        (Decimal(20), Money.of("4.00"), Money.of("0.80")), (Decimal("5.5"), Money.of("1.40"), Money.of("0.08")),
    ]  # fmt: skip
    payment = report.entries[0].payment
    trade.later(days=3)
    reversals.reverse(
        trade.session, payment, on=business_date(trade.at), reason="AM04", by=trade.by(Role.ACCOUNTING), at=trade.at
    )
    assert due(trade, invoice) == invoice.gross
    assert payments.usable_credit(trade.session, trade.customer) == ZERO
    assert total(trade.session.scalars(select(EarlyDiscount.amount))) == ZERO
    with pytest.raises(Refused, match="payment_already_reversed"):
        reversals.reverse(
            trade.session, payment, on=business_date(trade.at), reason="x", by=trade.by(), at=trade.at
        )  # fmt: skip


@SQLITE
def test_after_its_days_a_discount_is_a_part_payment(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "10"))
    trade.later(days=11)
    on = business_date(trade.at)
    taken(trade, camt(Line("1176.00", invoice.number, day=on), day=on))
    assert (due(trade, invoice), count(trade, EarlyDiscount)) == (Money.of(24), 0)


@SQLITE
def test_a_doubt_is_decided_once_and_teaches_the_account(trade: Trade) -> None:
    first, second = trade.invoiced((trade.article, "1")), trade.invoiced((trade.article, "1"))
    on = business_date(trade.at)
    report = taken(trade, camt(Line("120.00", "VIR", name="SCI Bellevue", iban=PAYER, day=on), day=on))
    (entry,) = report.entries
    assert (entry.state, entry.rule) == (EntryState.ASKED, "payer_unknown")
    assert [one.number for one in booking.candidates(trade.session, entry)] == [first.number, second.number]
    asked = booking.held(trade.session, entry.id)
    by = trade.by(Role.ACCOUNTING)
    booking.settle(trade.session, asked, "invoice", second.id, house=trade.house, by=by, at=trade.at)
    assert (due(trade, first), due(trade, second)) == (Money.of(120), ZERO)
    with pytest.raises(Refused, match="entry_already_decided"):
        booking.held(trade.session, entry.id)
    trade.later(days=1)
    on = business_date(trade.at)
    again = taken(trade, camt(Line("120.00", "VIR", name="SCI Bellevue", iban=PAYER, day=on), day=on))
    assert (again.entries[0].rule, due(trade, first)) == ("amount", ZERO)


@SQLITE
def test_a_refund_that_leaves_the_bank_is_recorded(trade: Trade) -> None:
    on = business_date(trade.at)
    payments.record(
        trade.session, trade.customer, Money.of(100), received_on=on, by=trade.by(), at=trade.at, house=trade.house
    )
    refund = refunds.ask(
        trade.session, trade.customer, Money.of(40), reason="trop-perçu de mars", by=trade.by(), at=trade.at
    )
    with pytest.raises(Refused, match="refund_above_credit"):
        refunds.ask(trade.session, trade.customer, Money.of(61), reason="trop-perçu encore", by=trade.by(), at=trade.at)
    refunds.approve(trade.session, refund, by=trade.by(Role.ACCOUNTING), at=trade.at)
    report = taken(trade, camt(Line("-40.00", f"Remboursement {refund.reference}", day=on), day=on))
    assert (report.entries[0].state, report.entries[0].refund_id) == (EntryState.BOOKED, refund.id)
    assert (refund.state, refund.executed_on) == (refunds.RefundState.EXECUTED, on)
    assert payments.usable_credit(trade.session, trade.customer) == Money.of(60)


@SQLITE
def test_credit_that_a_refund_was_promised_from_settles_nothing_by_itself_and_holds_no_statement_up(
    trade: Trade,
) -> None:
    on, by = business_date(trade.at), trade.by(Role.ACCOUNTING)
    who = {"by": by, "at": trade.at, "house": trade.house}
    loose = payments.record(trade.session, trade.customer, Money.of(40), received_on=on, **who)
    invoice = trade.invoiced((trade.article, "1"))
    refund = refunds.ask(
        trade.session, trade.customer, Money.of(40), reason="trop-perçu de mars", by=trade.by(), at=trade.at
    )
    refunds.approve(trade.session, refund, by=by, at=trade.at)
    report = taken(trade, camt(Line("80.00", f"Facture {invoice.number}", day=on), day=on))
    assert (report.entries[0].state, due(trade, invoice)) == (EntryState.BOOKED, Money.of(40))  # not with the 40
    credit_uses.use(trade.session, loose, invoice, house=trade.house, by=by, at=trade.at)  # somebody did so by hand
    lines = Line("-40.00", f"Remboursement {refund.reference}", day=on), Line("7.00", "inconnu", day=on)
    report = taken(trade, camt(*lines, day=on))
    assert [(entry.state, entry.rule) for entry in report.entries] == [
        (EntryState.ASKED, "refund_short"), (EntryState.ASKED, "payer_unknown"),
    ]  # fmt: skip
    assert (refund.state, refund.executed_on) == (refunds.RefundState.APPROVED, None)


def test_refunds_never_give_more_than_what_is_left_at_that_moment(trade: Trade) -> None:
    by = trade.by(Role.ACCOUNTING)
    invoice = trade.invoiced((trade.article, "1"))
    on = business_date(trade.at)
    payments.record(
        trade.session, trade.customer, Money.of(150), received_on=on, by=by, at=trade.at, house=trade.house,
        settles=invoice,
    )  # fmt: skip
    issue_credit_note(
        trade.session, invoice, {1: Decimal(1)}, reason="geste", returned=False, house=trade.house, by=by, at=trade.at
    )
    assert payments.usable_credit(trade.session, trade.customer) == Money.of(150)
    refund = refunds.ask(trade.session, trade.customer, Money.of(150), reason="tout rendre", by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="role_missing"):
        refunds.approve(trade.session, refund, by=trade.by(), at=trade.at)
    refunds.approve(trade.session, refund, by=by, at=trade.at)
    other = trade.invoiced((trade.article, "1"))
    used = credit_uses.use(trade.session, invoice, other, Money.of(50), house=trade.house, by=by, at=trade.at)
    assert (used, due(trade, other)) == (Money.of(50), Money.of(70))
    with pytest.raises(Refused, match="refund_above_credit"):
        refunds.execute(trade.session, refund, on=on, by=by, at=trade.at)
    with pytest.raises(Refused, match="credit_not_enough"):
        credit_uses.use(trade.session, invoice, other, Money.of(71), house=trade.house, by=by, at=trade.at)
    assert payments.usable_credit(trade.session, trade.customer) == Money.of(100)
    assert payments.sums(trade.session, trade.customer) == (Money.of(70), Money.of(70))


def test_what_settles_a_document_is_never_changed(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "1"))
    taken(trade, camt(Line("100.00", invoice.number)))
    line = trade.session.scalars(select(Allocation)).first()
    assert line is not None
    line.amount = Money.of(1)
    with pytest.raises(Exception, match="allocation rows never change"):
        trade.session.flush()


@SQLITE
def test_a_rejected_payment_is_found_by_its_amount_and_its_number(trade: Trade) -> None:
    first, second = trade.invoiced((trade.article, "1")), trade.invoiced((trade.article, "1"))
    on = business_date(trade.at)
    taken(trade, camt(Line("120.00", first.number, day=on), Line("120.00", second.number, day=on), day=on))
    trade.later(days=2)
    later = on + timedelta(days=2)
    back = Line("-120.00", f"REJET {second.number}", reject="AM04", day=later)
    (entry,) = taken(trade, camt(back, day=later)).entries
    assert (entry.state, entry.rule, entry.reject) == (EntryState.ASKED, "rejected", "AM04")
    found = booking.rejected(trade.session, entry)
    assert len(found) == 2
    booking.take_back(trade.session, entry, found[0], by=trade.by(Role.ACCOUNTING), at=trade.at)
    assert (due(trade, first), due(trade, second)) == (ZERO, Money.of(120))
    assert entry.state is EntryState.BOOKED


@SQLITE
def test_what_the_bank_takes_for_itself_is_asked_and_becomes_a_charge(trade: Trade) -> None:
    on = business_date(trade.at)
    invoice = trade.invoiced((trade.article, "10"))
    kept = Line("-12.50", "COMMISSION DE TENUE DE COMPTE T1", day=on, family=("MDOP", "CHRG"))
    rent = Line("-900.00", "LOYER MARS", day=on)
    report = taken(trade, camt(kept, rent, Line("1200.00", invoice.number, day=on), day=on))
    fee, left, paid = report.entries
    assert [(one.state, one.rule) for one in (fee, left)] == [
        (EntryState.ASKED, "bank_fee"), (EntryState.LEFT, "debit"),
    ]  # fmt: skip
    who = {"by": trade.by(Role.ACCOUNTING), "at": trade.at}
    with pytest.raises(Refused, match="entry_no_debit"):
        booking.book_fee(trade.session, paid, **who)
    booking.book_fee(trade.session, booking.held(trade.session, fee.id), **who)
    with pytest.raises(Refused, match="entry_already_decided"):
        booking.held(trade.session, fee.id)
    bookkeeping.book(trade.session, Chart(), at=trade.at)
    entry = periods.of_period(trade.session, on, on)[-1]
    assert entry.piece == "51"
    assert [(line.account, line.debit, line.credit) for line in entry.lines] == [
        ("627000", Money.of("12.50"), ZERO), ("512000", ZERO, Money.of("12.50")),
    ]  # fmt: skip

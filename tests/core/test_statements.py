"""Statements of account: the sums agree with what is owed, periods join, and the paper says what the account says."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core import invoices, late_charges, orders, payments, refunds, reversals, statements
from core.documents import DocumentKind, EntryKind, StatementEntry
from core.errors import Refused
from core.journal import JournalEntry
from core.money import ZERO, Money, total
from core.outbox import OutboxRow
from core.parties import Customer, Role, Staff, StaffRole
from core.payments import OpenItem
from core.statements import Owed
from tests.core.builders import Trade

START, TODAY = date(2026, 1, 1), date(2026, 3, 10)
MONEY = st.integers(1, 100_000).map(Money.from_cents)
DAYS = st.integers(0, 200).map(lambda n: START + timedelta(days=n))


@st.composite
def moves(draw: st.DrawFn) -> list[StatementEntry]:
    made = []
    for number in range(draw(st.integers(0, 12))):
        amount, owes = draw(MONEY), draw(st.booleans())
        debit, credit = (amount, ZERO) if owes else (ZERO, amount)
        kind = EntryKind.INVOICE if owes else EntryKind.PAYMENT
        made.append(StatementEntry(draw(DAYS), kind, f"N-{number}", ZERO, debit, credit))
    return made


@given(moves(), DAYS, DAYS, DAYS)
def test_one_period_ends_where_the_next_begins_and_each_balance_follows_from_the_one_before(
    known: list[StatementEntry], one: date, two: date, three: date
) -> None:
    since, middle, until = sorted((one, two, three))
    whole = statements.account(known, (), since=since, until=until)
    first = statements.account(known, (), since=since, until=middle)
    second = statements.account(known, (), since=middle + timedelta(days=1), until=until)
    assert first.closing == second.opening
    assert whole.closing == (second.closing if middle < until else first.closing)
    balance = whole.opening
    for entry in whole.entries:
        balance += entry.debit - entry.credit
        assert entry.balance == balance
    assert balance == whole.closing
    assert [entry.on for entry in whole.entries] == sorted(entry.on for entry in whole.entries)


@pytest.mark.parametrize(
    ("late", "upto"), [(-40, 0), (0, 0), (1, 30), (30, 30), (31, 60), (60, 60), (61, 90), (90, 90), (91, None)]
)
def test_what_is_owed_falls_into_the_class_of_its_age(late: int, upto: int | None) -> None:
    owed = [Owed(TODAY - timedelta(days=late), Money.of(10))]
    made = statements.account((), owed, since=START, until=TODAY)
    assert [(age.upto, age.amount) for age in made.ageing] == [(upto, Money.of(10))]
    assert made.overdue == (ZERO if upto == 0 else Money.of(10))


def test_on_one_day_an_invoice_comes_before_the_money_that_settles_it() -> None:
    paid = StatementEntry(TODAY, EntryKind.PAYMENT, "A", ZERO, credit=Money.of(10))
    owed = StatementEntry(TODAY, EntryKind.INVOICE, "B", ZERO, debit=Money.of(10))
    made = statements.account([paid, owed], (), since=TODAY, until=TODAY)
    assert [entry.number for entry in made.entries] == ["B", "A"]
    assert [entry.balance for entry in made.entries] == [Money.of(10), ZERO]


def account_with_everything(trade: Trade) -> Customer:
    """Two invoices, of which one is partly paid and partly credited; an item of the old books; money for nothing."""
    session, by = trade.session, trade.by(Role.ACCOUNTING)
    first = trade.invoiced((trade.article, "4"))
    trade.later(days=2)
    trade.invoiced((trade.article, "1"))
    trade.later(days=3)
    session.add(
        OpenItem(
            customer=trade.customer, number="FA-2025-0900", issue_date=date(2025, 11, 1), due_date=date(2025, 12, 1),
            gross=Money.of(500), paid=Money.of(200), as_of=date(2026, 1, 2),
        )
    )  # fmt: skip
    received = {"received_on": trade.at.date(), "by": by, "at": trade.at, "house": trade.house}
    payments.record(session, trade.customer, Money.of(300), settles=first, **received)
    payments.record(session, trade.customer, Money.of(50), **received)
    line = first.lines[0]
    invoices.issue_credit_note(
        session, first, {line.position: Decimal(1)}, reason="abîmé", returned=False, house=trade.house, by=by,
        at=trade.at,
    )  # fmt: skip
    session.flush()
    return trade.customer


def test_the_closing_balance_is_what_is_owed_less_what_may_still_be_used(trade: Trade) -> None:
    customer = account_with_everything(trade)
    today = trade.at.date()
    made = statements.of_customer(trade.session, customer, since=date(2025, 1, 1), until=today)
    owed = payments.receivables(trade.session, customer)
    assert made.opening == ZERO
    assert made.closing == total(r.due for r in owed) - payments.usable_credit(trade.session, customer)
    assert total(age.amount for age in made.ageing) == total(r.due for r in owed)
    assert [entry.kind for entry in made.entries] == [
        EntryKind.OPEN_ITEM, EntryKind.PAYMENT, EntryKind.INVOICE, EntryKind.INVOICE, EntryKind.CREDIT_NOTE,
        EntryKind.PAYMENT, EntryKind.PAYMENT,
    ]  # fmt: skip
    later = statements.of_customer(trade.session, customer, since=date(2026, 3, 12), until=today)
    assert later.opening + later.debits - later.credits == later.closing == made.closing
    before = statements.of_customer(trade.session, customer, since=date(2025, 1, 1), until=date(2026, 3, 11))
    assert before.closing == total(age.amount for age in before.ageing) == later.opening


def test_a_closed_item_of_the_old_books_owes_nothing_more(trade: Trade) -> None:
    item = OpenItem(
        customer=trade.customer, number="X-1", issue_date=date(2026, 1, 5), due_date=date(2026, 2, 5),
        gross=Money.of(100), paid=ZERO, as_of=date(2026, 1, 10), closed_on=date(2026, 3, 1),
    )  # fmt: skip
    trade.session.add(item)
    made = statements.of_customer(trade.session, trade.customer, since=START, until=TODAY)
    assert (made.closing, made.ageing) == (ZERO, ())
    open_then = statements.of_customer(trade.session, trade.customer, since=START, until=date(2026, 2, 28))
    assert (open_then.closing, open_then.overdue) == (Money.of(100), Money.of(100))


def test_another_customer_s_account_stays_his_own(trade: Trade) -> None:
    account_with_everything(trade)
    other = Customer(
        code="C002", name="Gîte du Lac", siren="443061841", street="1 quai", postcode="74000", city="Annecy"
    )
    trade.session.add(other)
    trade.session.flush()
    empty = statements.of_customer(trade.session, other, since=START, until=TODAY)
    assert (empty.opening, empty.entries, empty.ageing) == (ZERO, (), ())
    issued = {"since": START, "until": TODAY, "house": trade.house, "by": trade.by(Role.ACCOUNTING), "at": trade.at}
    paper = statements.issue(trade.session, trade.customer, **issued)
    with pytest.raises(Refused, match="paper_unknown"):
        statements.send(trade.session, other, paper, by=trade.by(Role.ACCOUNTING), at=trade.at)


def test_a_statement_is_frozen_once_a_day_sent_and_written_down(trade: Trade) -> None:
    customer, session = account_with_everything(trade), trade.session
    issued = {"since": START, "until": trade.at.date(), "house": trade.house, "by": trade.buyer, "at": trade.at}
    paper = statements.issue(session, customer, **issued)
    assert statements.issue(session, customer, **issued) is paper
    statements.send(session, customer, paper, by=trade.buyer, at=trade.at)
    document = paper.document
    assert (document.kind, document.number) == (DocumentKind.ACCOUNT_STATEMENT, "RC-2026-0001")
    assert document.statement == statements.of_customer(session, customer, since=issued["since"], until=issued["until"])
    row = session.scalars(select(OutboxRow).where(OutboxRow.template == "statement_issued")).one()
    assert (row.customer_id, row.paper_id) == (customer.id, paper.id)
    entry = session.scalars(select(JournalEntry).where(JournalEntry.action == "statement_issued")).one()
    assert paper.payload_hash in entry.data
    payments.record(
        session, customer, Money.of(10), received_on=trade.at.date(), by=trade.by(Role.ACCOUNTING), at=trade.at,
        house=trade.house,
    )  # fmt: skip
    assert statements.issue(session, customer, **issued).number == "RC-2026-0002"


def test_a_period_turned_round_or_not_over_is_refused_and_nothing_is_written(trade: Trade) -> None:
    issued = {"house": trade.house, "by": trade.buyer, "at": trade.at}
    with pytest.raises(Refused, match="period_reversed"):
        statements.issue(trade.session, trade.customer, since=TODAY, until=START, **issued)
    with pytest.raises(Refused, match="date_in_future"):
        statements.issue(trade.session, trade.customer, since=START, until=TODAY + timedelta(days=1), **issued)
    assert trade.session.scalars(select(OutboxRow)).all() == []


@pytest.mark.parametrize(
    ("today", "since"), [(TODAY, date(2025, 12, 1)), (date(2026, 12, 31), date(2026, 9, 1)), (START, date(2025, 10, 1))]
)
def test_the_usual_period_begins_on_the_first_of_the_third_month_before(today: date, since: date) -> None:
    assert statements.usual_period(today) == (since, today)


def test_money_that_went_back_and_discounts_move_the_account_too(trade: Trade) -> None:
    session, customer, by = trade.session, trade.customer, trade.by(Role.ACCOUNTING)
    customer.discount_percent, customer.discount_days = Decimal(2), 8
    early = trade.invoiced((trade.article, "4"))
    late = trade.invoiced((trade.article, "1"))
    trade.later(days=2)
    received = {"received_on": trade.at.date(), "by": by, "at": trade.at, "house": trade.house}
    payments.record(session, customer, Money.of("470.40"), settles=early, **received)
    bounced = payments.record(session, customer, Money.of(50), settles=late, **received)
    payments.record(session, customer, Money.of(80), **received)
    other = Staff(name="accounting two", grants=[StaffRole(role=Role.ACCOUNTING)])
    session.add(other)
    session.flush()
    refund = refunds.ask(session, customer, Money.of(30), reason="trop perçu en mars", by=by, at=trade.at)
    refunds.approve(session, refund, by=other.as_actor(), at=trade.at)
    trade.later(days=1)
    refunds.execute(session, refund, on=trade.at.date(), by=by, at=trade.at)
    reversals.reverse(session, bounced, on=trade.at.date(), reason="sans provision", by=by, at=trade.at)
    made = statements.of_customer(session, customer, since=START, until=trade.at.date())
    owed = payments.receivables(session, customer)
    assert made.closing == total(r.due for r in owed) - payments.usable_credit(session, customer)
    assert total(age.amount for age in made.ageing) == total(r.due for r in owed)
    kinds = [entry.kind for entry in made.entries]
    assert {EntryKind.DISCOUNT, EntryKind.REFUND, EntryKind.REVERSAL} <= set(kinds)
    before = statements.of_customer(session, customer, since=START, until=trade.at.date() - timedelta(days=1))
    assert before.closing == made.closing - Money.of(30) - Money.of(50)


def test_an_internal_credit_note_and_what_was_kept_for_being_late_move_the_account_by_what_they_are(
    trade: Trade,
) -> None:
    session, customer, by = trade.session, trade.customer, trade.by(Role.ACCOUNTING)
    who = {"house": trade.house, "by": by, "at": trade.at}
    order = trade.draft((trade.article, "10"))
    order.deposit_percent = Decimal(30)
    orders.accept_recap(session, order, by=trade.buyer, at=trade.at)
    deposit = invoices.issue_deposit(session, order, label="Acompte", **who)
    payments.record(session, customer, deposit.gross, settles=deposit, received_on=trade.at.date(), **who)
    delivery = trade.preparing(trade.confirm(order))
    trade.ship(delivery)
    trade.verify(delivery)
    refused = invoices.of_order(session, order)[-1]
    assert refused.prepaid == deposit.gross
    invoices.cancel_internally(session, refused, reason="refus", **who)
    made = statements.of_customer(session, customer, since=START, until=trade.at.date())
    assert (made.closing, made.ageing) == (ZERO, ())  # the deposit is paid, and nothing stands for the goods
    again = invoices.issue_again(session, refused, **who)
    trade.at += timedelta(days=90)
    who["at"] = trade.at
    paid = payments.record(
        session, customer, again.payable + Money.of(45), settles=again, received_on=trade.at.date(), **who
    )
    late_charges.keep(session, paid, again, interest=Money.of(5), recovery=Money.of(40), **who)
    made = statements.of_customer(session, customer, since=START, until=trade.at.date())
    assert made.closing == ZERO == payments.usable_credit(session, customer)
    kept = next(entry for entry in made.entries if entry.kind is EntryKind.LATE_CHARGE)
    assert (kept.debit, kept.number, kept.about) == (Money.of(45), paid.reference, again.number)

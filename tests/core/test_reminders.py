"""The reminder ladder as the clock moves, and the promises that pause it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from core import disputes, invoices, payments, refunds, reminders
from core.documents import DocumentKind
from core.errors import IllegalTransition, Refused
from core.invoices import Invoice
from core.journal import SYSTEM
from core.money import Money
from core.outbox import OutboxRow
from core.parties import Role
from core.reminders import LADDER, PromiseState, Reminder, ReminderState
from tests.core.builders import Trade


def run(trade: Trade, day: date) -> list[Reminder]:
    at = datetime.combine(day, time(8), UTC)
    return reminders.run(trade.session, today=day, at=at)


def levels(trade: Trade, invoice: Invoice, days: range) -> dict[int, int]:
    """Days after the due date -> level told, over a range of days."""
    found = {}
    for late in days:
        for reminder in run(trade, invoice.due_date + timedelta(days=late)):
            found[late] = reminder.level
    return found


def due_thursday(trade: Trade) -> Invoice:
    """An invoice of Tuesday 10 March, due on Thursday 9 April 2026 (Easter Monday is 6 April)."""
    invoice = trade.invoiced((trade.article, "10"))
    assert invoice.due_date == date(2026, 4, 9)
    return invoice


def pay(trade: Trade, invoice: Invoice, amount: Money, day: date) -> None:
    payments.record(
        trade.session, trade.customer, amount, received_on=day, by=trade.by(Role.ACCOUNTING),
        at=datetime.combine(day, time(9), UTC), house=trade.house, settles=invoice,
    )  # fmt: skip


def test_the_ladder_is_climbed_once_per_level_on_business_days(trade: Trade) -> None:
    invoice = due_thursday(trade)
    # J-5 is Saturday 4 April and Monday is Easter: told on Tuesday 7. J+30 is Saturday 9 May: told on Monday 11.
    # J+45 is a Sunday, J+46 Whit Monday
    assert levels(trade, invoice, range(-12, 60)) == {-2: 1, 7: 2, 15: 3, 32: 4, 47: 5}
    made = trade.session.scalars(select(Reminder).order_by(Reminder.id)).all()
    assert [reminder.state for reminder in made] == [ReminderState.SENT] * 4 + [ReminderState.TO_APPROVE]
    assert [reminder.level for reminder in made] == [step.number for step in LADDER]


@pytest.mark.parametrize("day", [date(2026, 4, 18), date(2026, 5, 1), date(2026, 5, 8), date(2026, 5, 14)])
def test_nothing_leaves_on_a_week_end_or_a_holiday(trade: Trade, day: date) -> None:
    due_thursday(trade)
    assert run(trade, day) == []


def test_two_runs_of_one_day_tell_once(trade: Trade) -> None:
    invoice = due_thursday(trade)
    day = invoice.due_date + timedelta(days=7)
    assert len(run(trade, day)) == 1
    assert run(trade, day) == []
    rows = trade.session.scalars(select(OutboxRow).where(OutboxRow.template == "reminder")).all()
    assert len(rows) == 1


def test_after_an_outage_only_the_highest_level_is_told(trade: Trade) -> None:
    invoice = due_thursday(trade)
    day = invoice.due_date + timedelta(days=18)
    (only,) = run(trade, day)
    assert only.level == 3
    assert run(trade, day + timedelta(days=1)) == []


def test_one_message_for_all_documents_of_a_customer(trade: Trade) -> None:
    first = due_thursday(trade)
    trade.invoiced((trade.article, "1"))
    (reminder,) = run(trade, first.due_date + timedelta(days=7))
    assert len(reminder.steps) == 2
    amounts = reminders.statement(trade.session, reminder, today=reminder.on, house=trade.house)
    assert [amount.days_late for amount in amounts] == [7, 7]
    assert amounts[0].interest == Money.of("2.80")  # 1200 x 12.15 % x 7 / 365


def test_what_is_paid_credited_or_disputed_is_not_claimed(trade: Trade) -> None:
    paid, credited, disputed, open_one = (trade.invoiced((trade.article, "1")) for _ in range(4))
    day, by = paid.due_date + timedelta(days=7), trade.by(Role.ACCOUNTING)
    pay(trade, paid, paid.gross, paid.due_date)
    invoices.issue_credit_note(
        trade.session, credited, {1: credited.lines[0].quantity}, reason="retour", returned=True, house=trade.house,
        by=by, at=trade.at,
    )  # fmt: skip
    disputes.open_dispute(trade.session, disputed, text="abîmé", by=trade.buyer, at=trade.at)
    (reminder,) = run(trade, day)
    assert [step.number for step in reminder.steps] == [open_one.number]
    pay(trade, open_one, open_one.gross, day)
    assert reminders.statement(trade.session, reminder, today=day, house=trade.house) == ()


def test_no_reminder_while_unmatched_money_is_there(trade: Trade) -> None:
    invoice = due_thursday(trade)
    payments.record(
        trade.session, trade.customer, Money.of(5), received_on=trade.at.date(), by=trade.by(Role.ACCOUNTING),
        at=trade.at, house=trade.house,
    )  # fmt: skip
    assert run(trade, invoice.due_date + timedelta(days=7)) == []


def test_credit_lessens_what_is_claimed_and_a_cent_of_it_silences_nothing(trade: Trade) -> None:
    covered, first = trade.invoiced((trade.article, "1")), trade.invoiced((trade.article, "10"))
    paid = trade.invoiced((trade.article, "2"))
    day = first.due_date + timedelta(days=7)
    pay(trade, paid, paid.gross + Money.of("0.01"), paid.issue_date)  # a cent too much
    trade.session.flush()
    (reminder,) = run(trade, day)
    amounts = reminders.statement(trade.session, reminder, today=day, house=trade.house)
    assert [(one.number, one.due) for one in amounts] == [
        (covered.number, Money.of("119.99")), (first.number, Money.of(1200)),
    ]  # fmt: skip
    # what the paid one gives back covers one document and lessens the next; a refund takes it away again
    invoices.issue_credit_note(
        trade.session, paid, {1: paid.lines[0].quantity}, reason="retour", returned=False, house=trade.house,
        by=trade.by(Role.ACCOUNTING), at=trade.at,
    )  # fmt: skip
    amounts = reminders.statement(trade.session, reminder, today=day, house=trade.house)
    assert [(one.number, one.due) for one in amounts] == [(first.number, Money.of("1079.99"))]
    refunds.ask(trade.session, trade.customer, Money.of(240), reason="avoir rendu", by=trade.by(), at=trade.at)
    assert len(reminders.statement(trade.session, reminder, today=day, house=trade.house)) == 2


def test_a_promise_pauses_the_ladder_and_a_broken_one_resumes_it_the_day_after(trade: Trade) -> None:
    invoice = due_thursday(trade)
    run(trade, invoice.due_date + timedelta(days=7))
    made = reminders.promise(
        trade.session, trade.customer, invoice.number, day=invoice.due_date + timedelta(days=18), by=trade.buyer,
        at=datetime.combine(invoice.due_date + timedelta(days=8), time(9), UTC),
    )  # fmt: skip
    assert levels(trade, invoice, range(8, 19)) == {}
    broken_on = invoice.due_date + timedelta(days=19)
    assert run(trade, broken_on) == []
    assert (made.state, made.broken_on) == (PromiseState.BROKEN, broken_on)
    assert run(trade, broken_on) == []
    assert levels(trade, invoice, range(20, 22)) == {20: 3}
    told = trade.session.scalars(select(OutboxRow).where(OutboxRow.template == "promise_broken")).all()
    assert len(told) == 1


def test_a_promise_is_kept_by_its_amount(trade: Trade) -> None:
    invoice = due_thursday(trade)
    made = reminders.promise(
        trade.session, trade.customer, invoice.number, day=invoice.due_date, by=trade.buyer, at=trade.at,
        amount=Money.of(500),
    )  # fmt: skip
    pay(trade, invoice, Money.of(499), trade.at.date())
    assert made.state is PromiseState.OPEN
    pay(trade, invoice, Money.of(1), trade.at.date())
    assert made.state is PromiseState.KEPT


def test_a_promise_settled_by_a_credit_note_is_not_broken(trade: Trade) -> None:
    invoice = due_thursday(trade)
    made = reminders.promise(
        trade.session, trade.customer, invoice.number, day=invoice.due_date, by=trade.buyer, at=trade.at
    )
    invoices.issue_credit_note(
        trade.session, invoice, {1: invoice.lines[0].quantity}, reason="retour", returned=True, house=trade.house,
        by=trade.by(Role.ACCOUNTING), at=trade.at,
    )  # fmt: skip
    run(trade, invoice.due_date + timedelta(days=1))
    assert made.state is PromiseState.KEPT


def test_a_new_promise_replaces_the_open_one_and_impossible_ones_are_refused(trade: Trade) -> None:
    invoice = due_thursday(trade)
    soon = trade.at.date() + timedelta(days=3)

    def promise(day: date, amount: Money | None = None) -> reminders.Promise:
        return reminders.promise(
            trade.session, trade.customer, invoice.number, day=day, by=trade.buyer, at=trade.at, amount=amount
        )

    promise(soon)
    second = promise(soon + timedelta(days=1))
    assert reminders.open_promises(trade.session, trade.customer) == [second]
    with pytest.raises(Refused, match="date_in_past"):
        promise(trade.at.date() - timedelta(days=1))
    with pytest.raises(Refused, match="promise_not_possible"):
        promise(soon, Money.of(1201))


def legal_case(trade: Trade) -> tuple[Reminder, datetime]:
    invoice = due_thursday(trade)
    day = invoice.due_date + timedelta(days=47)
    (reminder,) = run(trade, day)
    assert reminder.state is ReminderState.TO_APPROVE
    return reminder, datetime.combine(day, time(10), UTC)


def test_the_legal_level_waits_for_a_yes(trade: Trade) -> None:
    reminder, at = legal_case(trade)
    customer_rows = select(OutboxRow).where(OutboxRow.subject == reminder.subject, OutboxRow.audience == "customer")
    assert trade.session.scalars(customer_rows).all() == []
    paper = reminders.approve_formal_notice(trade.session, reminder, house=trade.house, by=trade.by(Role.LEGAL), at=at)
    assert paper.kind is DocumentKind.FORMAL_NOTICE
    assert paper.document.recovery_fee == Money.of(40)
    assert [row.template for row in trade.session.scalars(customer_rows)] == ["formal_notice"]
    with pytest.raises(IllegalTransition):
        reminders.approve_formal_notice(trade.session, reminder, house=trade.house, by=trade.by(Role.LEGAL), at=at)


def test_a_formal_notice_is_refused_once_all_is_paid(trade: Trade) -> None:
    reminder, at = legal_case(trade)
    invoice = invoices.by_number(trade.session, reminder.steps[0].number)
    pay(trade, invoice, invoice.gross, at.date())
    with pytest.raises(Refused, match="nothing_due"):
        reminders.approve_formal_notice(trade.session, reminder, house=trade.house, by=trade.by(Role.LEGAL), at=at)


def test_legal_may_say_no_with_a_reason(trade: Trade) -> None:
    reminder, at = legal_case(trade)
    with pytest.raises(Refused, match="reason_missing"):
        reminders.drop(trade.session, reminder, reason=" ", by=trade.by(Role.LEGAL), at=at)
    reminders.drop(trade.session, reminder, reason="accord amiable", by=trade.by(Role.LEGAL), at=at)
    assert reminder.state is ReminderState.DROPPED
    with pytest.raises(IllegalTransition):
        reminders.drop(trade.session, reminder, reason="encore", by=SYSTEM, at=at)
    assert run(trade, at.date() + timedelta(days=1)) == []


def test_what_waits_for_legal_does_not_hold_back_the_rest(trade: Trade) -> None:
    old = due_thursday(trade)
    trade.customer.payment_terms, trade.at = (
        "60 jours",
        trade.at + timedelta(days=10),
    )  # due 40 days after the first one
    young = trade.invoiced((trade.article, "1"))
    made = run(trade, old.due_date + timedelta(days=47))
    assert [(r.level, [s.number for s in r.steps]) for r in made] == [(5, [old.number]), (2, [young.number])]

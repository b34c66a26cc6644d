"""Late interest and the recovery fee are kept of what a payment brought beyond what was due."""

from __future__ import annotations

from datetime import date

import pytest

from core import late_charges, payments, reversals
from core.accounting import booking, periods
from core.accounting.accounts import Chart
from core.errors import Refused
from core.invoices import Invoice
from core.money import ZERO, Money
from core.parties import Role
from core.payments import Payment
from tests.core.builders import Trade


def paid_late(trade: Trade, amount: str) -> tuple[Invoice, Payment]:
    invoice = trade.invoiced((trade.article, "10"))
    trade.later(days=60)
    return invoice, payments.record(
        trade.session, trade.customer, Money.of(amount), received_on=trade.at.date(), settles=invoice,
        house=trade.house, by=trade.by(Role.ACCOUNTING), at=trade.at,
    )  # fmt: skip


def keep(trade: Trade, payment: Payment, invoice: Invoice, interest: str, recovery: str) -> None:
    late_charges.keep(
        trade.session, payment, invoice, interest=Money.of(interest), recovery=Money.of(recovery), house=trade.house,
        by=trade.by(Role.ACCOUNTING), at=trade.at,
    )  # fmt: skip


def posted(trade: Trade) -> list[dict[str, str]]:
    booking.book(trade.session, Chart(), at=trade.at)
    found = []
    for entry in periods.of_period(trade.session, date.min, date.max):
        sums: dict[str, Money] = {}
        for line in entry.lines:
            sums[line.account] = sums.get(line.account, ZERO) + line.debit - line.credit
        found.append({account: str(amount) for account, amount in sums.items()})
    return found


def test_interest_and_fee_are_income_without_vat_and_no_longer_the_customers(trade: Trade) -> None:
    invoice, payment = paid_late(trade, "1250")
    assert payments.usable_credit(trade.session, trade.customer) == Money.of(50)
    keep(trade, payment, invoice, "10", "40")
    assert payments.usable_credit(trade.session, trade.customer) == ZERO
    assert posted(trade)[-1] == {"411000": "50.00", "763000": "-10.00", "758000": "-40.00"}
    entries = periods.of_period(trade.session, date.min, date.max)
    letters = {line.settles: line.letter for entry in entries for line in entry.lines if line.settles}
    assert letters == {invoice.subject: "A", payment.subject: "B"}
    reversals.reverse(
        trade.session, payment, on=trade.at.date(), reason="rejet", by=trade.by(Role.ACCOUNTING), at=trade.at
    )  # fmt: skip
    assert posted(trade)[-1] == {
        "411000": "1200.00", "763000": "10.00", "758000": "40.00", "512000": "-1250.00",
    }  # fmt: skip
    assert payments.amount_due(trade.session, invoice) == invoice.gross
    assert payments.usable_credit(trade.session, trade.customer) == ZERO


def test_interest_that_was_kept_is_not_owed_again(trade: Trade) -> None:
    invoice, payment = paid_late(trade, "1300")
    first = late_charges.owed(trade.session, payment, invoice, house=trade.house)
    assert first.interest > ZERO
    keep(trade, payment, invoice, str(first.interest), "0")
    assert late_charges.owed(trade.session, payment, invoice, house=trade.house).interest == ZERO


def test_what_may_not_be_kept_is_refused_and_nothing_is_kept(trade: Trade) -> None:
    invoice, payment = paid_late(trade, "1300")
    early = trade.invoiced((trade.article, "1"))
    for interest, recovery, code in [
        ("0", "0", "amount_not_positive"), ("-1", "5", "amount_not_positive"), ("101", "0", "credit_not_enough"),
        ("0", "40.01", "fee_above"),
    ]:  # fmt: skip
        with pytest.raises(Refused, match=code):
            keep(trade, payment, invoice, interest, recovery)
    with pytest.raises(Refused, match="not_late"):
        keep(trade, payment, early, "1", "0")
    keep(trade, payment, invoice, "0", "40")
    with pytest.raises(Refused, match="fee_above"):
        keep(trade, payment, invoice, "0", "1")
    other, again = paid_late(trade, "1300")
    trade.customer.insolvent_since = trade.at.date()
    with pytest.raises(Refused, match="fee_of_insolvent"):
        keep(trade, again, other, "5", "40")
    assert payments.usable_credit(trade.session, trade.customer) == Money.of(160)

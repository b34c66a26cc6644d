"""The rows of the checks of the account."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.checks import Severity
from core.facts import CreditRules
from core.money import Money
from core.payments import Receivable
from tests.core.checks.clean import NOTHING, TODAY, Row

LATE = Receivable("FA-1", TODAY, TODAY - timedelta(days=9), Money.of(50), Money.of(40))
OVER = replace(NOTHING, unpaid=Money.of("0.01"), this_order=Money.of(1200))

TABLE: list[Row] = [
    ("customer_closed", Severity.BLOCK, {"account.active": False}, {}),
    ("customer_on_hold", Severity.BLOCK, {"account.on_hold": True}, {}),
    ("limit_missing", Severity.NOTE, {"account.credit_limit": None}, {}),
    (
        "over_limit",
        Severity.BLOCK,
        {"account.exposure": OVER},
        {"account.exposure": replace(OVER, credits=Money.of("0.01"))},
    ),
    ("overdue", Severity.BLOCK, {"account.overdue": (LATE,)}, {}),
    ("overdue", Severity.WATCH, {"account.overdue": (LATE,), "account.rules": CreditRules(overdue_days=9)}, {}),
    (
        "overdue",
        Severity.WATCH,
        {"account.overdue": (LATE,), "account.rules": CreditRules(overdue_amount=LATE.due)},
        {},
    ),
    (
        "overdue",
        Severity.BLOCK,
        {"account.overdue": (LATE,), "account.rules": CreditRules(8, LATE.due - Money.of("0.01"))},
        {},
    ),
    (
        "customer_insolvent",
        Severity.BLOCK,
        {"account.insolvent_since": TODAY},
        {"account.insolvent_since": TODAY + timedelta(days=1)},
    ),
    (
        "over_insured_limit",
        Severity.WATCH,
        {"account.insured_limit": Money.of("1199.99")},
        {"account.insured_limit": Money.of(1200)},
    ),
    ("reminder_reached", Severity.WATCH, {"account.reminder_level": 3}, {"account.reminder_level": 1}),
    ("reminder_reached", Severity.BLOCK, {"account.reminder_level": 4}, {"account.reminder_level": 1}),
]

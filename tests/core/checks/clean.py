"""The clean facts: an order with which both services agree, and how a row of a table changes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from core.calendars import DeliveryRule
from core.checks import Severity
from core.facts import (
    AccountFacts,
    ConformityFacts,
    DeliveryFacts,
    DepositFacts,
    DuplicateFacts,
    Exposure,
    Facts,
    LineFacts,
    QuoteFacts,
    SaleTermsFacts,
)
from core.money import ZERO, Money
from core.parties import Point, Requirement

TODAY = date(2026, 3, 10)  # a Tuesday
AT = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)  # ten o'clock in France
#: Delivered on Tuesdays and Thursdays, what is ordered until eleven leaves two business days later.
RULE = DeliveryRule(weekdays=frozenset({2, 4}), cutoff=time(11), lead_days=2)
LINE = LineFacts(
    position=1, sku="DRA-140", text="draps", quantity=Decimal(10), unit_price=Decimal(100), customer_price=None,
    price_choice=None, confidence=Decimal(1), available=Decimal(10),
)  # fmt: skip
NOTHING = Exposure(ZERO, ZERO, ZERO, ZERO, ZERO)
CLEAN = Facts(
    today=TODAY,
    account=AccountFacts(
        active=True, on_hold=False, credit_limit=Money.of(1200), exposure=replace(NOTHING, this_order=Money.of(1200)),
        overdue=(),
    ),
    lines=(LINE,),
    conformity=ConformityFacts(
        recap_policy=Requirement.REQUIRED, recap_accepted=True, accord=False, sender_authenticated=True,
        customer_clue="", customer_total=Money.of(1000), order_net=Money.of(1000),
        requirements=dict.fromkeys(Point, Requirement.REQUIRED), lines_total=Money.of(1000),
        order_gross=Money.of(1200), number="BC-12", ordered_on=TODAY, buyer="Julie", buyer_limit=Money.of(1200),
        authority_limited=True, place_said="7 impasse des Lavandes, 69005 Lyon", place_known=True, places=2,
        electronic_address="552100554", quote_said="DV-2026-0001", quote_found=True,
    ),
    sale_terms=SaleTermsFacts(Requirement.REQUIRED, current="2026-01", accepted="2026-01"),
    deposit=DepositFacts(percent=None, due=ZERO, invoiced=ZERO, paid=ZERO),
    quote=QuoteFacts("DV-2026-0001", expired=False),
    duplicates=DuplicateFacts(),
    price_tolerance_percent=Decimal(1),
    overridden=frozenset(),
    delivery=DeliveryFacts(
        wanted=TODAY + timedelta(days=2), rule=RULE, first_day=RULE.first_day(AT), proposed=TODAY + timedelta(days=2),
        open=True, order_net=Money.of(1000), minimum_order=Money.of(1000),
    ),
    agent_discount_percent=Decimal(5),
)  # fmt: skip

Change = dict[str, Any]
#: The finding's code, its severity, what makes it appear, and the nearest change that does not.
Row = tuple[str, Severity, Change, Change]


def line(**change: Any) -> Change:
    """The clean order's line with these values."""
    return {"lines": (replace(LINE, **change),)}


def changed(change: Change) -> Facts:
    """The clean facts with other values; `account.on_hold` names a value inside a subject."""
    facts = CLEAN
    for name, value in change.items():
        subject, _, inner = name.partition(".")
        facts = replace(facts, **{subject: replace(getattr(facts, subject), **{inner: value}) if inner else value})
    return facts

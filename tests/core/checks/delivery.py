"""The rows of the checks of delivery days and of the minimum order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from core.calendars import DeliveryRule
from core.checks import Severity
from core.money import Money
from tests.core.checks.clean import AT, RULE, TODAY, Row

STRICT = replace(RULE, strict=True)
LATE = datetime(2026, 3, 10, 10, 0, 1, tzinfo=UTC)  # one second after the cut-off
FREE: dict[str, Any] = {"delivery.rule": DeliveryRule(), "delivery.first_day": TODAY}
EASTER_MONDAY = date(2026, 4, 6)


def wanted(day: date | None, rule: DeliveryRule = RULE, at: datetime = AT) -> dict[str, Any]:
    return {
        "delivery.wanted": day, "delivery.rule": rule, "delivery.first_day": rule.first_day(at),
        "delivery.late": rule.is_late(at),
    }  # fmt: skip


TABLE: list[Row] = [
    ("delivery_date_missing", Severity.WATCH, wanted(None), wanted(date(2026, 3, 12))),
    ("delivery_date_missing", Severity.BLOCK, wanted(None, STRICT), wanted(date(2026, 3, 12), STRICT)),
    ("delivery_date_missing", Severity.NOTE, {**FREE, "delivery.wanted": None}, FREE),
    (
        "delivery_date_past",
        Severity.WATCH,
        {**FREE, "delivery.wanted": date(2026, 3, 9)},
        {**FREE, "delivery.wanted": TODAY},
    ),
    ("delivery_date_past", Severity.BLOCK, wanted(date(2026, 3, 5), STRICT), wanted(date(2026, 3, 17), STRICT)),
    (
        "delivery_on_holiday",
        Severity.WATCH,
        wanted(EASTER_MONDAY, replace(RULE, weekdays=frozenset({1}))),
        wanted(date(2026, 4, 13), replace(RULE, weekdays=frozenset({1}))),
    ),
    ("delivery_on_holiday", Severity.WATCH, {**FREE, "delivery.wanted": EASTER_MONDAY}, FREE),
    ("delivery_day_closed", Severity.WATCH, wanted(date(2026, 3, 13)), wanted(date(2026, 3, 17))),
    ("delivery_day_closed", Severity.BLOCK, wanted(date(2026, 3, 13), STRICT), wanted(date(2026, 3, 12), STRICT)),
    ("delivery_day_closed", Severity.WATCH, {**FREE, "delivery.wanted": date(2026, 3, 14)}, FREE),
    ("delivery_after_cutoff", Severity.WATCH, wanted(date(2026, 3, 12), at=LATE), wanted(date(2026, 3, 17), at=LATE)),
    (
        "delivery_after_cutoff",
        Severity.BLOCK,
        wanted(date(2026, 3, 12), STRICT, LATE),
        wanted(date(2026, 3, 12), STRICT),
    ),
    (
        "delivery_too_soon",
        Severity.WATCH,
        wanted(date(2026, 3, 12), replace(RULE, lead_days=3)),
        {**wanted(date(2026, 3, 12), replace(RULE, lead_days=3)), "delivery.open": False},
    ),
    (
        "below_minimum_order",
        Severity.BLOCK,
        {"delivery.order_net": Money.of("999.99")},
        {"delivery.order_net": Money.of("999.99"), "delivery.minimum_order": None},
    ),
]

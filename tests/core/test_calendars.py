"""Delivery days: weekdays, cut-off, lead, holidays, and what is refused when they are written down."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendars import DeliveryRule, parse_cutoff, parse_lead_days, parse_weekdays
from core.clock import is_business_day, is_holiday
from core.errors import Refused

NINE = datetime(2026, 4, 2, 7, 0, tzinfo=UTC)  # Thursday before Easter, nine o'clock in France
NOON = datetime(2026, 4, 2, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "placed_at", "first"),
    [
        (DeliveryRule(), NINE, date(2026, 4, 2)),
        (DeliveryRule(cutoff=time(11)), NINE, date(2026, 4, 2)),
        (DeliveryRule(cutoff=time(11)), NOON, date(2026, 4, 3)),
        (DeliveryRule(cutoff=time(11), lead_days=1), NOON, date(2026, 4, 7)),  # Easter Monday is no day
        (DeliveryRule(frozenset({1}), time(11), 1), NINE, date(2026, 4, 13)),
        (DeliveryRule(frozenset({6})), NINE, date(2026, 4, 4)),
        (DeliveryRule(frozenset({5}), time(12), 2), datetime(2026, 4, 4, 9, tzinfo=UTC), date(2026, 4, 10)),
    ],
)
def test_the_first_delivery_day_follows_from_weekdays_cutoff_and_lead(
    rule: DeliveryRule, placed_at: datetime, first: date
) -> None:
    assert rule.first_day(placed_at) == first


def test_an_order_at_the_very_minute_is_in_time_whatever_the_season() -> None:
    rule = DeliveryRule(cutoff=time(11))
    for summer, utc in ((False, 10), (True, 9)):
        at = datetime(2026, 7 if summer else 1, 7, utc, tzinfo=UTC)
        assert not rule.is_late(at)
        assert rule.is_late(at + timedelta(seconds=1))


@given(
    weekdays=st.frozensets(st.integers(1, 7)),
    cutoff=st.none() | st.times(),
    lead=st.integers(0, 10),
    minutes=st.integers(0, 2 * 365 * 24 * 60),
)
def test_the_first_day_is_a_delivery_day_that_leaves_the_lead(
    weekdays: frozenset[int], cutoff: time | None, lead: int, minutes: int
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    rule = DeliveryRule(weekdays, cutoff, lead)
    first = rule.first_day(at)
    assert rule.delivers_on(first)
    assert not is_holiday(first)
    between = [at.date() + timedelta(days=n) for n in range((first - at.date()).days + 1)]
    assert sum(map(is_business_day, between)) >= lead
    assert rule.first_day(at + timedelta(days=1)) >= first


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("135", "135"), ("1-5", "12345"), ("lun mer ven", "135"), ("Mardi; JEUDI", "24"), ("mon,wed", "13"),
        ("sam.", "6"), ("", ""), ("5 1 1", "15"),
    ],
)  # fmt: skip
def test_delivery_days_are_read_as_people_write_them(written: str, kept: str) -> None:
    assert parse_weekdays(written) == kept


@pytest.mark.parametrize("written", ["8", "0", "lundredi", "5-1", "13x"])
def test_days_that_are_none_are_refused(written: str) -> None:
    with pytest.raises(Refused, match="weekdays_unknown"):
        parse_weekdays(written)


def test_cutoffs_and_leads_are_read_or_refused() -> None:
    assert [parse_cutoff(text) for text in ("11:00", "11h", "9 h 30", "23H59", "")] == [
        time(11), time(11), time(9, 30), time(23, 59), None,
    ]  # fmt: skip
    for text in ("24h", "11:60", "midi", "-1"):
        with pytest.raises(Refused, match="cutoff_unknown"):
            parse_cutoff(text)
    assert [parse_lead_days(text) for text in ("", "0", " 3 ", "60")] == [0, 0, 3, 60]
    for text in ("61", "-1", "1,5", "trois"):
        with pytest.raises(Refused, match="lead_days_unknown"):
            parse_lead_days(text)

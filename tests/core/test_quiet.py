"""When the house answers, and when a customer's chat is left in peace: rules on days and hours, and where rows wait."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import events, hours, quiet
from core.clock import PARIS
from core.orders import Order
from core.outbox import OutboxRow
from core.parties import ChatLink
from core.settings import House
from tests.core.builders import CUSTOMER_CHAT, Trade

HOUSE = House(opens=time(8, 30), closes=time(17, 30), answer_hours=2)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("2026-11-23T09:00", "2026-11-23T11:00"),  # a Monday
        ("2026-11-23T09:03", "2026-11-23T11:15"),  # told on the quarter
        ("2026-11-23T06:00", "2026-11-23T10:30"),  # before the shop opens
        ("2026-11-23T16:30", "2026-11-24T09:30"),  # an hour today, an hour tomorrow
        ("2026-11-27T17:00", "2026-11-30T10:00"),  # over a weekend
        ("2026-12-24T17:00", "2026-12-28T10:00"),  # over Christmas and a weekend
    ],
)
def test_a_promised_time_is_counted_in_the_houses_opening_hours(asked: str, answered: str) -> None:
    assert hours.answer_by(HOUSE, paris(asked)) == paris(answered)


@settings(max_examples=25)
@given(INSTANTS)
def test_every_promise_is_kept_in_opening_hours_and_a_passed_one_is_given_anew(asked: datetime) -> None:
    promised = hours.answer_by(HOUSE, asked)
    local = promised.astimezone(PARIS)
    assert promised > asked
    assert HOUSE.hours.open_on(local.date())
    assert HOUSE.opens <= local.time() <= HOUSE.closes
    assert hours.answer_by(HOUSE, asked, at=promised + timedelta(minutes=1)) > promised


def test_the_house_may_work_on_saturdays_and_close_on_days_of_its_own() -> None:
    open_six = HOUSE.model_copy(update={"open_weekdays": "123456", "closed_days": (date(2026, 11, 30),)})
    assert hours.answer_by(open_six, paris("2026-11-28T16:30")) == paris("2026-12-01T09:30")
    with pytest.raises(ValueError, match="opens must be before closes"):
        House(opens=time(18), closes=time(9))


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ("2026-11-23T07:00", "2026-11-23T07:00"),
        ("2026-11-23T19:59", "2026-11-23T19:59"),
        ("2026-11-23T20:00", "2026-11-24T07:00"),
        ("2026-11-24T03:00", "2026-11-24T07:00"),
        ("2026-11-28T20:30", "2026-11-30T07:00"),  # Saturday evening: Sunday is quiet
        ("2026-11-29T11:00", "2026-11-30T07:00"),
        ("2026-12-25T11:00", "2026-12-26T07:00"),  # Christmas Day
        ("2026-07-13T21:00", "2026-07-15T07:00"),  # the eve of a public holiday
    ],
)
def test_u10_quiet_hours_are_nights_sundays_and_public_holidays(wanted: str, left: str) -> None:
    assert quiet.earliest(paris(wanted)) == paris(left)


@settings(max_examples=25)
@given(INSTANTS)
def test_u10_what_may_leave_leaves_in_the_day_and_never_earlier(at: datetime) -> None:
    allowed = quiet.earliest(at)
    local = allowed.astimezone(PARIS)
    assert allowed >= at
    assert quiet.earliest(allowed) == allowed
    assert time(7) <= local.time() < time(20)
    assert not quiet.peaceful(local.date())


def _in_chat(trade: Trade, *, muted: bool = False) -> Order:
    trade.session.get_one(ChatLink, CUSTOMER_CHAT).muted = muted
    return trade.draft((trade.article, "10"))


def test_u10_at_night_a_push_waits_and_what_happens_on_the_day_of_delivery_does_not(trade: Trade) -> None:
    order = _in_chat(trade)
    night = paris("2026-11-28T22:00").astimezone(UTC)
    order.requested_delivery_date = date(2026, 12, 3)
    (told, *_) = events.emit(trade.session, "order_question", order, at=night, about="number")
    assert told.not_before == paris("2026-11-30T07:00")
    order.requested_delivery_date = date(2026, 11, 28)
    (told, *_) = events.emit(trade.session, "order_question", order, at=night, about="date")
    assert told.not_before == night
    held = night + timedelta(seconds=60)
    order.requested_delivery_date = None
    (told, *_) = events.emit(trade.session, "order_cancelled", order, at=night, not_before=held)
    assert told.not_before == paris("2026-11-30T07:00")
    by_day = paris("2026-11-30T15:00").astimezone(UTC)
    (told, *_) = events.emit(
        trade.session, "order_cancelled", order, at=by_day, not_before=by_day + timedelta(seconds=60)
    )
    assert told.not_before == by_day + timedelta(seconds=60)


def test_u10_a_second_reminder_of_a_day_waits_for_the_next_business_day(trade: Trade) -> None:
    order = _in_chat(trade)
    friday = paris("2026-11-27T09:00").astimezone(UTC)
    rows: list[OutboxRow] = []
    for _ in range(2):
        rows += [
            r for r in events.emit(trade.session, "receipt_reminded", order, at=friday) if r.audience == "customer"
        ]
    assert [row.not_before for row in rows] == [friday, paris("2026-11-30T08:00")]


def test_who_wants_no_messages_gets_what_can_wait_by_mail_and_his_orders_in_the_chat(trade: Trade) -> None:
    order = _in_chat(trade, muted=True)
    (told, *_) = events.emit(trade.session, "order_question", order, at=trade.at, about="number")
    assert told.chat_id == CUSTOMER_CHAT
    rows = events.emit(trade.session, "statement_issued", trade.customer, at=trade.at)
    assert [(row.chat_id, row.email) for row in rows] == [(None, trade.customer.email)]

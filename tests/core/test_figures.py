"""The morning's figures: what was registered, how it compares, how long it took; days off count with the day before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from core import figures, registration
from core.clock import PARIS
from core.figures import DayOrders
from core.money import Money, total
from core.parties import Role
from tests.core.builders import Trade


def paris(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=PARIS).astimezone(UTC)


def test_the_orders_of_the_last_working_days_are_counted_to_the_cent_and_compared(trade: Trade) -> None:
    odd = trade.add_article("ODD-1", "3.333333")
    made = []

    def registered(day: date, quantity: str, *, minutes: int, hour: int = 10) -> None:
        trade.at = paris(day, hour)
        order = trade.draft((odd, quantity), (trade.article, "1"), customer_reference=f"{day}-{hour}-{quantity}")
        trade.at += timedelta(minutes=minutes)
        made.append(trade.confirm(order))

    before = [date(2026, 2, 10), date(2026, 2, 25), date(2026, 3, 6)]
    for day in before:
        registered(day, "7", minutes=5)
    monday, friday, saturday = date(2026, 3, 9), date(2026, 3, 13), date(2026, 3, 14)
    registered(monday, "11", minutes=5)
    registered(friday, "13", minutes=20)
    registered(friday, "17", minutes=90, hour=23)  # it is Saturday when he presses: it counts with Friday
    registered(saturday, "19", minutes=40)
    registered(saturday, "23", minutes=1, hour=11)
    registration.undo(trade.session, made[-1].id, house=trade.house, by=trade.by(), at=trade.at)  # none after all
    found = figures.gather(trade.session, at=paris(date(2026, 3, 16), 8)).orders
    nets = [order.totals.net for order in made]
    assert [(day.day, day.count) for day in found.week] == [
        (monday, 1), (date(2026, 3, 10), 0), (date(2026, 3, 11), 0), (date(2026, 3, 12), 0), (friday, 3),
    ]  # fmt: skip
    assert found.week[0].net == nets[3]
    assert found.last == DayOrders(friday, 3, total(nets[4:7]))
    assert found.delay == timedelta(minutes=40)
    # four weeks before Friday: the orders from 13 February on, over twenty working days
    mean = total([nets[1], nets[2], nets[3]]).amount / 20
    assert found.change == round((found.last.net.amount / mean - 1) * 100)
    assert figures.working_days(date(2026, 5, 4), 2) == [
        date(2026, 4, 29),
        date(2026, 4, 30),
    ]  # 1 May


def test_each_role_counts_what_is_its_own_and_a_manager_everything(trade: Trade) -> None:
    trade.draft((trade.article, "1"))
    found = figures.gather(trade.session, at=trade.later(minutes=20))
    assert [(one.kind, one.count) for one in found.counts({Role.SALES})] == [("draft", 1)]
    assert found.counts({Role.ACCOUNTING}) == found.counts({Role.ADMIN}) == []
    assert found.counts({Role.MANAGER}) == found.counts({Role.SALES})
    assert found.receivables.total == Money.of(0)

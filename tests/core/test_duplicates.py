"""Duplicates by content: which orders are taken for one another, which are not, and what an agent makes of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from core import duplicates
from core.errors import Refused
from core.messages import Message, MessageChannel
from core.orders import AskedLine, LineWish, Order, OrderRevision, OrderState, revisions
from tests.core.builders import Trade

NUMBERS = count(1)
THURSDAY, FRIDAY = date(2026, 3, 12), date(2026, 3, 13)


def said(trade: Trade, quantity: str = "10", *, channel: MessageChannel = MessageChannel.CHAT, **asked: Any) -> Order:
    """A draft that a message became."""
    message = Message(channel=channel, key=f"{channel}:{next(NUMBERS)}", received_at=trade.at)
    trade.session.add(message)
    trade.session.flush()
    return trade.draft((trade.article, quantity), channel=channel, message_id=message.id, **asked)


def likeness(trade: Trade, order: Order) -> list[tuple[str, bool]]:
    return [(twin.likeness.value, twin.same_lines) for twin in duplicates.twins(trade.session, order)]


@pytest.mark.parametrize(
    ("first", "again", "apart", "found"),
    [
        # the same purchase order number: a year, whatever the lines
        ({"customer_reference": "PO7"}, {"customer_reference": "PO7"}, 300, [("number", True)]),
        ({"customer_reference": "PO7"}, {"customer_reference": "PO7", "quantity": "12"}, 2, [("number", False)]),
        ({"customer_reference": "PO7"}, {"customer_reference": "PO7"}, 366, []),
        ({"customer_reference": "PO7"}, {"customer_reference": "PO8"}, 0, []),  # he numbers them: two orders
        # the same files: five days, for a form may come unchanged each week
        ({"source_hash": "f"}, {"source_hash": "f", "quantity": "11"}, 4, [("files", False)]),
        ({"source_hash": "f"}, {"source_hash": "f", "quantity": "11"}, 7, []),
        # the same lines: one numbered and one not, by another channel, are the same
        ({"customer_reference": "PO7", "channel": MessageChannel.MAIL}, {}, 1, [("lines", True)]),
        ({}, {"quantity": "11"}, 0, []),
        ({}, {}, 1, [("lines", True)]),
        ({}, {}, 3, []),
        ({"requested_delivery_date": THURSDAY}, {"requested_delivery_date": THURSDAY}, 6, [("lines", True)]),
        ({"requested_delivery_date": THURSDAY}, {"requested_delivery_date": FRIDAY}, 0, []),  # another day
        ({"requested_delivery_date": THURSDAY}, {}, 1, [("lines", True)]),
    ],
)
def test_two_orders_are_taken_for_one(
    trade: Trade, first: dict[str, Any], again: dict[str, Any], apart: int, found: list[tuple[str, bool]]
) -> None:
    said(trade, **first)
    trade.later(days=apart, minutes=5)
    order = said(trade, **again)
    assert likeness(trade, order) == found


def test_who_takes_the_same_each_day_is_asked_only_of_the_same_hours(trade: Trade) -> None:
    for _ in range(4):
        said(trade)
        trade.later(days=1)
    assert likeness(trade, said(trade)) == []
    trade.later(hours=2)
    assert likeness(trade, said(trade)) == [("lines", True)]


def test_another_customers_order_and_an_accepted_quote_are_no_duplicate(trade: Trade) -> None:
    said(trade)
    assert likeness(trade, trade.draft((trade.article, "10"))) == []  # made by a button, not sent again
    order = said(trade, taken_by_id=trade.staff[next(iter(trade.staff))].id)
    assert len(likeness(trade, order)) == 2


def test_what_an_agent_decided_is_not_asked_again(trade: Trade) -> None:
    session = trade.session
    first = said(trade, customer_reference="CADRE-1")
    trade.later(days=9)
    second = said(trade, "20", customer_reference="CADRE-1")
    duplicates.keep_both(session, second.id, first.id, by=trade.by(), at=trade.at)
    assert (likeness(trade, second), second.state, first.state) == ([], OrderState.DRAFT, OrderState.DRAFT)
    with pytest.raises(Refused, match="duplicate_already_settled"):
        duplicates.drop(session, second.id, first.id, reason="deux fois", by=trade.by(), at=trade.at)
    trade.later(days=9)
    assert likeness(trade, said(trade, "30", customer_reference="CADRE-1")) == []  # one more call-off of the frame
    assert likeness(trade, said(trade, "20", customer_reference="CADRE-1")) == [("number", True)]


def test_a_correction_replaces_a_draft_and_proposes_a_revision_of_a_confirmed_order(trade: Trade) -> None:
    session, towel = trade.session, trade.add_article("SER-50")
    options: dict[str, Any] = {"reason": "reprise", "replaced": "remplacée", "by": trade.by()}
    old = said(trade, "10", customer_reference="PO7")
    trade.later(hours=1)
    new = said(trade, "12", customer_reference="PO7")
    assert duplicates.correct(session, new.id, old.id, at=trade.at, **options) is new
    assert (old.state, old.cancel_reason, new.state) == (OrderState.CANCELLED, "remplacée", OrderState.DRAFT)
    trade.confirm(new)
    trade.later(hours=1)
    lines = (AskedLine("serviettes", towel, Decimal(5)),)
    last = said(trade, lines=lines, customer_reference="PO7", requested_delivery_date=FRIDAY)
    assert [twin.order_id for twin in duplicates.twins(session, last)] == [new.id, old.id]
    revision = duplicates.correct(session, last.id, new.id, at=trade.at, **options)
    assert isinstance(revision, OrderRevision)
    assert (last.state, revision.order_id) == (OrderState.CANCELLED, new.id)
    wish = revisions.wish_of(session, revision)
    assert (wish.lines, [line.article for line in wish.added], wish.day) == ((LineWish(1, None),), [towel], FRIDAY)


def test_a_stale_card_decides_nothing(trade: Trade) -> None:
    first = said(trade)
    trade.later(minutes=5)
    order = said(trade)
    with pytest.raises(Refused, match="order_version_changed"):
        duplicates.drop(
            trade.session, order.id, first.id, reason="x", by=trade.by(), at=trade.at + timedelta(1), version=99
        )
    assert order.state is OrderState.DRAFT

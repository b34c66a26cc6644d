"""The day's round: a row that nobody foresaw holds no other, and who runs the desk is told once a day."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from core import deliveries
from core.deliveries import ReserveKind, reserves
from core.outbox import OutboxRow
from tests.core.builders import Trade


def test_a_row_that_fails_is_undone_and_told_once_and_holds_no_other(trade: Trade) -> None:
    session = trade.session
    bad, good = (trade.preparing(trade.confirm(trade.draft((trade.article, "1")))) for _ in range(2))
    for delivery in (bad, good):
        trade.ship(delivery)
    deliveries.remind(session, at=trade.later(hours=25))
    bad.shipped_at = None  # as no verb of ours leaves it
    trade.later(days=7)
    assert deliveries.presume_received(session, at=trade.at) == [good]
    assert deliveries.presume_received(session, at=trade.later(hours=1)) == []
    assert (bad.presumed_at, good.presumed_at is not None) == (None, True)
    told = select(OutboxRow).where(OutboxRow.template == "work_failed")
    (row,) = session.scalars(told)
    assert (row.subject, row.arguments["work"], row.arguments["code"]) == (bad.subject, "receipts", "AssertionError")
    deliveries.presume_received(session, at=trade.later(days=1))
    assert len(session.scalars(told).all()) == 2


def test_remarks_that_cannot_be_settled_are_tried_again_later_and_told_once(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = trade.session
    delivery = trade.preparing(trade.confirm(trade.draft((trade.article, "2"))))
    trade.ship(delivery)
    reserves.state(
        session, delivery, 1, ReserveKind.DAMAGED, Decimal(1), "sac percé au fond", by=trade.buyer, at=trade.at
    )
    trade.later(days=1)
    tries: list[object] = []
    with monkeypatch.context() as broken:
        broken.setattr(reserves, "settle", lambda *_, **__: tries.append(1) or 1 / 0)
        for _ in range(3):  # the bell is rung whenever something is due
            if deliveries.receipts_due(session, at=trade.at):
                deliveries.follow_up(session, house=trade.house, at=trade.at)
        deliveries.follow_up(session, house=trade.house, at=trade.later(hours=1))
    assert len(tries) == 2
    assert len(session.scalars(select(OutboxRow).where(OutboxRow.template == "work_failed")).all()) == 1
    deliveries.follow_up(session, house=trade.house, at=trade.later(hours=1))
    assert delivery.verified_at == trade.at

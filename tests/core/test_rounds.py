"""The day's round: a row that nobody foresaw holds no other, and who runs the desk is told once a day."""

from __future__ import annotations

from sqlalchemy import select

from core import deliveries
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

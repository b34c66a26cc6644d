"""S47: accounting keeps the head of the journal outside; a last row that is gone is found by it, not by the chain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, select, text, update

from bot import checkup, letters
from bot.service import Service
from core import journal
from core.db import transaction
from core.journal import SYSTEM, Anchor, JournalEntry, JournalHead
from core.outbox import OutboxChannel, OutboxRow
from core.parties import ChatLink, Role
from core.settings import House, Settings
from tests.core.builders import AT, furnish

DAY = AT + timedelta(hours=2)


def told(engine: Engine) -> list[OutboxRow]:
    with transaction(engine) as session:
        return list(session.scalars(select(OutboxRow).where(OutboxRow.template == "journal_anchor")))


@pytest.fixture
def mine(database_url: str) -> Settings:
    return Settings(database_url=database_url, house=House(name="Linge et Maison SAS"))


@pytest.fixture
def days(engine: Engine, mine: Settings) -> Callable[[], list[Anchor]]:
    """Live through two days with something in the journal, each looked at twice; the anchors that were sent."""
    with transaction(engine) as session:
        trade = furnish(session, mine.house)
        trade.draft((trade.article, "2"))

    def live() -> list[Anchor]:
        now = DAY
        service = Service(mine, clock=lambda: now)
        for now in (DAY, DAY + timedelta(days=1)):
            service.daily()
            service.daily()
            with transaction(engine) as session:
                journal.write(session, "tested", subject="thing:1", by=SYSTEM, at=now)
        service.app.loop.close()
        service.app.engine.dispose()
        return [journal.read_anchor(str(row.arguments["anchor"])) for row in told(engine)]

    return live


def test_s47_accounting_gets_the_head_once_a_day_by_chat_or_by_mail(
    engine: Engine, mine: Settings, days: Callable[[], list[Anchor]]
) -> None:
    first, second = days()
    assert second.position > first.position
    assert [(row.audience, row.channel) for row in told(engine)] == [(Role.ACCOUNTING, OutboxChannel.CHAT)] * 2
    with transaction(engine) as session:
        shown = letters.content(session, session.merge(told(engine)[0]), house=mine.house, at=DAY)
        assert f"<code>{first}</code>" in shown.html
        session.execute(delete(ChatLink).where(ChatLink.staff_id.is_not(None)))
    service = Service(mine, clock=lambda: DAY + timedelta(days=2))
    service.daily()
    service.app.loop.close()
    service.app.engine.dispose()
    last = told(engine)[-1]
    assert (last.channel, last.email) == (OutboxChannel.MAIL, "accounting@linge.example")


def test_s47_a_deleted_last_row_is_found_by_the_anchor_and_not_by_the_chain(
    engine: Engine, mine: Settings, days: Callable[[], list[Anchor]]
) -> None:
    def check(kept: Anchor) -> dict[str, bool]:
        looked = {found.name: found.well for found in checkup.everything(mine, at=DAY, anchor=kept)}
        return {name: looked[name] for name in ("journal", "anchor")}

    kept = days()[1]
    assert check(kept) == {"journal": True, "anchor": True}
    with transaction(engine) as session:
        on = " ON journal" if engine.dialect.name == "postgresql" else ""
        session.execute(text(f"DROP TRIGGER journal_no_delete{on}"))
        before = session.scalars(select(JournalEntry.hash).where(JournalEntry.seq == kept.position - 1)).one()
        session.execute(delete(JournalEntry).where(JournalEntry.seq >= kept.position))
        session.execute(update(JournalHead).values(seq=kept.position - 1, hash=before))
    assert check(kept) == {"journal": True, "anchor": False}
    with transaction(engine) as session:  # another row in its place does not hide it
        journal.write(session, "tested", subject="thing:2", by=SYSTEM, at=DAY)
        assert journal.first_broken(session) is None
        assert not journal.contains(session, kept)
        assert journal.contains(session, Anchor(kept.position - 1, before))
    for wrong in ("12", "12:abc", ":" + "a" * 64, "x:" + "a" * 64):
        with pytest.raises(ValueError, match="POSITION:HASH"):
            journal.read_anchor(wrong)

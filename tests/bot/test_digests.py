"""The digest leaves once a person and day, on working mornings only; its pictures hold their numbers in every shape."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
from PIL import Image
from sqlalchemy import Engine, select

from bot import charts
from bot.charts import Bar, Panel
from bot.health import verified
from bot.service import Service
from core import digests, journal, messages
from core.clock import PARIS
from core.db import transaction
from core.digests import Digest
from core.journal import SYSTEM
from core.messages import Blob
from core.outbox import OutboxRow
from core.parties import ChatLink, Role, Staff
from core.settings import House, Settings
from tests.core.builders import furnish


def paris(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=PARIS).astimezone(UTC)


class Desk:
    """A service that is never started: its clock's work is done by hand, and it may be restarted."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.now = settings, paris(11, 2, 7)
        self.service = self.restarted()

    def restarted(self) -> Service:
        return Service(self.settings, clock=lambda: self.now)

    def at(self, now: datetime) -> Counter[str]:
        """How many digests each role has had once the clock shows this."""
        self.now = now
        self.service.each_minute()
        with transaction(self.service.app.engine) as session:
            return Counter(digest.staff.name for digest in session.scalars(select(Digest)))

    def close(self) -> None:
        self.service.app.loop.close()
        self.service.app.engine.dispose()


@pytest.fixture
def morning(engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(charts, "draw", lambda *_args, **_more: b"\x89PNG")  # drawn for real below
    house = House(name="Linge et Maison SAS")
    with transaction(engine) as session:
        furnish(session, house)
    desk = Desk(Settings(database_url=database_url, house=house))
    yield desk
    desk.close()


def test_a_digest_leaves_at_eight_on_working_days_once_whatever_the_clock_and_the_desk_do(
    engine: Engine, morning: Desk
) -> None:
    assert not morning.at(paris(11, 2, 7, 59))
    once = morning.at(paris(11, 2, 8))
    assert once == Counter(f"{role.value} one" for role in Role)
    assert morning.at(paris(11, 2, 8, 1)) == once
    morning.close()
    morning.service = morning.restarted()
    assert morning.at(paris(11, 2, 8, 1)) == once
    assert morning.at(paris(11, 1, 9)) == once  # All Saints, a Sunday: the clock was set back
    assert morning.at(paris(11, 2, 11)) == once
    assert morning.at(paris(11, 7, 9)) == once  # Saturday
    assert morning.at(paris(11, 11, 9)) == once  # the armistice, a Wednesday
    assert morning.at(paris(11, 12, 13)) == once  # the desk was down until the afternoon
    twice = morning.at(paris(11, 13, 10, 30))  # down until half past ten: late is better than never
    assert set(twice.values()) == {2}
    with transaction(engine) as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.template == "digest")).all()
        assert len(rows) == len(Role) * 2
        assert len({(row.chat_id, row.params, row.subject) for row in rows}) == len(rows)


def test_a_colleague_without_an_address_has_none_and_a_group_is_not_his_chat(engine: Engine, morning: Desk) -> None:
    with transaction(engine) as session:
        legal = session.scalars(select(Staff).where(Staff.name == "legal one")).one()
        legal.email = ""
        link = session.scalars(select(ChatLink).where(ChatLink.staff_id == legal.id)).one()
        session.delete(link)
        session.flush()
        session.add(ChatLink(chat_id=-100, staff_id=legal.id, linked_at=morning.now))
    assert "legal one" not in morning.at(paris(11, 2, 8))


@pytest.mark.usefixtures("morning")
def test_what_no_button_reaches_any_more_is_dropped_with_its_files(engine: Engine) -> None:
    with transaction(engine) as session:
        boss = session.scalars(select(Staff).where(Staff.name == "manager one")).one()
        shared, old = b"the same", b"old"
        digests.keep(session, boss, at=paris(11, 2, 8), html="x", picture=shared, tables={"a.xlsx": old})
        digests.keep(session, boss, at=paris(12, 3, 8), html="y", picture=shared, tables={})
        gone, kept = messages.keep(session, old), messages.keep(session, shared)
        digests.forget_old(session, at=paris(12, 4, 8))
        session.expire_all()
        assert [digest.html for digest in session.scalars(select(Digest))] == ["y"]
        assert (session.get(Blob, gone), session.get(Blob, kept) is not None) == (None, True)


def test_a_journal_is_verified_piece_by_piece_to_its_head(engine: Engine) -> None:
    assert verified(engine) is not None  # empty, and whole
    with transaction(engine) as session:
        for number in range(5):
            journal.write(session, "tested", subject=f"thing:{number}", by=SYSTEM, at=paris(11, 2, 8))
        head = journal.anchor(session)
    assert verified(engine) == head
    with transaction(engine) as session:
        assert journal.followed(session, journal.Anchor(0, journal.GENESIS), most=2) is not None
        assert journal.followed(session, journal.Anchor(3, "0" * 64), most=2) is None
        assert journal.followed(session, head, most=2) == head
        assert journal.followed(session, journal.Anchor(5, "0" * 64), most=2) is None


SHAPES = {
    "no data": [Panel("Rien", (Bar("Tous", (0.0,) * 5, "0,00 €"),), ("non échu : 0,00 €",))],
    "one band": [Panel("Un", (Bar("Tous", (0, 830.0, 0, 0, 0), "830,00 €"),), ("a", "b", "c", "d", "e"))],
    "large": [
        Panel("Millions", (Bar("Client au nom très long…", (98765432.1, 1, 2, 3, 25925925.69), "124 691 357,79 €"),)),
        Panel("Semaine", tuple(Bar(f"jour {n}", (float(n) * 12345678.9,), f"{n} M€ (1 500)") for n in range(5))),
    ],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_picture_is_800_pixels_wide_begins_at_zero_and_is_opaque(shape: str) -> None:
    made = charts.draw(SHAPES[shape], axis=lambda value: f"{value:.0f}")
    picture = Image.open(io.BytesIO(made))
    assert picture.size == (800, sum(panel.height for panel in SHAPES[shape]))
    assert picture.convert("RGBA").getextrema()[3] == (255, 255)  # a dark chat does not shine through
    pixels = picture.convert("RGB")
    ground = tuple(int(charts.GROUND[place : place + 2], 16) for place in (1, 3, 5))
    # no ink at the edges: nothing was cut off
    for column in (0, 1, 798, 799):
        assert {pixels.getpixel((column, row)) for row in range(pixels.height)} == {ground}
    blue = tuple(int(charts.PALETTE[0][place : place + 2], 16) for place in (1, 3, 5))
    starts = [
        min(column for column in range(800) if pixels.getpixel((column, row)) == blue)
        for row in range(pixels.height)
        if any(pixels.getpixel((column, row)) == blue for column in range(190, 800))
    ]
    assert all(start in range(199, 203) for start in starts if start > 100)  # every bar begins where the axis does


def test_opening_hours_are_the_house_s_own() -> None:
    house = House(name="x", opens=time(9, 30), closes=time(17))
    assert not house.hours.open_at(paris(11, 2, 9))
    assert house.hours.after(paris(11, 2, 8), timedelta(minutes=15)) == paris(11, 2, 9, 45)
    with pytest.raises(ValueError, match="opens must be before closes"):
        House(name="x", opens=time(18), closes=time(18))

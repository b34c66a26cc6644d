"""The firm that is played in: the demo's stage with five people in their chats, customers who write mails, a clock."""

from __future__ import annotations

import importlib.resources
import threading
import tomllib
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from bot.demo import purchase_order
from bot.demo.stage import Stage
from bot.playground.mails import Letter, Written
from bot.sandbox.seen import Json, Seen
from core import deliveries, rendering
from core.clock import business_date
from core.db import transaction
from core.parties import Customer

FOLDER = importlib.resources.files("templates") / "page"
PICTURES = frozenset({"image/png", "image/jpeg"})
VOICES = frozenset({"audio/ogg", "audio/mpeg", "audio/mp4", "audio/webm"})
#: A little more than the minute in which a confirmation can still be undone.
MINUTE = timedelta(seconds=62)
DAY = timedelta(days=1)
WAITS = {"minute": (MINUTE, 1), "day": (DAY, 1), "week": (DAY, 7)}


@dataclass(frozen=True, slots=True)
class Player:
    """Somebody whose chat the page shows: `whom` is the customer's code or the colleague's name they are linked to."""

    key: str
    first_name: str
    whom: str
    role: str
    place: str
    hint: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that somebody dropped or chose."""

    name: str
    media_type: str
    content: bytes


@cache
def words() -> dict[str, Any]:
    """The page's own texts: who plays, the steps of the guide, what is said when something cannot be done."""
    return tomllib.loads((FOLDER / "page.toml").read_text("utf-8"))


class Firm:
    """A running desk to play with, forgotten with its folder; a context manager, safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.players = [Player(**each) for each in words()["players"]]
        self.stage = Stage(folder, lambda _step: None)
        self.closing = threading.Event()
        self._written: list[Written] = []
        self._moving = threading.Lock()

    def __enter__(self) -> Self:
        self.stage.__enter__()
        threading.Thread(target=rendering.warm, name="warm-printer", daemon=True).start()
        try:
            for player in reversed(self.players):  # the manager first: he is told in his chat of those after him
                self.stage.introduce(player.key, player.first_name, player.whom)
            self.stage.settle()
        except BaseException:
            self.stage.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.closing.set()
        self.stage.__exit__(*error)

    # -- chats -------------------------------------------------------------------------------------------------------

    def chat(self, who: str) -> list[Seen]:
        """What somebody sees now, oldest first."""
        return self.stage.player.chat(self.stage.person(who))

    def say(self, who: str, text: str, *, reply_to: int | None = None) -> None:
        """Type a text."""
        self.stage.player.say(self.stage.person(who), text, reply_to=reply_to)

    def edit(self, who: str, message_id: int, text: str) -> None:
        """Change one's own text."""
        self.stage.player.edit(self.stage.person(who), message_id, text)

    def press(self, who: str, message_id: int, *, data: str, label: str) -> None:
        """Press a button as it was shown, which may be an older shape of the message."""
        self.stage.player.press_data(self.stage.person(who), message_id, data, label=label)

    def send(self, who: str, files: list[File], *, caption: str = "", reply_to: int | None = None) -> None:
        """Send files as a chat program does: pictures as photos, several of them as an album, the caption first."""
        user, player = self.stage.person(who), self.stage.player
        photos = all(file.media_type in PICTURES for file in files)
        album = f"{user}{player.mark()}" if photos and len(files) > 1 else None
        for number, file in enumerate(files):
            send = player.send_document
            if file.media_type in PICTURES:
                send = player.send_photo
            elif file.media_type in VOICES:
                send = player.send_voice
            send(user, (file.name, file.content), caption=caption if number == 0 else None, reply_to=reply_to,
                 media_group_id=album)  # fmt: skip

    def commands(self, who: str) -> list[Json]:
        """The command menu somebody sees."""
        return self.stage.player.commands(self.stage.person(who))

    # -- mails -------------------------------------------------------------------------------------------------------

    def senders(self) -> list[tuple[str, str]]:
        """Who writes mails: each customer's first address and name."""
        with transaction(self.stage.engine) as session:
            query = select(Customer).options(selectinload(Customer.contacts)).order_by(Customer.code)
            return [(customer.email, customer.name) for customer in session.scalars(query) if customer.email]

    def letters(self) -> list[Letter]:
        """The mails of both ways, oldest first."""
        ours = [Letter(f"out-{number}", sent.raw) for number, sent in enumerate(self.stage.mail.all_sent(), start=1)]
        theirs = [Letter(f"in-{number}", written.raw) for number, written in enumerate(tuple(self._written), start=1)]
        return sorted([*theirs, *ours], key=lambda letter: letter.at)  # in one second we answer, and not they

    def letter(self, key: str) -> Letter | None:
        """The mail of a key, if there is one."""
        return next((letter for letter in self.letters() if letter.key == key), None)

    def post(self, written: Written) -> None:
        """Send a customer's mail by real SMTP."""
        self.stage.mail.send_as(written.sender, written.mail)
        self._written.append(written)

    def sample_order(self) -> File:
        """The hotel's own purchase order, of today, as a customer would attach it."""
        sample = purchase_order.sample()
        with transaction(self.stage.engine) as session:
            hotel = session.scalars(select(Customer).where(Customer.code == sample.buyer_code)).one()
            buyer, place = hotel.as_party(), deliveries.place_of(hotel)
        today = business_date(self.stage.clock())
        pdf = purchase_order.purchase_order_pdf(
            number=sample.number, on=today, quote_reference="", lines=sample.lines, buyer=buyer,
            supplier=self.stage.settings.house.as_party(), deliver_to=place or buyer, wanted_on=today + 7 * DAY,
            signed_by=sample.signed_by, cost_centre=sample.cost_centre,
        )  # fmt: skip
        return File(f"BC_{sample.number}.pdf", "application/pdf", pdf)

    # -- time --------------------------------------------------------------------------------------------------------

    def wait(self, step: str) -> None:
        """Let a minute, a day or a week pass, day by day, and let the desk do what is due; one wait at a time."""
        delta, times = WAITS[step]
        with self._moving:
            for _ in range(times):
                self.stage.go_to(self.stage.clock() + delta)

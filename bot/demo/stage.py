"""The demo's stage: real servers on free ports, the running desk, the people who play, what each step left behind."""

from __future__ import annotations

import importlib.resources
import json
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import SecretStr
from sqlalchemy import select

from bot import texts
from bot.sandbox.client import SandboxClient
from bot.sandbox.mail import MailSandbox
from bot.sandbox.seen import Seen
from bot.sandbox.server import Sandbox
from bot.service import Service
from core import db, imports, messages, parties
from core.clock import PARIS
from core.db import transaction
from core.journal import SYSTEM
from core.messages import Message
from core.orders import Order
from core.papers import Paper
from core.parties import Customer, Staff
from core.settings import House, Settings, Telegram
from intake.imap import Intervals

SUPPLIER = importlib.resources.files("bot") / "demo" / "supplier"
START = datetime(2026, 11, 2, 9, 0, tzinfo=PARIS)
PATIENCE = 30.0
Found = TypeVar("Found")


class StepFailed(Exception):  # noqa: N818 - it says what it is
    """Something the story tells did not happen."""


class HandClock:
    """A clock that runs, and that the demo moves forward by hand."""

    def __init__(self, start: datetime) -> None:
        self._base, self._since = start, time.monotonic()
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """The demo's instant."""
        with self._lock:
            return self._base + timedelta(seconds=time.monotonic() - self._since)

    def go_to(self, at: datetime) -> None:
        """Jump forward; a clock never goes back."""
        now = self()
        with self._lock:
            self._base, self._since = max(at, now), time.monotonic()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, with what proves it."""

    story: int
    title: str
    at: str
    seconds: float
    facts: dict[str, Any] = field(default_factory=dict)


class Stage:
    """Everything the stories need; a context manager."""

    def __init__(self, out: Path, told: Callable[[Step], None]) -> None:
        self.out, self._told = out, told
        self.steps: list[Step] = []
        self.story = 0
        self.clock = HandClock(START)
        self.words: dict[str, Any] = tomllib.loads((SUPPLIER / "stories.toml").read_text("utf-8"))
        self._stack = ExitStack()
        self._people: dict[str, int] = {}
        self._since = time.monotonic()

    def __enter__(self) -> Self:
        for name in ("documents", "mail", "chat"):
            (self.out / name).mkdir(parents=True, exist_ok=True)
            for old in (self.out / name).iterdir():
                old.unlink()
        for old in self.out.glob("demo.db*"):
            old.unlink()
        house = House(**tomllib.loads((SUPPLIER / "supplier.toml").read_text("utf-8"))["house"])
        self.mail = self._stack.enter_context(MailSandbox(house.email, now=self.clock))
        self.chat = self._stack.enter_context(Sandbox(now=self.clock))
        self.player = self._stack.enter_context(SandboxClient(self.chat.control_url))
        telegram = Telegram(
            token=SecretStr(self.chat.token), base_url=f"{self.chat.base_url}/bot",
            base_file_url=f"{self.chat.base_url}/file/bot",
        )  # fmt: skip
        self.settings = Settings(
            database_url=f"sqlite:///{self.out / 'demo.db'}", secret_key=SecretStr("a key of the demo"), house=house,
            mail=self.mail.account(), telegram=telegram,
        )  # fmt: skip
        db.migrate(self.settings.database_url)
        self._import()
        intervals = Intervals(poll=1.0)
        self.service = self._stack.enter_context(
            Service(self.settings, clock=self.clock, intervals=intervals, poll_seconds=1)
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def engine(self) -> Any:
        """The running desk's database."""
        return self.service.app.engine

    def _import(self) -> None:
        engine = db.engine(self.settings.database_url)
        as_of = START.date()
        with transaction(engine) as session:
            for kind in ("staff", "customers", "catalogue", "open-items"):
                content = (SUPPLIER / f"{kind}.csv").read_bytes()
                imports.import_file(session, kind, content, as_of=as_of, by=SYSTEM, at=START)
        engine.dispose()

    # -- people ------------------------------------------------------------------------------------------------------

    def link(self, who: str, first_name: str, whom: str) -> None:
        """Give a person of the story a chat account, linked by a real one-time code to a customer or a colleague."""
        self.introduce(who, first_name, whom)
        self.settle()

    def introduce(self, who: str, first_name: str, whom: str) -> None:
        """The same without waiting for the desk's answer."""
        user = self.player.add_user(first_name, language_code="fr").id
        self._people[who] = user
        with transaction(self.engine) as session:
            person: Customer | Staff | None = session.scalar(
                select(Customer).where(Customer.code == whom)
            ) or session.scalar(select(Staff).where(Staff.name == whom))
            if person is None:
                raise StepFailed(f"nobody is called {whom}")
            code = parties.make_link_code(session, person, by=SYSTEM, at=self.clock())
        self.player.say(user, f"/start {code}")
        self.settle()
        self.press(who, "link_yes")

    def person(self, who: str) -> int:
        """The chat account of a person of the story."""
        return self._people[who]

    def say(self, who: str, words: str) -> None:
        """Type a text and let the desk answer it."""
        self.player.say(self.person(who), words)
        self.settle()

    def press(self, who: str, action: str, *, part: str = "", on: Seen | None = None) -> None:
        """Press the button of an action (by its label, or a part of it) and let the desk answer it."""
        message_id = on.message_id if on is not None else None
        self.player.press(self.person(who), part or texts.label(action), message_id=message_id)
        self.settle()

    def offers(self, who: str, label: str) -> bool:
        """Whether a message of the person's chat carries a button with that label, or one that holds it."""
        seen = self.player.chat(self.person(who))
        return any(_same(label) in _same(each) for message in seen for each in message.labels)

    def sees(self, who: str, contains: str = "", **wanted: Any) -> Seen:
        """What the person now sees with that text or button; the step fails when it is not there."""
        try:
            return self.player.wait_for(self.person(who), contains, timeout=PATIENCE, **wanted)
        except TimeoutError as missing:
            seen = [m.text[-400:] for m in self.player.chat(self.person(who))[-3:]]
            raise StepFailed(f"{who} does not see {contains or wanted!r}; last: {seen}") from missing

    def write(self, sender: str, subject: str, words: str, *, pdf: tuple[str, bytes] | None = None,
              reply_to: EmailMessage | Any = None, headers: dict[str, str] | None = None) -> str:  # fmt: skip
        """Send a customer's mail by real SMTP, wait until it is stored and let the desk treat it; its Message-ID."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, self.mail.address, subject
        mail["Date"] = self.clock()
        mail["Message-ID"] = f"<{len(self.steps)}.{time.monotonic_ns()}@{sender.partition('@')[2]}>"
        if reply_to is not None:
            mail["In-Reply-To"] = mail["References"] = reply_to["Message-ID"]
        for name, value in (headers or {}).items():
            mail[name] = value
        mail.set_content(words)
        if pdf is not None:
            mail.add_attachment(pdf[1], maintype="application", subtype="pdf", filename=pdf[0])
        self.mail.send_as(sender, mail)
        identifier = str(mail["Message-ID"])
        self.until(lambda: self._stored(identifier), f"the mail {subject!r} in our tables")
        self.settle()
        return identifier

    def _stored(self, identifier: str) -> bool:
        with transaction(self.engine) as session:
            query = select(Message.id).where(Message.message_id == identifier)
            return session.scalar(query) is not None

    def message(self, identifier: str) -> Message:
        """The stored message of that Message-ID."""
        with transaction(self.engine) as session:
            return session.scalars(select(Message).where(Message.message_id == identifier)).one()

    # -- time --------------------------------------------------------------------------------------------------------

    def later(self, **delta: float) -> None:
        """Move the clock forward, and let the desk do what is due then."""
        self.go_to(self.clock() + timedelta(**delta))

    def go_to(self, at: datetime) -> None:
        """Move the clock to an instant, and let the desk do what is due then."""
        self.clock.go_to(at)
        self.service.daily()
        self.service.sweep()
        self.settle()

    def until(self, there: Callable[[], Found], what: str) -> Found:
        """Wait until something is true; the step fails when it does not become so."""
        end = time.monotonic() + PATIENCE
        while not (found := there()):
            if time.monotonic() > end:
                raise StepFailed(f"waited in vain for {what}")
            time.sleep(0.02)
        return found

    def settle(self) -> None:
        """Wait until the desk has nothing left to do at this instant."""
        self.until(lambda: not self.player.pending_updates() and self.service.idle(), "the desk to come to rest")

    # -- what happened -----------------------------------------------------------------------------------------------

    def step(self, title: str, **facts: Any) -> None:
        """Tell that something happened, with what proves it."""
        now = time.monotonic()
        step = Step(self.story, title, self.clock().astimezone(PARIS).isoformat(timespec="minutes"),
                    round(now - self._since, 3), {name: _plain(value) for name, value in facts.items()})  # fmt: skip
        self._since = now
        self.steps.append(step)
        self._told(step)

    def check(self, holds: object, what: str) -> None:
        """Fail the step when something does not hold."""
        if not holds:
            raise StepFailed(what)

    def last_order(self, code: str) -> Order:
        """The newest order of a customer."""
        with transaction(self.engine) as session:
            query = select(Order).join(Customer).where(Customer.code == code).order_by(Order.id.desc()).limit(1)
            order = session.scalar(query)
            if order is None:
                raise StepFailed(f"no order of {code}")
            _ = order.totals, order.customer.name, [line.article for line in order.lines]
            return order

    def write_out(self) -> None:
        """Write the papers, the mails that left, what each chat saw, and the story."""
        with transaction(self.engine) as session:
            for paper in session.scalars(select(Paper).order_by(Paper.id)):
                if paper.pdf_sha256 is None:
                    raise StepFailed(f"{paper.file_name} was never made")
                content = messages.content_of(session, paper.pdf_sha256)
                (self.out / "documents" / paper.file_name).write_bytes(content)
        for number, sent in enumerate(self.mail.all_sent(), start=1):
            (self.out / "mail" / f"{number:03d}-{sent.recipients[0].partition('@')[0]}.eml").write_bytes(sent.raw)
        for who, user in self._people.items():
            lines = (json.dumps(line, ensure_ascii=False) for line in self.player.transcript(user))
            (self.out / "chat" / f"{who}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        told = [{"story": s.story, "step": s.title, "at": s.at, "seconds": s.seconds, **s.facts} for s in self.steps]
        (self.out / "story.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")

    def papers_of(self, order: Order) -> Iterator[str]:
        """The file names of an order's papers."""
        with transaction(self.engine) as session:
            for paper in session.scalars(select(Paper).where(Paper.order_id == order.id).order_by(Paper.id)):
                yield paper.file_name


def _same(label: str) -> str:
    """A label with its hard spaces read as spaces."""
    return " ".join(label.split())


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)

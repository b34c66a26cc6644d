"""The running desk: the mailbox, the chat, the jobs and the clock's ticks, in one process under one lease."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session
from telegram.error import InvalidToken, TelegramError

from bot import digests, menus, push, telegram
from bot.app import App
from bot.bells import Bells
from bot.limiter import Limiter
from bot.webhook import Webhook, take_down
from core import (
    automation,
    conversations,
    db,
    deliveries,
    disputes,
    escalations,
    events,
    handovers,
    invoicing,
    jobs,
    journal,
    letterheads,
    messages,
    outbox,
    platforms,
    reminders,
    rendering,
    rounds,
)
from core.clock import PARIS, Clock, business_date, wall_clock
from core.db import transaction
from core.errors import TryLater
from core.journal import SYSTEM
from core.messages import Message, MessageState
from core.settings import SENDING_FROZEN, House, Settings, flag, note_franchise, raise_flag
from intake.mailbox import Intervals, Mailbox
from intake.outgoing import SmtpSender
from intake.receive import DatabaseMailStore
from intake.understand import understand

log = logging.getLogger(__name__)

LEASE = "service"
REMINDED_ON = "reminded_on"
#: Paris time from which the day's reminders may leave (quiet hours end at 7 h).
REMINDERS_FROM = 8
POLL_SECONDS = 20
#: Calls to the chat server that may be under way at once; the limiter says how fast they follow each other.
FLIGHTS = 12
TICK_SECONDS = 0.5
#: The longest pause between two calls while the chat server is away, unless it asks for more itself.
LONGEST_PAUSE = 60.0
#: How often the jobs that ended are forgotten, and how long they are kept for who looks into them.
PURGE_SECONDS, KEPT = 60.0, timedelta(hours=1)
#: How often menus are looked at for changes that were made elsewhere.
MENUS_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the day's work; what fails of it holds no other part."""

    subject: str
    work: Callable[[Session, House, datetime], object]


def _dispute(session: Session, _house: House, at: datetime) -> None:
    waiting = disputes.undisputed(session)
    rounds.each(
        session, "disputes", waiting, lambda one: disputes.open_for_reserves(session, one, by=SYSTEM, at=at), at=at
    )


def _take_statuses(session: Session, house: House, at: datetime) -> None:
    if house.platform and house.platform_folder:
        platforms.take_statuses(session, platforms.Folder(Path(house.platform_folder)), at=at)


def _anchor(session: Session, _house: House, at: datetime) -> None:
    head = journal.anchor(session)
    if head.position:
        events.emit(session, "journal_anchor", head, at=at, anchor=str(head))


#: The day's work, in its order: what is presumed received in the morning is invoiced at once.
DAILY = (
    Piece("work:reminders", lambda session, _house, at: reminders.run(session, today=business_date(at), at=at)),
    Piece("work:backorders", lambda session, _house, at: deliveries.announce_backorders(session, at=at)),
    Piece("work:receipts", lambda session, _house, at: deliveries.presume_received(session, at=at)),
    Piece("work:invoicing", lambda session, house, at: invoicing.try_again(session, house=house, at=at)),
    Piece("work:disputes", _dispute),
    Piece("work:questions", lambda session, _house, at: conversations.forget_expired(session, at=at)),
    Piece("work:automation", lambda session, _house, _at: automation.consider_again(session)),
    Piece("work:statuses", _take_statuses),
    Piece("work:anchor", _anchor),  # last: what the day's work wrote is before it
)


class Service:
    """A desk at work; `with Service(settings):` starts it and stops it cleanly."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock = wall_clock,
        checkpoint: Callable[[str], None] | None = None,
        intervals: Intervals | None = None,
        poll_seconds: int = POLL_SECONDS,
        limiter: Limiter | None = None,
    ) -> None:
        db.migrate(settings.database_url)
        self.stop = threading.Event()
        self._intervals, self._poll_seconds = intervals, poll_seconds
        self._threads: list[threading.Thread] = []
        loop = asyncio.new_event_loop()
        self.app = App(
            settings=settings,
            engine=db.engine(settings.database_url),
            clock=clock,
            application=telegram.build_application(settings, limiter),
            loop=loop,
            smtp=SmtpSender(settings.mail) if settings.mail.smtp_host else None,
            limiter=limiter,
            flights=FLIGHTS,
        )
        if checkpoint is not None:
            self.app.checkpoint = checkpoint
        self._bells = Bells()
        self._webhook: Webhook | None = None
        self._looked: datetime | None = None
        self._worker: jobs.Worker | None = None
        self._menus_at = wall_clock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Take the lease, mend what a dead process left, then begin to work; refuses when another one runs."""
        app = self.app
        self._wait_for_lease()
        self._thread("chat-loop", app.loop.run_forever)
        if app.settings.telegram.token.get_secret_value():
            self._greet_chat_server()
        push.start_up(app)
        with transaction(app.engine) as session:
            messages.forget_waits(session)
            note_franchise(session, app.house, at=app.clock())
            letterheads.keep(session, app.house, at=app.clock())
        self._worker = jobs.Worker(app.engine, self.work(), executor=f"desk-{os.uname().nodename}")
        self.sweep()
        if app.settings.telegram.token.get_secret_value():
            if app.settings.telegram.webhook_url:
                self._webhook = door = Webhook(app)
                self._thread("chat-door", door.run)
                self._thread("chat-hook", lambda: self._post_updates(door))
            else:
                self._thread("chat-poll", self._poll_chat)
        if app.settings.mail.imap_host:
            self._thread("mailbox", self._watch_mailbox)
        self._thread("ticks", self._tick)

    def _greet_chat_server(self) -> None:
        """Ask once who we are: a wrong token ends here, a server that is away must not keep the mail waiting."""
        try:
            self.app.call(self.app.application.initialize())
        except InvalidToken:
            raise
        except TelegramError as error:
            log.warning("chat_server_away error=%s", error.message)

    def work(self) -> dict[str, Callable[[], object]]:
        """What a bell of each kind sets off."""
        app = self.app
        work = {
            "updates": lambda: telegram.handle(app),
            "understand": self._understand,
            "automation": self._confirm,
            "receipts": self._follow_receipts,
            "papers": lambda: push.make_papers(app),
            "deliver": lambda: push.deliver(app),
            "handovers": self._hand_over,
        }
        return {name: self._heard(name, act) for name, act in work.items()}

    def _heard(self, name: str, act: Callable[[], object]) -> Callable[[], None]:
        def job() -> None:
            self._bells.heard(name)
            act()

        return job

    def close(self) -> None:
        """Stop taking things in, let the job under way end, give the lease back."""
        self.stop.set()
        app = self.app
        if self._webhook is not None:
            self._webhook.close()
        for thread in self._threads[1:]:
            thread.join(timeout=self._poll_seconds + 10)
        if self._worker is not None:
            self._worker.close()
        rendering.close()
        if app.settings.telegram.token.get_secret_value():
            with suppress(Exception):
                app.call(app.application.shutdown())
        app.loop.call_soon_threadsafe(app.loop.stop)
        self._threads[0].join(timeout=10)
        with transaction(app.engine) as session:
            jobs.drop_lease(session, LEASE)
        if app.poller is not None:
            app.poller.close()
        app.engine.dispose()

    def _wait_for_lease(self) -> None:
        """Wait for a desk that was cut off elsewhere to lose its lease; refuse when it is still alive after that."""
        end = wall_clock() + jobs.LEASE * 2
        while True:
            try:
                with transaction(self.app.engine) as session:
                    return jobs.take_lease(session, LEASE, at=wall_clock())
            except TryLater:
                if wall_clock() > end:
                    raise
                log.warning("waiting_for_lease")
                self.stop.wait(2)

    def _thread(self, name: str, target: Callable[[], object]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _understand(self) -> None:
        app = self.app
        understand(app.engine, settings=app.settings, at=app.clock(), checkpoint=app.checkpoint)

    def _confirm(self) -> None:
        automation.run(self.app.engine, house=self.app.house, at=self.app.clock())

    def _follow_receipts(self) -> None:
        with transaction(self.app.engine) as session:
            deliveries.follow_up(session, house=self.app.house, at=self.app.clock())

    def _hand_over(self) -> None:
        app = self.app
        handovers.run(app.engine, house=app.house, at=app.clock(), checkpoint=app.checkpoint)

    def _poll_chat(self) -> None:
        self._patiently(self._know_ourselves)
        self._patiently(lambda: take_down(self.app))
        while not self.stop.is_set():
            self._patiently(lambda: telegram.fetch(self.app, timeout=self._poll_seconds))

    def _post_updates(self, door: Webhook) -> None:
        self._patiently(self._know_ourselves)
        self._patiently(door.announce)

    def _know_ourselves(self) -> None:
        """Ask who we are until it is answered: without our name nothing said in a group is understood."""
        try:
            self.app.call(self.app.application.initialize())
        except TelegramError as error:
            raise TryLater("chat_unreachable", after=timedelta(seconds=5), error=type(error).__name__) from error

    def _patiently(self, act: Callable[[], object]) -> None:
        """Do it once, as often as it takes; while the server is away ever less often (T10)."""
        longer = 1
        while not self.stop.is_set():
            try:
                act()
            except TryLater as later:
                pause = later.after.total_seconds()
            except Exception:
                log.exception("chat_server_failed")
                pause = 5.0
            else:
                return
            self.stop.wait(max(pause, min(pause * longer, LONGEST_PAUSE)))
            longer *= 2

    def _watch_mailbox(self) -> None:
        app = self.app
        store = DatabaseMailStore(app.engine, app.clock)
        mailbox = Mailbox(app.settings.mail, store, app.clock, app.checkpoint, intervals=self._intervals)
        mailbox.run(self.stop)
        mailbox.close()

    def _tick(self) -> None:
        purged = time.monotonic()
        while not self.stop.wait(TICK_SECONDS):
            try:
                self.sweep()
                if self._worker is not None and time.monotonic() - purged > PURGE_SECONDS:
                    purged = time.monotonic()
                    self._worker.purge(before=wall_clock() - KEPT)
            except TryLater:
                log.exception("lease_lost")
                self.stop.set()
            except Exception:
                log.exception("tick_failed")
            try:
                self.daily()
            except Exception:
                log.exception("daily_failed")
            try:
                self.each_minute()
            except Exception:
                log.exception("minute_failed")

    def sweep(self) -> None:
        """Ring for every kind of row that is due and that no bell was heard for; renew the lease."""
        now = self.app.clock()
        self._give_menus()
        with transaction(self.app.engine) as session:
            jobs.take_lease(session, LEASE, at=wall_clock())
            wanted = self._bells.wanted(self._due(session, now=now))
            for name in wanted:
                jobs.ring(session, name, f"sweep:{wall_clock().timestamp():.1f}", at=now, now=now)
        for name in wanted:
            self._bells.rung(name)

    def _give_menus(self) -> None:
        """Now and then, for roles and links that another process changed; those changed in chat are given at once."""
        if wall_clock() < self._menus_at or not self.app.settings.telegram.token.get_secret_value():
            return
        self._menus_at = wall_clock() + MENUS_EVERY
        menus.refresh(self.app)

    def _due(self, session: Session, *, now: datetime) -> list[str]:
        """The kinds of work with something to do now; nothing may leave while sending is frozen after a restore."""
        frozen = flag(session, SENDING_FROZEN) is not None
        due = {
            "updates": messages.any_update(session),
            "understand": messages.any_unfinished(session, at=now),
            "automation": bool(automation.due(session, house=self.app.house, at=now)),
            "receipts": deliveries.receipts_due(session, at=now),
            "papers": bool(push.unmade(session)),
            "deliver": not frozen and outbox.any_due(session, push.ways(self.app), at=now),
            "handovers": bool(handovers.due(session, at=now)),
        }
        return [name for name, wanted in due.items() if wanted]

    def daily(self) -> None:
        """Each day from eight in the morning: reminders, backorders that could leave, invoices and drafts held up."""
        app, at = self.app, self.app.clock()
        today = business_date(at)
        if at.astimezone(PARIS).hour < REMINDERS_FROM:
            return
        with transaction(app.engine) as session:
            if flag(session, REMINDED_ON) == today.isoformat():
                return
            raise_flag(session, REMINDED_ON, today.isoformat(), at=at)
            rounds.each(session, "daily", DAILY, lambda piece: piece.work(session, app.house, at), at=at)

    def each_minute(self) -> None:
        """What waits too long is told to others, and who has not had his morning's digest gets it."""
        at = self.app.clock()
        minute = at.replace(second=0, microsecond=0)
        if minute == self._looked:
            return
        self._looked = minute
        with transaction(self.app.engine) as session:
            escalations.run(session, hours=self.app.house.hours, at=at)
        digests.run(self.app, at=at)

    def idle(self) -> bool:
        """Nothing is due or under way: no message is being understood, no row sent, no press answered."""
        with transaction(self.app.engine) as session:
            sending = select(outbox.OutboxRow.id).where(outbox.OutboxRow.state == outbox.OutboxState.SENDING).limit(1)
            stored = select(Message.id).where(Message.state == MessageState.STORED).limit(1)
            under_way = session.scalar(sending) or session.scalar(stored)
            at_rest = not under_way and not self._due(session, now=self.app.clock())
        return at_rest and not self.app.answering  # asked last: what is committed may still have to be answered


def run(settings: Settings) -> None:
    """Work until told to stop (SIGINT or SIGTERM)."""
    with Service(settings, limiter=Limiter()) as service:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: service.stop.set())
        log.info("running")
        while not service.stop.wait(1.0):
            pass

"""A random schedule of faults laid over one story of the trade, played in this process with its jobs run inline.

The chat server is the sandbox's own state without a socket, the database a copy of a furnished file, the printer a
stand-in: what is under test is what leaves, how often, and what is known of it. A schedule is a number: its story, its
faults and the moments at which the desk dies all follow from it.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Engine, func, select, text
from telegram.ext import Application

from bot import push, telegram, texts
from bot.app import App
from bot.sandbox import acting, views
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.state import FIRST_UPDATE, State
from core import db, deliveries, journal, messages, papers, registration, reminders
from core.db import transaction
from core.deliveries import Delivery
from core.errors import Ambiguous, TryLater
from core.invoices import Invoice
from core.messages import ChatUpdate, Message, MessageState
from core.money import Money
from core.orders import Order, OrderState
from core.outbox import OutboxRow, OutboxState
from core.parties import ChatLink, Customer, Role, staff_with
from core.payments import OpenItem
from core.settings import MailAccount, Settings, Telegram
from intake.understand import understand
from tests.bot.conftest import HOUSE, MONDAY, PEOPLE, MovableClock, stock_the_house
from tests.servers.nearby import NearbyRequest, poller

CHATS = {name: number for number, name in enumerate(PEOPLE, start=1001)}
AGAIN = "renvoi"
#: Everything that can go wrong with a call; a good call is the rest.
KINDS = (
    FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER, FaultKind.FLOOD, FaultKind.FORBIDDEN, FaultKind.BAD_GATEWAY,
)  # fmt: skip
METHODS = ("*", "sendMessage", "sendDocument", "editMessageText", "answerCallbackQuery", "getUpdates")
#: Where a desk may die: between two of its transactions.
POINTS = ("update_stored", "update_handled", "attempt_counted", "understood", "paper_made", "sending", "sent")
MAIL_FAILURES: tuple[Callable[[], Exception], ...] = (
    lambda: TryLater("smtp_unreachable"), lambda: Ambiguous("smtp_answer_lost"),
)  # fmt: skip


#: So many steps of time are gone through before a schedule's faults are over, or before what is waited for is missed.
PATIENCE = 40


class Killed(BaseException):
    """The desk died here: what was committed is there, nothing else is."""


@dataclass
class Postman:
    """Keeps what was mailed; a planted failure of an uncertain kind has sent it all the same."""

    rng: random.Random
    sent: list[EmailMessage] = field(default_factory=list)
    failures: int = 0

    def send(self, mail: EmailMessage) -> None:
        failure = self.rng.choice(MAIL_FAILURES)() if self.failures and self.rng.random() < 0.5 else None
        if failure is not None:
            self.failures -= 1
        if failure is None or (isinstance(failure, Ambiguous) and self.rng.random() < 0.5):
            self.sent.append(mail)
        if failure is not None:
            raise failure


@dataclass
class Desk:
    """One desk for one schedule."""

    app: App
    state: State
    clock: MovableClock
    postman: Postman
    rng: random.Random
    deaths: list[tuple[str, int]] = field(default_factory=list)
    #: Rows up to this one had left before the story began.
    known: int = 0

    def checkpoint(self, name: str) -> None:
        for index, (point, left) in enumerate(self.deaths):
            if point == name:
                if left:
                    self.deaths[index] = (point, left - 1)
                    continue
                del self.deaths[index]
                raise Killed(name)

    def round(self) -> bool:
        """All the jobs once; whether anything moved."""
        app = self.app
        try:
            moved = telegram.fetch(app)
        except TryLater:
            moved = 0
        moved += telegram.handle(app)
        moved += understand(app.engine, settings=app.settings, at=app.clock(), checkpoint=self.checkpoint)
        moved += push.make_papers(app)
        return bool(moved + push.deliver(app))

    def settle(self) -> None:
        """Work until nothing moves; a desk that died is started again."""
        for _ in range(60):
            try:
                if not self.round() and not self.state.pending:
                    return
            except Killed:
                self.app.answering = 0
                push.start_up(self.app)
                with transaction(self.app.engine) as session:
                    messages.forget_waits(session)
        raise AssertionError("the desk does not come to rest")

    def wait_out(self) -> None:
        """Let time go by until nothing waits any more."""
        for step in range(200):
            self.settle()
            waiting = self._waits()
            if not waiting:
                return
            if step == PATIENCE:
                self.state.faults.clear()
            self.go_on()
        raise AssertionError(f"something waits for ever: {waiting}")

    def _waits(self) -> list[str]:
        with transaction(self.app.engine) as session:
            going = select(OutboxRow).where(OutboxRow.state.in_((OutboxState.WAITING, OutboxState.SENDING)))
            rows = [f"row {row.id} {row.template} {row.state}" for row in session.scalars(going)]
            unread = select(Message.id).where(Message.state == MessageState.STORED)
            rows += [f"message {number}" for number in session.scalars(unread)]
            rows += [f"update {row.update_id}" for row in messages.unfinished_updates(session)]
            return rows + [f"paper {number}" for number in papers.unmade(session)]

    def go_on(self) -> None:
        """Go on to the next moment at which something may leave or be tried again."""
        with transaction(self.app.engine) as session:
            rows = select(func.min(OutboxRow.not_before)).where(OutboxRow.state == OutboxState.WAITING)
            unread = select(func.min(Message.next_try)).where(Message.state == MessageState.STORED)
            found = [at for at in (session.scalar(rows), session.scalar(unread)) if at is not None]
        now = self.clock()
        later = [at for at in found if at > now]
        self.clock.at = min(later) if later else now + timedelta(seconds=self.rng.choice((1, 31, 125)))

    def until(self, there: Callable[[], Any], what: str) -> Any:
        """Let time go by until something is there."""
        for _ in range(PATIENCE):
            self.settle()
            if found := there():
                return found
            self.go_on()
        raise AssertionError(f"waited in vain for {what}")

    def say(self, who: str, said: str) -> None:
        acting.say(self.state, CHATS[who], said)

    def press(self, who: str, label: str) -> bool:
        """Press a button on the newest message that has it, once it is there; False when it does not come by chat."""
        for _ in range(12):
            self.settle()
            try:
                acting.press(self.state, CHATS[who], label)
            except acting.NotPossible:
                self.go_on()
                continue
            self.settle()
            return True
        return False

    def seen(self, who: str) -> list[dict[str, Any]]:
        return [views.seen(self.state, post, CHATS[who]) for post in self.state.posts_of(CHATS[who])]


def furnish(engine: Engine) -> None:
    """People with linked chats, and goods: what every story starts from."""
    ids = stock_the_house(engine, MONDAY)
    with transaction(engine) as session:
        for who, number in CHATS.items():
            link = ChatLink(chat_id=number, linked_at=MONDAY)
            if who == "customer":
                link.customer_id = ids["customer"]
            else:
                link.staff_id = staff_with(session, Role(who))[0].id
            session.add(link)


def _ordered(desk: Desk) -> None:
    """An order by chat, in one bubble or two, that the agent confirms."""
    said = desk.rng.choice(("10 cartons de beurre doux et 5 sacs de farine T65 pour jeudi", "3 sacs de farine T65"))
    desk.say("customer", f"Bonjour, {said}")
    if desk.rng.random() < 0.3:
        desk.settle()
        desk.say("customer", "et 2 cartons de levure svp")
    desk.until(lambda: _count(desk, Order), "the draft")
    for _ in range(4):  # a card that was repainted under the finger is pressed again
        if _is_confirmed(desk) or not desk.press("sales", texts.label("confirm")):
            break
    if not _is_confirmed(desk):  # his chat is blocked and he was told by mail: he confirms at a colleague's
        _confirm(desk)
    desk.clock.forward(seconds=61)


def _is_confirmed(desk: Desk) -> bool:
    with transaction(desk.app.engine) as session:
        return session.scalars(select(Order)).one().state is OrderState.CONFIRMED


def _confirm(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        order, by = session.scalars(select(Order)).one(), staff_with(session, Role.SALES)[0].as_actor()
        registration.confirm(session, order.id, house=desk.app.house, by=by, at=desk.clock())


def _count(desk: Desk, kind: Any) -> int:
    with transaction(desk.app.engine) as session:
        return len(session.scalars(select(kind)).all())


def _shipped(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        delivery = session.scalars(select(Delivery)).one()
        by = staff_with(session, Role.WAREHOUSE)[0].as_actor()
        deliveries.ship(session, delivery, house=desk.app.house, by=by, at=desk.clock(), packages=4)


def _received(desk: Desk) -> None:
    """The customer has all of it, by a press or at the telephone, and is sent his invoice."""
    if desk.rng.random() < 0.5 or not desk.press("customer", texts.label("verify_delivery")):
        with transaction(desk.app.engine) as session:
            delivery = session.scalars(select(Delivery)).one()
            by = session.get_one(ChatLink, CHATS["customer"]).as_actor()
            deliveries.verify(session, delivery, house=desk.app.house, by=by, at=desk.clock())
    desk.until(lambda: _count(desk, Invoice), "the invoice")


def _reminded(desk: Desk) -> None:
    """The day's reminders, run more than once as after a crash."""
    for _ in range(desk.rng.randint(1, 3)):
        with transaction(desk.app.engine) as session:
            reminders.run(session, today=desk.clock().date(), at=desk.clock())
        desk.settle()


def _overdue(desk: Desk) -> None:
    today = desk.clock().date()
    with transaction(desk.app.engine) as session:
        customer = session.scalars(select(Customer).where(Customer.code == "MARTIN")).one()
        overdue = OpenItem(
            customer_id=customer.id, number="FA-2026-0042", issue_date=today - timedelta(days=40),
            due_date=today - timedelta(days=7), gross=Money.of("897.81"), paid=Money.of(0), as_of=today,
        )  # fmt: skip
        session.add(overdue)


def _written(desk: Desk) -> None:
    desk.say("customer", "Bonjour, 10 cartons de beurre doux et 5 sacs de farine T65 pour jeudi")
    desk.wait_out()


def _registered(desk: Desk) -> None:
    _written(desk)
    _confirm(desk)
    desk.clock.forward(seconds=61)


def _on_the_way(desk: Desk) -> None:
    _registered(desk)
    desk.wait_out()
    _shipped(desk)


def _nothing(_desk: Desk) -> None:
    """All that leaves waits already."""


@dataclass(frozen=True)
class Story:
    """What was done before any fault, once for all schedules, and what is done under them; how often it is chosen."""

    before: Callable[[Desk], None]
    told: Callable[[Desk], None]
    often: int


STORIES = (
    Story(_nothing, _ordered, 2), Story(_registered, _nothing, 3), Story(_on_the_way, _received, 3),
    Story(_overdue, _reminded, 2),
)  # fmt: skip


class Stage:
    """A loop, and a furnished database file for each story, of which each schedule gets a copy."""

    def __init__(self, template: Path, folder: Path) -> None:
        self.folder, self.file = folder, folder / "schedule.db"
        self.engine = db.engine(f"sqlite:///{self.file}")  # one for all: it remembers its statements compiled
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.moments = [self._prepared(story, template, number) for number, story in enumerate(STORIES)]

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def _prepared(self, story: Story, template: Path, number: int) -> tuple[Path, datetime]:
        """The database as it is once all before the story was done, and when that was."""
        with self._desk(template, MONDAY, seed=0) as desk:
            story.before(desk)
            at = desk.clock()
        file = self.folder / f"story-{number}.db"
        shutil.copyfile(self.file, file)
        return file, at

    @contextmanager
    def _desk(self, template: Path, at: datetime, seed: int) -> Iterator[Desk]:
        for suffix in ("-wal", "-shm"):
            Path(f"{self.file}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(template, self.file)
        engine = self.engine
        rng, clock = random.Random(seed), MovableClock(at)
        state = State(clock=clock, next_update_id=FIRST_UPDATE + 1000 * bool(seed), _last_message=1000 * bool(seed))
        for who, number in CHATS.items():
            acting.add_person(state, PEOPLE[who], person_id=number, language_code="fr").started = True
            acting.room_for(state, number, None)
        settings = Settings(
            _env_file=None, database_url=f"sqlite:///{self.file}", secret_key=SecretStr("a secret of this test"),
            house=HOUSE, mail=MailAccount(address=HOUSE.email, smtp_host="localhost"),
            telegram=Telegram(token=SecretStr(state.token), base_url="http://127.0.0.1/bot"),
        )  # fmt: skip
        request = NearbyRequest(state)
        application = Application.builder().token(state.token).request(request).get_updates_request(request)
        postman = Postman(rng)
        app = App(
            settings=settings, engine=engine, clock=clock, application=application.updater(None).build(),
            loop=self.loop, smtp=postman, poller=poller(state, self.loop),  # type: ignore[arg-type]
        )  # fmt: skip
        desk = Desk(app, state, clock, postman, rng)
        app.checkpoint = desk.checkpoint
        app.call(app.application.bot.initialize())
        try:
            yield desk
        finally:
            engine.dispose()

    def play(self, seed: int) -> Counter[str]:
        """Play the schedule of this number and prove what must hold; counts the faults and deaths it met."""
        chosen = random.Random(seed).choices(range(len(STORIES)), [story.often for story in STORIES])[0]
        with self._desk(*self.moments[chosen], seed=seed + 1) as desk:
            _plant(desk)
            deaths = len(desk.deaths)
            with transaction(desk.app.engine) as session:
                left = select(func.max(OutboxRow.id)).where(OutboxRow.state == OutboxState.SENT)
                desk.known = session.scalar(left) or 0
            STORIES[chosen].told(desk)
            desk.wait_out()
            met = Counter(call["fault"] for call in desk.state.calls if call["fault"])
            met["killed"] = deaths - len(desk.deaths)
            prove(desk)
            return met


def _plant(desk: Desk) -> None:
    rng = desk.rng
    for _ in range(rng.randint(1, 6)):
        kind = rng.choice(KINDS)
        fault = Fault(
            rng.choice(METHODS), kind, retry_after=rng.randint(1, 40), times=rng.choice((1, 1, 1, 2, 3)),
            skip=rng.choice((0, 0, 1, 2, 4, 8)), chat_id=rng.choice((None, None, None, *CHATS.values())),
        )  # fmt: skip
        if fault.method == "getUpdates":
            fault.chat_id = None
            if kind is FaultKind.FORBIDDEN:
                fault.kind = FaultKind.BAD_GATEWAY
        desk.state.faults.append(fault)
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        desk.deaths.append((rng.choice(POINTS), rng.randint(0, 5)))
    desk.postman.failures = rng.choice((0, 0, 1, 2))


def prove(desk: Desk) -> None:
    """Nothing lost, nothing twice that does not say so, nothing silent."""
    with transaction(desk.app.engine) as session:
        rows = list(session.scalars(select(OutboxRow).order_by(OutboxRow.id)))
        orders = list(session.scalars(select(Order)))
        updates = list(session.scalars(select(ChatUpdate)))
        email = session.scalars(select(Customer).where(Customer.code == "MARTIN")).one().email
        known = {paper.id: paper for paper in session.scalars(select(papers.Paper))}
        assert journal.first_broken(session) is None
    told = {row.subject for row in rows if row.template in {"send_failed", "send_unsure"}}
    chat = [(m["file"], m["text"]) for m in desk.seen("customer")]
    mails = [
        ([part.get_filename() for part in mail.iter_attachments()], f"{mail['Subject']} {_body(mail)}")
        for mail in desk.postman.sent
        if email in str(mail["To"])
    ]
    for row in rows:
        if row.audience != "customer" or row.paper_id is None or row.id <= desk.known:
            continue
        name = known[row.paper_id].file_name
        sightings = [said for file, said in chat if file == name]
        sightings += [said for files, said in mails if name in files]
        unmarked = [said for said in sightings if AGAIN not in said]
        assert len(unmarked) <= 1, f"{name} is there {len(unmarked)} times without a word"
        if row.state is OutboxState.SENT:
            assert sightings, f"{name} is said to be sent and was not seen"
        else:
            assert row.state is OutboxState.MOOT or f"outbox:{row.id}" in told, f"{name} is {row.state} in silence"
    assert len(orders) <= 1
    assert all(order.state is OrderState.CONFIRMED or order.state is OrderState.CLOSED for order in orders)
    for template in ("reminder", "formal_notice"):
        sent = [row for row in rows if row.template == template]
        assert len(sent) <= 1
    if any(row.template == "reminder" for row in rows):
        reminded = [said for _, said in chat + mails if "FA-2026-0042" in said]  # type: ignore[operator]
        assert len(reminded) <= 1, "a reminder was seen twice"
        row = next(row for row in rows if row.template == "reminder")
        assert reminded or f"outbox:{row.id}" in told, "a reminder is gone in silence"
    assert {row.state for row in updates} <= {MessageState.UNDERSTOOD}, "an update was set aside"
    _in_order([row for row in rows if row.id > desk.known])


def _in_order(rows: list[OutboxRow]) -> None:
    """In a chat what was said later stands later, but for cards and what was sent again."""
    last: dict[int, int] = {}
    for row in rows:
        if row.state is not OutboxState.SENT or row.card or row.resent or row.chat_id is None or not row.provider_id:
            continue
        if row.channel.value != "chat":
            continue
        parts = [int(part) for part in row.provider_id.split(",")]
        assert parts == sorted(parts)
        if row.paper_id is None:  # a paper waits for its bytes, what was said meanwhile does not
            assert last.get(row.chat_id, 0) < parts[0], f"row {row.id} overtook another in its chat"
            last[row.chat_id] = parts[-1]


def _body(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


def close_template(engine: Engine) -> None:
    """Put everything into the one file that is copied."""
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
    engine.dispose()
    plain = db.create_engine(engine.url)
    with plain.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    plain.dispose()

"""`kill -9` at every named point, restart, and nothing is lost and nothing is there twice (E14, E20, T01, T02, T22).

Mail orders, and chat orders through their confirmation, run against real servers in this process; the desk lives in
another one, which kills itself at one point, is started again, kills itself at the next, until it died at all of them.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from bot import texts
from bot.sandbox.client import SandboxClient
from bot.sandbox.faults import FaultKind
from bot.sandbox.mail import MailSandbox
from bot.sandbox.server import Sandbox
from core import journal, messages, papers
from core.catalogue import Article, Packaging
from core.db import transaction
from core.journal import SYSTEM
from core.messages import Message, MessageState
from core.orders import Order
from core.outbox import OutboxRow, OutboxState
from core.parties import ChatLink, Contact, Customer, Role, Staff, StaffRole, make_link_code
from core.stock import MovementKind, move
from tests.servers import desk_process

PATIENCE = 30.0
#: How often the desk of `make test-long` dies by chance, and in how many tests.
KILLS, PARTS = 100, 10

#: Each desk is forked from one process that has the modules: reading them takes longer than dying.
DESKS = multiprocessing.get_context("forkserver")
DESKS.set_forkserver_preload([desk_process.__name__])

#: Every point at which the desk tells its crash test where it is, in the order in which three steps of a round meet
#: them: a mail, a bubble, a press.
POINTS = (
    "fetched",
    "update_stored",
    "paper_made",
    "stored",
    "update_handled",
    "sending",
    "flagged",
    "understood",
    "sent",
    "attempt_counted",
)


class Desk:
    """The servers, the people, and the process that is killed and started again."""

    def __init__(self, engine: Engine, url: str, folder: Path) -> None:
        self.engine, self.url, self.folder = engine, url, folder
        self.process: BaseProcess | None = None
        self.points = list(POINTS)
        self.armed = folder / "armed"
        self.epoch = datetime.now(UTC)
        self.died_at: list[str] = []

    def start(self) -> None:
        told = {
            "armed": str(self.armed),
            "epoch": self.epoch.isoformat(),
            "settings": {
                "database_url": self.url,
                "secret_key": "a key of the tests",
                # never open: the hour at which the test runs must not decide whether a digest leaves
                "house": {
                    "name": "Maison Test",
                    "siren": "999004286",
                    "undo_seconds": 0,
                    "email": self.mail.address,
                    "opens_at": "23:59:58",
                    "closes_at": "23:59:59",
                },
                "mail": self.mail.account().model_dump(mode="json") | {"password": self.mail.password},
                "telegram": {
                    "token": self.chat.token,
                    "base_url": f"{self.chat.base_url}/bot",
                    "base_file_url": f"{self.chat.base_url}/file/bot",
                },
            },
        }
        file = self.folder / "desk.json"
        file.write_text(json.dumps(told), "utf-8")
        self.process = DESKS.Process(target=desk_process.main, args=(str(file), str(self.folder / "desk.log")))
        self.process.start()

    def until(self, there: Callable[[], object], what: str) -> None:
        """Wait for something; a desk that killed itself meanwhile is started again."""
        end = time.monotonic() + PATIENCE
        while not there():
            if self.dead():
                self.died_at.append(self.points.pop(0))
                self.armed.unlink()
                self.start()
                end = time.monotonic() + PATIENCE
            if time.monotonic() > end:
                pytest.fail(f"waited in vain for {what}\n{(self.folder / 'desk.log').read_text()[-3000:]}")
            time.sleep(0.05)

    def arm(self) -> None:
        """Let the desk die at the next point; only once it has come to rest, so that no two crashes hit one row."""
        self.until(lambda: _at_rest(self), "everything to leave")
        if self.points:
            self.armed.write_text(self.points[0], "utf-8")

    def dead(self) -> bool:
        return self.process is not None and self.process.exitcode is not None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.join(20)
            self.process.kill()
            self.process.join()


@pytest.fixture
def desk(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[Desk]:
    built = Desk(engine, database_url, tmp_path)
    with (
        MailSandbox("commandes@maison-test.example") as mail,
        Sandbox() as chat,
        SandboxClient(chat.control_url) as player,
    ):
        built.mail, built.chat, built.player = mail, chat, player
        yield built
        built.stop()


def _people(desk: Desk) -> dict[str, str]:
    """A customer with a mailbox and a chat, an agent and a storeman; the codes that link their chats."""
    soon = desk.epoch + timedelta(hours=1)  # the desk's clock runs twenty times as fast
    with transaction(desk.engine) as session:
        customer = Customer(code="C1", name="Boulangerie Martin", credit_limit=None, payment_terms="30 jours")
        customer.contacts.append(Contact(email="achats@martin.example"))
        staff = Staff(name="Claire", grants=[StaffRole(role=Role.SALES), StaffRole(role=Role.WAREHOUSE)])
        article = Article(
            sku="BEU-DOU-1", name="Beurre doux plaque 1 kg", unit="plaque", price=Decimal("7.90"),
            vat_percent=Decimal("5.5"), packagings=[Packaging(name="carton", quantity=Decimal(10))],
        )  # fmt: skip
        other = Article(
            sku="FAR-T65-25",
            name="Farine T65 sac 25 kg",
            unit="sac",
            price=Decimal("18.40"),
            vat_percent=Decimal("5.5"),
        )
        session.add_all([customer, staff, article, other])
        session.flush()
        move(session, article.id, MovementKind.RECEIPT, Decimal(500), source="test", at=desk.epoch)
        return {
            "martin": make_link_code(session, customer, by=SYSTEM, at=soon),
            "claire": make_link_code(session, staff, by=SYSTEM, at=soon),
        }


def _send_a_mail(desk: Desk, number: int) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "achats@martin.example", desk.mail.address, "Commande"
    mail["Message-ID"], mail["Date"] = f"<order-{number}@martin.example>", desk.epoch
    mail.set_content("Bonjour,\n\nMerci de livrer 3 cartons de beurre doux.\n\nBoulangerie Martin\n")
    desk.mail.send_as("achats@martin.example", mail)


def _orders(desk: Desk) -> list[tuple[str, str]]:
    with transaction(desk.engine) as session:
        return [(order.channel.value, order.state.value) for order in session.scalars(select(Order))]


def _at_rest(desk: Desk) -> bool:
    with transaction(desk.engine) as session:
        going = select(OutboxRow.id).where(OutboxRow.state.in_([OutboxState.WAITING, OutboxState.SENDING])).limit(1)
        unread = select(Message.id).where(Message.state == MessageState.STORED).limit(1)
        under_way = session.scalar(going) or session.scalar(unread) or papers.unmade(session)
        return not under_way and not messages.unfinished_updates(session) and not desk.player.pending_updates()


@pytest.mark.parametrize("database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True)
def test_e14_t01_t02_t22_a_desk_killed_at_every_point_loses_and_doubles_nothing(desk: Desk) -> None:
    _die_everywhere(desk, list(POINTS))


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_desk_killed_a_hundred_times_by_chance_loses_and_doubles_nothing(desk: Desk, part: int) -> None:
    """The chat server has bad moments too: none that leaves in doubt what a kill leaves in doubt already (T22)."""
    chance = random.Random(part)
    kinds = (FaultKind.FLOOD, FaultKind.BAD_GATEWAY)

    def trouble() -> None:
        method = chance.choice(("*", "sendMessage", "sendDocument", "editMessageText", "getUpdates"))
        desk.player.fault(method, chance.choice(kinds), times=chance.randint(1, 2), skip=chance.randint(0, 3))

    _die_everywhere(desk, [chance.choice(POINTS) for _ in range(KILLS // PARTS)], before_each=trouble)


def _die_everywhere(desk: Desk, points: list[str], before_each: Callable[[], None] = lambda: None) -> None:
    """One round of the trade after the other until the desk has died at each of these points."""
    desk.points = list(points)
    codes = _people(desk)
    people = {who: desk.player.add_user(who.title()).id for who in codes}
    for who, code in codes.items():
        desk.player.say(people[who], f"/start {code}")
    desk.start()
    for user in people.values():
        desk.player.wait_for(user, button=texts.label("link_yes"), timeout=60)
        desk.player.press(user, texts.label("link_yes"))
    desk.until(lambda: _linked(desk) == 2, "both chats linked")
    rounds = 0
    while desk.points and rounds < 3 * len(points):
        rounds += 1
        before_each()
        _one_round(desk, people, rounds)
    assert desk.died_at == points
    _nothing_lost_nothing_twice(desk, people, rounds)


def _one_round(desk: Desk, people: dict[str, int], number: int) -> None:
    """One mail order, and one chat order that is confirmed."""
    desk.arm()
    _send_a_mail(desk, number)
    desk.until(lambda: Counter(channel for channel, _ in _orders(desk))["mail"] == number, "the mail's draft")
    desk.arm()
    desk.player.say(people["martin"], f"Bonjour, {9 + number} cartons de beurre doux svp")
    desk.until(lambda: Counter(channel for channel, _ in _orders(desk))["chat"] == number, "the chat's draft")
    reference = _newest_chat_order(desk)
    confirm = texts.label("confirm")
    desk.until(lambda: _card(desk, people["claire"], reference, confirm) is not None, "the card")
    desk.arm()
    card = _card(desk, people["claire"], reference, confirm)
    desk.player.press(people["claire"], confirm, message_id=card)
    desk.until(lambda: sum(state == "confirmed" for _, state in _orders(desk)) == number, "the confirmation")
    desk.until(lambda: _at_rest(desk), "everything to leave")


def _newest_chat_order(desk: Desk) -> str:
    with transaction(desk.engine) as session:
        query = select(Order.reference).where(Order.channel == "chat").order_by(Order.id.desc()).limit(1)
        return str(session.scalar(query))


def _card(desk: Desk, user: int, reference: str, label: str) -> int | None:
    seen = desk.player.chat(user)
    return next((m.message_id for m in reversed(seen) if reference in m.text and label in m.labels), None)


def _linked(desk: Desk) -> int:
    with transaction(desk.engine) as session:
        return len(session.scalars(select(ChatLink)).all())


def _nothing_lost_nothing_twice(desk: Desk, people: dict[str, int], rounds: int) -> None:
    assert Counter(_orders(desk)) == {("mail", "draft"): rounds, ("chat", "confirmed"): rounds}
    with transaction(desk.engine) as session:
        assert len(session.scalars(select(Message)).all()) == 2 * rounds
        assert journal.first_broken(session) is None
        assert not session.scalars(select(OutboxRow).where(OutboxRow.state == OutboxState.FAILED)).all()
    again = "renvoi"
    documents = [m for m in desk.player.chat(people["martin"]) if m.file]
    assert len({m.file for m in documents}) == rounds, "each order confirmation reached the chat"
    once = Counter(m.file for m in documents if again not in m.text)
    assert set(once.values()) <= {1}, f"a document is seen once unless it says that it is sent again: {once}"
    mails = [message_from_bytes(raw, policy=policy.default) for raw in desk.mail.received("achats@martin.example")]
    assert len({str(mail["Message-ID"]) for mail in mails}) == rounds, "each mail order was acknowledged"
    told = Counter(str(mail["Message-ID"]) for mail in mails if again not in _text(mail))
    assert set(told.values()) <= {1}, f"a mail that may have left is sent again only marked: {told}"


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return f"{mail['Subject']} {body.get_content() if body is not None else ''}"

"""A whole desk without a service: the sandbox, a real Application, a fresh database, people in linked chats.

`desk.settle()` runs the jobs inline until nothing moves; `desk.clock` is a time that only the test moves.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select
from telegram.ext import Application

from bot import push
from bot.app import App
from bot.sandbox.client import SandboxClient
from bot.sandbox.seen import Pressed, Seen
from bot.sandbox.server import Sandbox
from core import messages, orders, outbox, papers, parties
from core.catalogue import Article, Packaging
from core.db import transaction
from core.journal import Actor
from core.messages import MessageChannel
from core.money import Money
from core.orders import Asked, AskedLine, Order
from core.outbox import OutboxRow
from core.parties import ChatLink, Contact, Customer, Role, Staff, StaffRole
from core.settings import House, MailAccount, Settings, Telegram
from core.stock import StockLevel

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUSE = House(
    name="Maison Delorme", legal_form="SARL", capital="50 000 €", trade_register="RCS Lyon 552 100 554",
    street="12 quai Perrache", postcode="69002", city="Lyon", siren="552100554", siret="55210055400013",
    vat_number="FR65552100554", email="commandes@maison-delorme.example", phone="04 72 00 12 34",
    iban="FR7630006000011234567890189", bic="AGRIFRPP", terms_version="2026-01", terms_date=date(2026, 1, 1),
    penalty_rate=Decimal("12.15"),
)  # fmt: skip
ARTICLES = (
    ("BEU-DOU-1", "Beurre doux 82 % MG plaque 1 kg", "plaque", "7.90", "5.5", {"carton": 10}, 260, "B-01-1"),
    ("FAR-T65-25", "Farine de blé T65 sac 25 kg", "sac", "18.40", "5.5", {"palette": 40}, 120, "A-01-1"),
    ("LEV-FRA-500", "Levure fraîche de boulanger pain 500 g", "pain", "1.20", "5.5", {"carton": 20}, 160, "C-01-1"),
    ("PAP-TOI-MJ", "Papier toilette mini-jumbo 2 plis rouleau", "rouleau", "1.95", "20", {"pack": 12}, 48, "G-03-3"),
)
PEOPLE = {"customer": "Julie", "sales": "Léa", "accounting": "Karim", "warehouse": "Momo", "legal": "Anne"}


class MovableClock:
    """A time that stands still until the test moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **delta: float) -> None:
        self.at += timedelta(**delta)


class Postman:
    """An SMTP sender that keeps the mails, or raises what a test planted."""

    def __init__(self) -> None:
        self.sent: list[EmailMessage] = []
        self.failures: list[Exception] = []

    def send(self, message: EmailMessage) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(message)


def bot_module(name: str) -> ModuleType | None:
    """A module of the other half of the bot, when it is there."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


@dataclass
class Desk:
    """The desk under test and the people around it; `chats` gives a person's chat (and user) id."""

    sandbox: Sandbox
    client: SandboxClient
    app: App
    clock: MovableClock
    postman: Postman
    chats: dict[str, int]
    ids: dict[str, int] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)

    def say(self, who: str, text: str, *, reply_to: int | None = None) -> Seen:
        return self.client.say(self.chats[who], text, reply_to=reply_to)

    def press(self, who: str, label: str, *, message_id: int | None = None) -> Pressed:
        return self.client.press(self.chats[who], label, message_id=message_id)

    def chat(self, who: str) -> list[Seen]:
        return self.client.chat(self.chats[who])

    def last(self, who: str) -> Seen:
        return self.client.last(self.chats[who])

    def actor(self, who: str) -> Actor:
        """Known beforehand: it may be asked for inside a transaction."""
        return self.actors[who]

    def rows(self, template: str | None = None) -> list[OutboxRow]:
        with transaction(self.app.engine) as session:
            found = session.scalars(select(OutboxRow).order_by(OutboxRow.id)).all()
            return [row for row in found if template is None or row.template == template]

    def settle(self, rounds: int = 30) -> None:
        """Fetch, handle, understand, make papers, deliver, until nothing moves (for the clock's present instant)."""
        telegram = bot_module("bot.telegram")
        app = self.app
        for _ in range(rounds):
            if telegram is not None:
                telegram.fetch(app, timeout=0)
                telegram.handle(app)
            if bot_module("intake.catalogues") is not None:
                reading = importlib.import_module("intake.understand")
                reading.understand(app.engine, settings=app.settings, at=app.clock(), checkpoint=app.checkpoint)
            made = push.make_papers(app)
            sent = push.deliver(app)
            if not made and not sent and self.idle():
                return
        raise AssertionError("the desk does not come to rest")

    def idle(self) -> bool:
        at = self.app.clock()
        if bot_module("bot.telegram") is not None and self.client.pending_updates():
            return False
        with transaction(self.app.engine) as session:
            return not (
                messages.unfinished_updates(session) or messages.unfinished(session, at=at) or papers.unmade(session)
            )

    def order(self, **changes: Any) -> int:
        """A draft of 10 cartons of butter and 5 bags of flour by chat; `changes` are fields of `Asked`."""
        with transaction(self.app.engine) as session:
            customer = session.get_one(Customer, self.ids["customer"])
            articles = {a.sku: a for a in session.scalars(select(Article))}
            given: dict[str, Any] = {
                "channel": MessageChannel.CHAT,
                "reply_chat_id": self.chats["customer"],
                "requested_delivery_date": date(2026, 11, 26),
                "lines": (
                    AskedLine("10 cartons beurre doux 82", articles["BEU-DOU-1"], Decimal(100), "carton", Decimal(10)),
                    AskedLine("5 sacs farine T65 25kg", articles["FAR-T65-25"], Decimal(5)),
                ),
            }
            wanted = {**given, **changes}
            wanted["lines"] = tuple(
                replace(line, article=line.article and articles[line.article.sku]) for line in wanted["lines"]
            )
            asked = Asked(customer=customer, **wanted)
            return orders.draft(session, asked, by=self.actor_in(customer), at=self.clock()).id

    @staticmethod
    def actor_in(customer: Customer) -> Actor:
        from core.journal import ActorKind

        return Actor(ActorKind.CUSTOMER, customer.id)

    def get(self, order_id: int) -> Order:
        with transaction(self.app.engine) as session:
            order = session.get_one(Order, order_id)
            _ = [line.article for line in order.lines], order.customer.name
            return order


def application(settings: Settings) -> Application[Any, Any, Any, Any, Any, Any]:
    telegram = bot_module("bot.telegram")
    if telegram is not None:
        built: Application[Any, Any, Any, Any, Any, Any] = telegram.build_application(settings)
        return built
    chat = settings.telegram
    return (
        Application.builder()
        .token(chat.token.get_secret_value())
        .base_url(chat.base_url)
        .base_file_url(chat.base_file_url)
        .updater(None)
        .build()
    )


def stock_the_house(engine: Engine, at: datetime) -> dict[str, int]:
    """Articles, two customers (one reached by chat, one by mail) and a colleague per role."""
    with transaction(engine) as session:
        for sku, name, unit, price, vat, packs, on_hand, location in ARTICLES:
            article = Article(
                sku=sku, name=name, unit=unit, price=Decimal(price), vat_percent=Decimal(vat), location=location
            )
            article.packagings = [Packaging(name=pack, quantity=Decimal(count)) for pack, count in packs.items()]
            session.add(article)
            session.flush()
            session.add(StockLevel(article_id=article.id, on_hand=Decimal(on_hand), counted_at=at))
        bakery = Customer(
            code="MARTIN", name="Boulangerie Martin", siren="732829320", siret="73282932000074",
            vat_number="FR44732829320", street="3 rue de la République", postcode="69001", city="Lyon",
            payment_terms="30 jours", credit_limit=Money.of(8000),
        )  # fmt: skip
        bakery.contacts.append(Contact(name="Julie Martin", email="julie@boulangerie-martin.example"))
        hotel = Customer(
            code="BELLEVUE", name="Hôtel Bellevue", siren="443061841", siret="44306184100047",
            vat_number="FR52443061841", street="8 avenue des Alpes", postcode="74000", city="Annecy",
            payment_terms="30 jours fin de mois", credit_limit=Money.of(5000),
        )  # fmt: skip
        hotel.contacts.append(Contact(name="Achats", email="achats@hotel-bellevue.example"))
        session.add_all([bakery, hotel])
        for role in (Role.SALES, Role.ACCOUNTING, Role.WAREHOUSE, Role.LEGAL):
            person = Staff(name=PEOPLE[role.value], email=f"{role.value}@maison-delorme.example")
            person.grants.append(StaffRole(role=role))
            session.add(person)
        boss = Staff(name="Claire", email="direction@maison-delorme.example")
        boss.grants += [StaffRole(role=Role.MANAGER), StaffRole(role=Role.ADMIN)]
        session.add(boss)
        session.flush()
        return {"customer": bakery.id, "hotel": hotel.id}


def link_chats(engine: Engine, client: SandboxClient, ids: dict[str, int], at: datetime) -> dict[str, int]:
    chats = {}
    with transaction(engine) as session:
        for who, name in PEOPLE.items():
            user = client.add_user(name, language_code="fr")
            client.say(user.id, "/start")
            chats[who] = user.id
            link = ChatLink(chat_id=user.id, linked_at=at)
            if who == "customer":
                link.customer_id = ids["customer"]
            else:
                link.staff_id = parties.staff_with(session, Role(who))[0].id
            session.add(link)
    return chats


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Desk]:
    clock = MovableClock(MONDAY)
    with Sandbox(now=clock) as sandbox, sandbox.client() as client:
        settings = Settings(
            database_url=database_url,
            secret_key=SecretStr("a secret of this test"),
            house=HOUSE,
            mail=MailAccount(address=HOUSE.email, smtp_host="localhost"),
            telegram=Telegram(
                token=SecretStr(sandbox.token),
                base_url=f"{sandbox.base_url}/bot",
                base_file_url=f"{sandbox.base_url}/file/bot",
            ),
        )
        ids = stock_the_house(engine, clock())
        chats = link_chats(engine, client, ids, clock())
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        postman = Postman()
        app = App(
            settings=settings, engine=engine, clock=clock, application=application(settings), loop=loop, smtp=postman,  # type: ignore[arg-type]
        )  # fmt: skip
        app.call(app.application.initialize())
        greeted = app.call(app.application.bot.get_updates(timeout=0))
        app.call(app.application.bot.get_updates(offset=greeted[-1].update_id + 1, timeout=0))
        try:
            with transaction(engine) as session:
                actors = {who: session.get_one(ChatLink, chat_id).as_actor() for who, chat_id in chats.items()}
            yield Desk(sandbox, client, app, clock, postman, chats, ids, actors)
        finally:
            app.call(app.application.shutdown())
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


assert outbox.MAX_ATTEMPTS > 1  # the tests of repeats rely on it

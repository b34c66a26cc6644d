"""Everybody presses and types everything, on what is his and on what is not: refused or done, and answered, each time.

The cases come from the code's own tables (`ACTIONS`, `COMMANDS`, `ANSWERS`, `PERMISSIONS`): a new button, command or
question is among them by itself. All in one database, each case undone before the next.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session
from telegram import Update

from bot import telegram, texts
from bot.access import CUSTOMER, PERMISSIONS, STRANGER
from bot.app import App
from bot.handlers import buttons, chat, commands, staff
from core import (
    calls,
    card_changes,
    conversations,
    digests,
    disputes,
    groups,
    journal,
    overrides,
    parties,
    quotes,
    reminders,
)
from core.bank.tables import BankEntry, BankStatement, EntryState, Layout
from core.deliveries import reserves, returns
from core.deliveries.tables import ReserveKind
from core.errors import Comptoir
from core.journal import JournalEntry
from core.means import PaymentMeans
from core.messages import Message, MessageChannel, MessageState, keep
from core.money import ZERO, Money
from core.orders import Asked, AskedLine, revisions
from core.orders.revisions import LineWish, Wanted
from core.outbox import OutboxRow, OutboxState
from core.parties import ChatLink, Contact, Customer, Role, Staff, StaffRole
from core.payments import Payment
from core.refunds import Refund
from core.sale_terms import SaleTerms
from core.settings import House, Settings, Telegram
from tests.core.builders import AT, Trade, furnish

HOUSE = House(
    name="Linge et Maison SAS", street="1 rue du Quai", postcode="59000", city="Lille", siren="732829320",
    vat_number="FR44732829320", terms_version="2026-01", penalty_rate=Decimal("12.15"),
    iban="FR7630006000011234567890189", bic="AGRIFRPP", phone="03 20 00 00 00",
)  # fmt: skip
#: What a word means to one button and not to the others.
NAMED: dict[str, dict[str, Any]] = {
    "remember_sender": {"kind": "address"},
    "forget_alias": {"kind": "sender"},
    "choose_substitute": {"other": "DRA-140"},
    "credit_text": {"kind": "quantity"},
    "park_until": {"until": "2026-11-23T15:00:00+00:00"},
    "choose_edited": {"said_at": "2026-11-23T08:00:00+00:00", "text": "L1 2"},
    "take_order_for": {"what": "2 DRA-140", "whom": ""},
    "keep_late": {"interest": "1", "recovery": "0", "left": "1"},
    "more_messages": {"after": 0},
    "open_waiting": {"kind": "draft", "subject": "order:1"},
}
OWN, FOREIGN, LEFT, UNKNOWN, GROUP = 7001, 7002, 7003, 7099, -9001


class Bot:
    """The bot's side of the wire: keeps what would be said, calls nobody."""

    username = "comptoir_bot"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.in_group: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any, **named: Any) -> None:
            said = " ".join(str(one) for one in (*given, *named.values()))
            self.said.append(said)
            if GROUP in given or named.get("chat_id") == GROUP:
                self.in_group.append(said)

        return call


@dataclass
class World:
    """A house with one colleague per role, two customers who have one of everything, and what each of them is."""

    session: Session
    trade: Trade
    app: App
    bot: Bot
    chats: dict[str, int]
    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    marks: dict[str, list[str]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def press(self, who: str, action: str, args: dict[str, Any], *, room: int = 0) -> Case:
        """The answer to a button of that action in that person's chat or in a group; what it did is undone."""
        args = args | NAMED.get(action, {})
        given = {key: value for key, value in args.items() if key != "order"}
        at_order = args["order"] if buttons.ACTIONS[action][0] == "order" else None
        point = self.session.begin_nested()
        token = conversations.make_button(
            self.session, chat_id=room or self.chats[who], action=action, at=AT, order_id=at_order,
            **given | ({} if at_order else {"order": args["order"]}),
        )  # fmt: skip
        self.session.flush()
        return self.take(who, {"callback_query": {"id": "1", "data": token, "chat_instance": "1"}}, point, room)

    def type(self, who: str, text: str, *, asked: tuple[str, dict[str, Any]] | None = None) -> Case:
        """The answer to a text of that person, when this question was put to him."""
        point = self.session.begin_nested()
        if asked is not None:
            conversations.ask(self.session, chat_id=self.chats[who], action=asked[0], at=AT, **asked[1])
            self.session.flush()
        return self.take(who, {"message": {"text": text}}, point)

    def take(self, who: str, update: dict[str, Any], point: Any, place: int = 0) -> Case:
        """The one door of updates, as `telegram._handled` and `telegram._refused` go through it."""
        person = {"id": self.chats[who], "first_name": who, "is_bot": False}
        room = {"id": place, "type": "group", "title": "Bureau"} if place else {**person, "type": "private"}
        body = {"message_id": next(self.numbers), "date": 1, "chat": room, "from": person}
        if "callback_query" in update:
            query = {**update["callback_query"], "from": body["from"], "message": {**body, "text": "x"}}
            update = {"callback_query": query}
        else:
            update = {"message": {**body, **update["message"]}}
        real = Update.de_json({"update_id": next(self.numbers), **update}, None)
        before, rows, kept = journal.position(self.session), self._rows(), self._kept()
        self.bot.said.clear()
        self.bot.in_group.clear()
        refused = ""
        inner = self.session.begin_nested()
        try:
            turn = telegram.answered(self.app, self.session, real, [])
            self.session.flush()
            inner.commit()
        except Comptoir as error:
            inner.rollback()
            refused = error.code
            turn = telegram.told(self.app, self.session, real, error)
        self.session.flush()
        for later in turn.later if turn is not None else []:
            _ = None if asyncio.iscoroutinefunction(later) else later()
        new = select(JournalEntry).where(JournalEntry.seq > before)
        case = Case(
            refused, turn.toast if turn is not None else "", list(self.bot.said),
            [(entry.action, entry.subject) for entry in self.session.scalars(new)], self._rows() - rows,
            self._kept() - kept, said_later=bool(turn is not None and turn.later),
        )  # fmt: skip
        point.rollback()
        self.session.expire_all()
        return case

    def _kept(self) -> int:
        return self.session.scalar(select(func.count(Message.id))) or 0

    def _rows(self) -> int:
        return self.session.scalar(select(func.count(OutboxRow.id))) or 0


@dataclass
class Case:
    """What became of one act: the refusal if any, what was said, journal lines and new rows."""

    refused: str
    toast: str
    said: list[str]
    written: list[tuple[str, str]]
    rows: int
    kept: int
    said_later: bool = False

    @property
    def answered(self) -> bool:
        """Told at once, or kept to be understood and answered by the next job."""
        return bool(self.toast or self.said or self.said_later or self.kept)


@pytest.fixture(scope="module")
def world(sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    import shutil

    from core import db

    place = tmp_path_factory.mktemp("matrix") / "comptoir.db"
    shutil.copyfile(sqlite_template, place)
    engine = db.engine(f"sqlite:///{place}")
    with Session(engine, expire_on_commit=False) as session:
        yield built(session, engine, f"sqlite:///{place}")
    engine.dispose()


def built(session: Session, engine: Engine, url: str) -> World:
    trade = furnish(session, HOUSE)
    bot = Bot()
    settings = Settings(database_url=url, house=HOUSE, telegram=Telegram(token=SecretStr("1:x")))
    application: Any = type("Application", (), {"bot": bot})()
    app = App(settings=settings, engine=engine, clock=lambda: AT, application=application, loop=None)  # type: ignore[arg-type]
    other = Customer(
        code="C002",
        name="Traiteur Lebrun",
        siren="443061841",
        street="1 rue Basse",
        postcode="80000",
        city="Amiens",
        payment_terms="30 jours",
        credit_limit=Money.of(50_000),
    )
    other.contacts.append(Contact(name="Mme Lebrun", email="commandes@lebrun.example"))
    gone = Staff(name="Parti", active=False, grants=[StaffRole(role=role) for role in Role])
    session.add_all([other, gone])
    session.flush()
    session.add_all([
        ChatLink(chat_id=FOREIGN, customer_id=other.id, linked_at=AT),
        ChatLink(chat_id=LEFT, staff_id=gone.id, linked_at=AT),
    ])  # fmt: skip
    groups.bind(session, groups.met(session, GROUP, "Bureau"), trade.customer, by=trade.by(Role.ADMIN), at=AT)
    chats = {role.value: parties.chats_with(session, role)[0] for role in Role}
    chats |= {CUSTOMER: OWN, "left": LEFT, STRANGER: UNKNOWN}
    world = World(session, trade, app, bot, chats)
    for name, customer in (("own", trade.customer), ("foreign", other)):
        world.things[name], world.marks[name] = everything(trade, customer)
    session.execute(update(OutboxRow).values(state=OutboxState.SENT))  # what waits would not be queued again
    session.commit()
    return world


def everything(trade: Trade, customer: Customer) -> tuple[dict[str, Any], list[str]]:
    """One of each thing of a customer, as buttons name them, and the words by which they would be recognised."""
    session, by, article = trade.session, trade.by(), trade.article
    trade.customer = customer
    asked = {"reply_chat_id": None}
    draft = trade.draft((article, "4"), **asked)
    confirmed = trade.confirm(trade.draft((article, "3"), **asked))
    preparing = trade.preparing(confirmed)
    revision = revisions.propose(session, confirmed, Wanted((LineWish(1, quantity=Decimal(2)),)), by=by, at=AT)
    shipped = trade.preparing(trade.confirm(trade.draft((article, "5"), **asked)))
    trade.ship(shipped)
    reserve = reserves.state(
        session, shipped, 1, ReserveKind.DAMAGED, Decimal(1), "un drap percé sur le côté", by=trade.buyer, at=AT
    )
    invoice = trade.invoiced((article, "6"), **asked)
    brought = trade.preparing(trade.session.get_one(type(draft), invoice.order_id))
    back = returns.request(session, brought, {1: Decimal(1)}, reason="trop", by=trade.buyer, at=AT)
    dispute = disputes.open_dispute(session, invoice, text="prix", by=trade.buyer, at=AT, amount=Money.of(10))
    reminders.promise(session, customer, invoice.number, day=date(2026, 3, 20), by=trade.buyer, at=AT)
    reminder = reminders.Reminder(customer=customer, level=5, state=reminders.ReminderState.TO_APPROVE, on=AT.date(),
                                  at=AT)  # fmt: skip
    offer = quotes.draft(
        session, Asked(customer, MessageChannel.ORAL, (AskedLine("x", article, Decimal(2)),)), by=by, at=AT
    )
    wish = overrides.request(session, draft, Role.MANAGER, reason="client depuis huit ans", by=by, at=AT)
    message = Message(channel=MessageChannel.MAIL, key=f"k{customer.id}", received_at=AT, customer_id=customer.id,
                      state=MessageState.QUARANTINED, reason="kind_unknown", extract="bonjour")  # fmt: skip
    payment = Payment(customer=customer, amount=Money.of(5), received_on=AT.date(), recorded_at=AT,
                      reference=f"RG-{customer.id}", means=PaymentMeans.TRANSFER)  # fmt: skip
    statement = BankStatement(iban="FR76", layout=Layout.CAMT053, number=str(customer.id), opened_on=AT.date(),
                              closed_on=AT.date(), opening=ZERO, closing=ZERO, content_sha256="x",
                              imported_at=AT)  # fmt: skip
    nothing = dict.fromkeys(("end_to_end", "creditor_reference", "bank_reference", "payer_name", "payer_iban"), "")
    entry = BankEntry(statement=statement, key=f"e{customer.id}", position=1, booked_on=AT.date(), value_on=AT.date(),
                      amount=Money.of(5), fees=ZERO, text="VIR", reject="", means=PaymentMeans.TRANSFER,
                      state=EntryState.ASKED, rule="", **nothing)  # fmt: skip
    refund = Refund(reference=f"RB-{customer.id}", customer=customer, amount=Money.of(5), reason="trop perçu ici",
                    asked_by_id=trade.staff[Role.SALES].id, asked_at=AT)  # fmt: skip
    session.add_all([reminder, message, payment, statement, entry, refund])
    terms = SaleTerms(version=f"v{customer.id}", in_force_on=AT.date(), file_name="cgv.pdf", imported_at=AT,
                      pdf_sha256=keep(session, b"%PDF"))  # fmt: skip
    session.add(terms)
    group = groups.met(session, -500 - customer.id, "Bureau")
    session.flush()
    code, row = parties.new_code(at=AT), session.scalars(select(OutboxRow)).first()
    code[1].customer_id = customer.id
    session.add(code[1])
    session.flush()
    assert row is not None
    call = calls.note(session, "customer_message", customer.subject, Role.SALES, at=AT)
    digest = digests.Digest(staff_id=trade.staff[Role.MANAGER].id, day=date(2026, 3, customer.id), made_at=AT, html="x")
    session.add(digest)
    change = card_changes.ask(session, message, customer, card_changes.CardPoint.DELIVERY_ADDRESS, at=AT)
    session.flush()
    things = {
        "call": call.id, "digest": digest.id, "outbox": row.id, "card_change": change.id,
        "order": draft.id, "delivery": shipped.id, "preparing": preparing.id, "number": invoice.number, "position": 1,
        "customer": customer.id, "quote": offer.id, "sku": article.sku, "request": wish.id, "kind": "damaged",
        "text": "x", "role": "sales", "reserve": reserve.id, "quantity": "1", "message": message.id,
        "group": group.chat_id, "day": "2026-03-20", "clause": "payment", "refund": refund.id, "on": True, "index": 0,
        "goods_return": back.id, "dispute": dispute.id, "contact": customer.contacts[0].id, "command": "aide",
        "bank_entry": entry.id, "address": 0, "words": "L1 1 abîmé", "whose": customer.id, "theme": "orders",
        "row": row.id, "reminder": reminder.id, "paper": invoice.paper_id, "paid": payment.id,
        "means": PaymentMeans.TRANSFER.value,
        "days": 10, "other": confirmed.id, "terms": terms.id, "code": code[1].code_hash, "article": article.id,
        "staff": trade.staff[Role.SALES].id,
        "order_revision": revision.id, "revision": revision.id, "invoice": invoice.id, "id": 1, "document": invoice.id,
        "version": draft.version, "seen": 0, "unit": "C62", "holds": "1", "key": "x",
        "deliveries": [shipped.id], "claim": "invoice", "choice": "ours", "about": "x", "template": "x", "name": "x",
        "packaging": "carton",
    }  # fmt: skip
    seen = [customer.name, draft.reference, confirmed.reference, shipped.reference, invoice.number, offer.reference]
    return things, seen


def may(who: str, action: str) -> bool:
    """What the table says, read apart from `allowed`."""
    return STRANGER in PERMISSIONS[action] or who in PERMISSIONS[action]


PEOPLE = [*(role.value for role in Role), CUSTOMER, "left", STRANGER]


def pressed(world: World, cases: Iterable[tuple[str, str, str]]) -> list[str]:
    """What is wrong with these presses: who, which action, on whose thing."""
    faults = []
    for who, action, whose in cases:
        try:
            case = world.press(who, action, world.things[whose])
        except Exception as error:  # noqa: BLE001 - every broken case is listed
            world.session.rollback()
            faults.append(f"{who} {action} {whose}: {type(error).__name__} {error}"[:150])
            continue
        faults += [f"{who} {action} {whose}: {fault}" for fault in judged(world, who, action, whose, case)]
    return faults


def test_s10_s13_u12_each_button_is_answered_and_refused_to_who_may_not_press_it(world: World) -> None:
    """Each button once: by somebody who may not press it, by somebody who may, by a customer on what is not his."""
    cases = []
    for number, action in enumerate(buttons.ACTIONS):
        those = [who for who in PEOPLE if may(who, action)]
        others = [who for who in PEOPLE if who not in those] or those
        refused, done = others[number % len(others)], those[number % len(those)]
        foreign = (CUSTOMER, action, "foreign") if CUSTOMER in those else (done, action, "foreign")
        cases.append(((refused, action, "own"), (done, action, "own"), foreign)[number % 3])
    assert {who for who, _, _ in cases} == set(PEOPLE)
    faults = pressed(world, cases)
    assert not faults, "\n".join(faults)


@pytest.mark.long
@pytest.mark.parametrize("who", PEOPLE)
def test_s10_s13_u12_everybody_presses_every_button_on_what_is_his_and_what_is_not(world: World, who: str) -> None:
    faults = pressed(world, [(who, action, whose) for action in buttons.ACTIONS for whose in ("own", "foreign")])
    assert not faults, "\n".join(faults)


@pytest.mark.long
@pytest.mark.parametrize("who", PEOPLE)
def test_t33_u11_each_button_pressed_in_a_group_is_answered_and_nothing_there_names_money(
    world: World, who: str
) -> None:
    faults = []
    for action, whose in itertools.product(buttons.ACTIONS, ("own", "foreign")):  # the group is that of « own »
        case = world.press(who, action, world.things[whose], room=GROUP)
        if not case.answered:
            faults.append(f"{action}: no answer")
        if not may(who, action) and [name for name, _ in case.written if name != "press_refused"]:
            faults.append(f"{action}: did {case.written}")
        heard = world.bot.in_group
        faults += [f"{action}: {said[:90]}" for said in heard if "\u20ac" in said]
        faults += [f"{action}: {said[:90]}" for said in heard if any(mark in said for mark in world.marks["foreign"])]
    assert not faults, "\n".join(faults)


def judged(world: World, who: str, action: str, whose: str, case: Case) -> Iterator[str]:
    if not case.answered:
        yield "no answer"
    acts = [name for name, _ in case.written if name != "press_refused"]
    if not may(who, action):
        if acts or case.rows:
            yield f"did {acts}"
        if who in {"left", STRANGER}:
            if case.toast != texts.plain(texts.answer("account_inactive" if who == "left" else "how_to_link")):
                yield f"said {case.toast!r}"
            return
        if "réserv" not in case.toast.lower():
            yield f"said {case.toast!r}"
        if [name for name, _ in case.written] != ["press_refused"]:
            yield "not in the journal"
    elif who == CUSTOMER and whose == "foreign":
        heard = " ".join([case.toast, *case.said])
        named = world.things["foreign"]["number"] if case.refused else ""  # what he asked for himself is said back
        leaked = [mark for mark in world.marks["foreign"] if mark in heard and mark != named]
        if leaked and action != "link_yes":  # a code names whom it is for
            yield f"told {leaked}"


def typed(world: World, who: str, every: int = 1) -> list[str]:
    """What is wrong with what this person types: each command with and without words, each answer to a question."""
    faults = []
    number = world.things["foreign"]["number"]
    lines = [(name, action, words) for name, action in texts.table("menus", "fr")["commands"].items()
             for words in ("", "C002", f"{number} L1 1 motif", "C002 : 3 draps")]  # fmt: skip
    for name, action, words in lines[PEOPLE.index(who) % every :: every]:
        case = world.type(who, f"/{name} {words}".strip())
        faults += [f"/{name} {words}: {fault}" for fault in judged_words(world, who, action, case, words)]
    questions = [(action, needed, whose) for action, needed in staff.ASKED_BY.items() for whose in ("own", "foreign")]
    for action, needed, whose in questions[PEOPLE.index(who) % every :: every]:
        case = world.type(who, "1 motif assez long", asked=(action, world.things[whose] | NAMED.get(action, {})))
        faults += [f"{action} {whose}: {fault}" for fault in judged_words(world, who, needed, case, "")]
    return [f"{who} {fault}" for fault in faults]


def test_s10_u12_each_command_and_each_answer_is_refused_or_done_and_answered(world: World) -> None:
    """A share of the commands and questions by everybody; all of them in the long tests."""
    assert set(staff.ASKED_BY) == set(chat.ANSWERS)
    assert set(texts.table("menus", "fr")["commands"].values()) == set(commands.COMMANDS)
    faults = [fault for who in PEOPLE for fault in typed(world, who, every=4 * len(PEOPLE))]
    assert not faults, "\n".join(faults)


@pytest.mark.long
@pytest.mark.parametrize("who", PEOPLE)
def test_s10_u12_everybody_types_every_command_and_answers_every_question(world: World, who: str) -> None:
    faults = typed(world, who)
    assert not faults, "\n".join(faults)


def judged_words(world: World, who: str, action: str, case: Case, words: str) -> Iterator[str]:
    heard = " ".join([case.toast, *case.said])
    if not case.answered and not case.rows:  # what changed a card is seen on it
        yield "no answer"
    acts = [name for name, _ in case.written if name != "press_refused"]
    if not may(who, action) and who not in {"left", STRANGER}:
        if acts or case.rows:
            yield f"did {acts}"
        if [name for name, _ in case.written] != ["press_refused"] or "réserv" not in heard.lower():
            yield f"said {heard[:80]!r}"
    if who in {CUSTOMER, "left", STRANGER}:
        named = world.things["foreign"]["number"] if case.refused else ""
        leaked = [mark for mark in world.marks["foreign"] if mark in heard and mark not in (*words.split(), named)]
        if leaked:
            yield f"told {leaked}"
    if who in {"left", STRANGER} and (acts or case.rows):
        yield f"did {acts}"

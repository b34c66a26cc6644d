"""Deposits and automatic confirmation as colleagues handle them in chat."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from bot import cards, telegram
from bot.handlers import deposits as handlers
from core import automation, deposits, invoices, journal, orders, overrides, registration, revising
from core.db import transaction
from core.deposits import DepositRule
from core.errors import Refused
from core.invoices import Invoice
from core.messages import Message, MessageChannel, MessageState
from core.money import Money
from core.orders import Asked, DepositStage, LineWish, Order, OrderState, Wanted, revisions
from core.outbox import OutboxRow, OutboxState
from core.parties import ChatLink, Customer, Role, staff_with

Desk = Any


def ruled(desk: Desk, **values: object) -> None:
    with transaction(desk.app.engine) as session:
        session.add(DepositRule(code="R", **values))


def due(desk: Desk, order: int) -> Money:
    with transaction(desk.app.engine) as session:
        return deposits.due(session.get_one(Order, order))


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("acompte 40 %", (Decimal(40), None)), ("acompte de 12,5%", (Decimal("12.5"), None)),
        ("acompte 1 500,50 €", (None, Money.of("1500.50"))), ("acompte de 500 euros", (None, Money.of(500))),
    ],
)  # fmt: skip
def test_a_deposit_is_read_as_it_is_typed(said: str, wanted: tuple[Decimal | None, Money | None]) -> None:
    assert handlers.wanted(said) == wanted


@pytest.mark.parametrize("said", ["acompte", "acompte 30", "acompte 10 % ou 20 %", "acompte 30 % soit 300 €"])
def test_a_deposit_that_may_mean_two_things_is_refused(said: str) -> None:
    with pytest.raises(Refused, match="deposit_not_read"):
        handlers.wanted(said)


def test_a_reply_to_the_card_sets_the_deposit_and_the_invoice_follows(desk: Desk) -> None:
    ruled(desk, percent=Decimal(30))
    order = desk.order()
    desk.settle()
    card = desk.last("sales").message_id
    gross = desk.get(order).totals.gross
    for said, wanted in (("acompte 40 %", Money.of(gross.amount * Decimal("0.4"))), ("sans acompte", Money.of(0))):
        desk.say("sales", said, reply_to=card)
        desk.settle()
        desk.press("sales", "Appliquer")
        desk.settle()
        assert due(desk, order) == wanted
    desk.say("sales", "acompte 30", reply_to=card)
    desk.settle()
    assert ("Je n'ai pas lu l'acompte" in desk.last("sales").text, due(desk, order)) == (True, Money.of(0))
    desk.say("sales", "acompte selon les règles", reply_to=card)
    desk.settle()
    desk.press("sales", "Appliquer")
    desk.settle()
    ruled_for = due(desk, order)
    assert ruled_for > Money.of(0)
    with transaction(desk.app.engine) as session:
        orders.accept_recap(session, session.get_one(Order, order), by=desk.actor("customer"), at=desk.clock())
    desk.settle()
    desk.press("sales", "Traiter le point", message_id=card)
    desk.settle()
    desk.press("sales", "Demander l'acompte", message_id=card)
    telegram.fetch(desk.app, timeout=0)
    telegram.handle(desk.app)
    with transaction(desk.app.engine) as session:
        (made,) = session.scalars(select(Invoice)).all()
        assert (made.gross, made.lines[0].net.amount > 0) == (ruled_for, True)
    assert [row.audience for row in desk.rows("deposit_issued")] == ["customer"]


def test_a_held_preparation_is_shown_and_accounting_lets_it_go(desk: Desk) -> None:
    ruled(desk, percent=Decimal(30), blocks=DepositStage.PREPARATION)
    number = desk.order()
    desk.settle()
    card = desk.last("sales").message_id
    desk.press("sales", "Confirmer et prévenir", message_id=card)
    desk.settle()
    desk.clock.forward(seconds=61)
    desk.settle()
    assert not any("BL-" in seen.text for seen in desk.chat("warehouse"))
    held = desk.last("sales")
    assert "Préparation en attente" in held.text
    desk.press("sales", "Demander l'acompte", message_id=held.message_id)
    desk.settle()
    with transaction(desk.app.engine) as session:
        shown = cards.order_card(session, session.get_one(Order, number), house=desk.app.house, at=desk.clock())
    assert "avant de préparer" in shown.html
    assert "request_override" in {press.action for row in shown.rows for press in row}
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, number)
        overrides.request(
            session, order, Role.ACCOUNTING, reason="le client est pressé", by=desk.actor("sales"), at=desk.clock()
        )
    desk.settle()
    desk.press("accounting", "Débloquer la commande…")
    desk.settle()
    desk.say("accounting", "virement vu sur l'extrait de compte")
    desk.settle()
    assert any("BL-" in seen.text for seen in desk.chat("warehouse"))


def test_the_manager_alone_switches_automatic_confirmation_on_and_the_card_says_who_confirmed(desk: Desk) -> None:
    house = desk.app.house
    object.__setattr__(house, "auto_confirm_threshold", Decimal("0.30"))
    object.__setattr__(house, "auto_confirm_orders", 3)
    boss = desk.client.add_user("Claire", language_code="fr")
    desk.client.say(boss.id, "/start")
    with transaction(desk.app.engine) as session:
        manager = staff_with(session, Role.MANAGER)[0]
        session.add(ChatLink(chat_id=boss.id, staff_id=manager.id, linked_at=desk.clock()))
    desk.chats["manager"] = boss.id
    desk.settle()
    with transaction(desk.app.engine) as session:
        customer, agent = session.get_one(Customer, desk.ids["customer"]), staff_with(session, Role.SALES)[0]
        for number in range(3):  # what Léa registered as it was read
            read = Message(
                channel=MessageChannel.CHAT, key=f"past:{number}", state=MessageState.UNDERSTOOD, customer=customer,
                received_at=desk.clock(),
            )  # fmt: skip
            session.add(read)
            session.flush()
            asked = Asked(customer=customer, channel=MessageChannel.CHAT, message_id=read.id, lines=())
            order = orders.draft(session, asked, by=desk.actor("customer"), at=desk.clock())
            orders.move(session, order, OrderState.CONFIRMED, by=agent.as_actor(), at=desk.clock())
            order.confirmed_at, order.confirmed_by_id = desk.clock(), agent.id
        session.execute(update(OutboxRow).values(state=OutboxState.MOOT))  # nobody is told again
    desk.clock.forward(hours=1)
    desk.say("sales", "/auto martin")
    desk.settle()
    seen = desk.last("sales")
    assert "3 commandes sur 3" in seen.text
    assert not seen.buttons
    desk.say("manager", "/auto martin")
    desk.settle()
    desk.press("manager", "Activer pour Boulangerie Martin")
    desk.settle()
    desk.say("customer", "3 sacs farine T65 25kg")
    desk.settle()
    desk.clock.forward(minutes=3)
    assert automation.run(desk.app.engine, house=desk.app.house, at=desk.clock()) == 1
    desk.settle()
    assert "Confirmée automatiquement (3 sur 3 sans retouche" in desk.last("sales").text
    desk.press("sales", "Annuler (60 s)")
    desk.settle()
    assert "Confirmation automatique coupée" in desk.last("manager").text
    with transaction(desk.app.engine) as session:
        assert not session.get_one(Customer, desk.ids["customer"]).auto_confirm
        assert session.scalars(select(Order).order_by(Order.id.desc())).first().state is OrderState.DRAFT
        assert journal.first_broken(session) is None


def test_a_change_that_asks_for_more_brings_the_button_for_the_rest_of_its_deposit(desk: Desk) -> None:
    ruled(desk, percent=Decimal(50), blocks=DepositStage.PREPARATION)
    number = desk.order()
    with transaction(desk.app.engine) as session:
        order = registration.confirm(session, number, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
        given = {"house": desk.app.house, "by": desk.actor("sales"), "at": desk.clock()}
        invoices.issue_deposit(session, order, label="Acompte", **given)
        wish = Wanted((LineWish(2, Decimal(10)),))
        revision = revisions.propose(session, order, wish, by=desk.actor("customer"), at=desk.clock())
        revising.accept(session, revision.id, **given)
    desk.settle()
    told = next(seen for seen in reversed(desk.chat("sales")) if "Acompte à compléter" in seen.text)
    assert "48,53\u202f€".replace("\u202f", "") in told.text.replace("\u00a0", "").replace("\u202f", "")
    assert "la préparation attend" in told.text
    desk.press("sales", "Demander l'acompte", message_id=told.message_id)
    desk.settle()
    with transaction(desk.app.engine) as session:
        issued = [invoice.gross for invoice in session.scalars(select(Invoice).order_by(Invoice.id))]
        assert issued[1] == Money.of("48.53")  # half of 5 bags at 18.40 and 5.5 %
        assert sum(part.cents for part in issued) == deposits.due(session.get_one(Order, number)).cents

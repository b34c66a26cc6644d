"""What an agent corrects is offered to be remembered, helps the next message, and can be forgotten again."""

from __future__ import annotations

from decimal import Decimal
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import select

from bot.access import allowed
from core import aliases
from core.db import transaction
from core.journal import JournalEntry
from core.messages import Message, MessageState
from core.orders import Order
from core.parties import ChatLink, Contact, Customer
from intake.receive import DatabaseMailStore


def mailed(desk: Any, text: str, *, sender: str, uid: int) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, desk.app.house.email, "Commande"
    mail["Message-ID"] = f"<{uid}@x.example>"
    mail.set_content(text)
    DatabaseMailStore(desk.app.engine, desk.clock).store(
        account="a", folder="INBOX", uidvalidity=1, uid=uid, raw=mail.as_bytes(), fingerprint=str(uid),
        received_at=desk.clock(),
    )  # fmt: skip
    desk.settle()


def lines(desk: Any) -> list[tuple[str | None, Decimal | None, bool]]:
    with transaction(desk.app.engine) as session:
        order = session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()
        return [
            (line.article.sku if line.article else None, line.quantity, line.confidence >= Decimal("0.9"))
            for line in order.kept_lines
        ]


def learned(desk: Any, who: str = "customer") -> list[tuple[str, str, str]]:
    with transaction(desk.app.engine) as session:
        found = aliases.learned(session, session.get_one(Customer, desk.ids[who]))
        return [(one.kind, one.text, one.meaning) for one in found]


def journalled(desk: Any) -> list[str]:
    with transaction(desk.app.engine) as session:
        actions = session.scalars(select(JournalEntry.action).order_by(JournalEntry.seq))
        return [action for action in actions if action.startswith("alias_")]


def labels(desk: Any) -> list[str]:
    return [label for row in desk.last("sales").buttons for label in row]


def say(desk: Any, text: str) -> None:
    """A new order of the customer: what he said an hour ago is another one."""
    desk.clock.forward(hours=1)
    desk.say("customer", text)
    desk.settle()


def press(desk: Any, label: str) -> None:
    desk.press("sales", label)
    desk.settle()


def test_the_words_for_an_article_are_remembered_help_and_are_forgotten(desk: Any) -> None:
    say(desk, "3 bidules du fournil svp")
    assert lines(desk) == [(None, 3, False)]
    press(desk, "Traiter le point")
    press(desk, "Chercher…")
    desk.say("sales", "levure")
    desk.settle()
    press(desk, "LEV-FRA-500 Levure fraîche de boulanger pain 500 g")
    assert "Retenir bidules du fournil = LEV-FRA-500 pour Boulangerie Martin" in desk.last("sales").text
    press(desk, "Oui, retenir")
    assert learned(desk) == [("article", "bidules du fournil", "LEV-FRA-500")]
    say(desk, "5 bidules du fournil svp")
    assert lines(desk) == [("LEV-FRA-500", 5, True)]
    desk.say("sales", "/retenu martin")
    desk.settle()
    assert "« bidules du fournil » = LEV-FRA-500" in desk.last("sales").text.replace("\u00a0", " ")
    press(desk, "Oublier «\u00a0bidules du fournil\u00a0»")
    assert learned(desk) == []
    say(desk, "5 bidules du fournil svp")
    assert lines(desk) == [(None, 5, False)]
    assert journalled(desk) == ["alias_learned", "alias_forgotten"]


def test_this_time_only_is_not_remembered(desk: Any) -> None:
    say(desk, "3 bidules du fournil svp")
    press(desk, "Traiter le point")
    press(desk, "Chercher…")
    desk.say("sales", "levure")
    desk.settle()
    press(desk, "LEV-FRA-500 Levure fraîche de boulanger pain 500 g")
    press(desk, "Cette fois seulement")
    assert learned(desk) == []


def test_what_a_carton_holds_for_a_customer_is_remembered_for_him_alone(desk: Any) -> None:
    say(desk, "3 cartons de levure fraîche svp")
    assert lines(desk) == [("LEV-FRA-500", 60, True)]
    card = desk.last("sales")
    desk.say("sales", "L1 36", reply_to=card.message_id)
    desk.settle()
    press(desk, "Appliquer")
    assert "Retenir 1 carton = 12 pains de LEV-FRA-500 pour Boulangerie Martin" in desk.last("sales").text
    press(desk, "Oui, retenir")
    say(desk, "2 cartons de levure fraîche svp")
    assert lines(desk) == [("LEV-FRA-500", 24, True)]
    mailed(
        desk, "Bonjour,\nMerci de livrer 2 cartons de levure fraîche.", sender="achats@hotel-bellevue.example", uid=1
    )
    assert lines(desk) == [("LEV-FRA-500", 40, True)]
    with transaction(desk.app.engine) as session:
        martin = session.get_one(Customer, desk.ids["customer"])
        assert aliases.customer_packagings(session, martin) == {"LEV-FRA-500": {"carton": Decimal(12)}}


def test_a_quantity_that_says_nothing_of_a_packaging_asks_nothing(desk: Any) -> None:
    say(desk, "3 cartons de levure fraîche svp")
    card = desk.last("sales")
    desk.say("sales", "L1 60", reply_to=card.message_id)
    desk.settle()
    assert desk.last("sales").text.startswith("Je n'ai rien trouvé à changer")
    assert "Retenir" not in desk.last("sales").text
    say(desk, "5 pains de levure fraîche svp")
    desk.say("sales", "L1 140", reply_to=desk.last("sales").message_id)
    desk.settle()
    assert "Retenir" not in desk.last("sales").text  # more of its own unit


ASK = "Bonjour,\nMerci de livrer 4 sacs de farine T65."


@pytest.mark.parametrize(
    ("button", "kept", "sender"),
    [
        ("L'adresse bruno@fournil.example", ("sender", "bruno@fournil.example", "address"), "bruno@fournil.example"),
        ("Tout le domaine fournil.example", ("sender", "fournil.example", "domain"), "anne@fournil.example"),
    ],
)
def test_an_unknown_sender_whom_the_agent_assigns_is_known_the_next_time(
    desk: Any, button: str, kept: tuple[str, str, str], sender: str
) -> None:
    mailed(desk, ASK, sender="Bruno <bruno@fournil.example>", uid=1)
    assert "L'expéditeur n'est relié à aucun client." in desk.last("sales").text
    press(desk, "Choisir le client…")
    desk.say("sales", "martin")
    desk.settle()
    press(desk, "MARTIN Boulangerie Martin")
    assert lines(desk) == [("FAR-T65-25", 4, True)]
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(Message)).one().state is MessageState.UNDERSTOOD
        assert session.scalars(select(Order)).one().customer_clue == ""
    offered = next(seen for seen in desk.chat("sales") if "Retenir l'expéditeur" in seen.text)
    desk.press("sales", button, message_id=offered.message_id)
    desk.settle()
    assert learned(desk) == [kept]
    mailed(desk, f"{ASK}\nEncore.", sender=sender, uid=2)
    with transaction(desk.app.engine) as session:
        order = session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()
        assert (order.customer.code, order.customer_clue) == ("MARTIN", "")


def test_a_proposed_customer_is_confirmed_by_a_press_and_his_address_may_be_remembered(desk: Any) -> None:
    mailed(desk, ASK, sender="compta@boulangerie-martin.example", uid=1)
    assert "Client à confirmer" in desk.last("sales").text
    press(desk, "Traiter le point")
    assert "Écrit par : compta@boulangerie-martin.example" in desk.last("sales").text.replace("\u00a0", " ")
    press(desk, "Oui, c'est ce client")
    press(desk, "L'adresse compta@boulangerie-martin.example")
    assert learned(desk) == [("sender", "compta@boulangerie-martin.example", "address")]
    with transaction(desk.app.engine) as session:
        order = session.scalars(select(Order)).one()
        assert (order.customer_clue, order.sender_authenticated) == ("", False)


def test_a_wrongly_proposed_customer_is_replaced_and_prices_follow(desk: Any) -> None:
    mailed(desk, ASK, sender="compta@boulangerie-martin.example", uid=1)
    press(desk, "Traiter le point")
    press(desk, "Autre client…")
    desk.say("sales", "bellevue")
    desk.settle()
    press(desk, "BELLEVUE Hôtel Bellevue")
    press(desk, "Cette fois seulement")
    with transaction(desk.app.engine) as session:
        order = session.scalars(select(Order)).one()
        assert (order.customer.code, order.customer_clue) == ("BELLEVUE", "")
    assert learned(desk, "hotel") == []
    assert [row.audience for row in desk.rows("order_recap")] == ["customer"]


def test_of_two_customers_who_may_have_written_the_agent_chooses_by_a_press(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        for who, email in (("customer", "nord@alpes.example"), ("hotel", "sud@alpes.example")):
            session.add(Contact(customer_id=desk.ids[who], email=email))
    mailed(desk, ASK, sender="Economat <economat@alpes.example>", uid=1)
    assert "Plusieurs clients peuvent avoir écrit ce message." in desk.last("sales").text
    assert labels(desk)[:3] == ["MARTIN Boulangerie Martin", "BELLEVUE Hôtel Bellevue", "Choisir le client…"]
    press(desk, "BELLEVUE Hôtel Bellevue")
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(Order)).one().customer.code == "BELLEVUE"
    offered = next(seen for seen in desk.chat("sales") if "Retenir l'expéditeur" in seen.text)
    assert offered.buttons[-1] == ["Cette fois seulement"]
    desk.press("sales", "Cette fois seulement", message_id=offered.message_id)
    desk.settle()
    assert learned(desk, "hotel") == []


def test_s12_only_sales_and_managers_teach_the_desk(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        links = {who: session.get_one(ChatLink, chat_id) for who, chat_id in desk.chats.items()}
        for action in ("remember_alias", "remember_sender", "remember_packaging", "forget_alias", "assign_customer"):
            assert allowed(links["sales"], action)
            assert not any(allowed(links[who], action) for who in ("customer", "accounting", "warehouse", "legal"))

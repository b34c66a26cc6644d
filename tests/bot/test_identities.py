"""Who somebody is: linked by a code that asks first, for whom he speaks, what he may do, and which menu he sees."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot import menus, texts
from bot.access import PERMISSIONS, allowed
from bot.handlers import help_pages
from core import conversations, identities, parties, privacy, staffing
from core.db import transaction
from core.errors import Refused
from core.journal import SYSTEM
from core.orders import Order
from core.parties import ChatCustomer, ChatLink, Contact, Customer, Role, Staff, StaffRole
from tests.core.builders import AT, Trade
from tests.core.conftest import house, trade

__all__ = ["house", "trade"]

Desk = Any
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def code_for(desk: Desk, customer: str) -> str:
    with transaction(desk.app.engine) as session:
        whom = session.get_one(Customer, desk.ids[customer])
        return parties.make_link_code(session, whom, by=SYSTEM, at=desk.clock(), contact=whom.contacts[0])


def link(desk: Desk, user: int, customer: str) -> str:
    desk.client.say(user, f"/start {code_for(desk, customer)}")
    desk.settle()
    asked = desk.client.last(user).text
    desk.client.press(user, texts.label("link_yes"))
    desk.settle()
    return str(asked)


@ON_SQLITE
def test_s03_who_did_not_choose_is_asked_again_the_next_day(desk: Desk) -> None:
    user = desk.client.add_user("Nina", username="nina_achats").id
    link(desk, user, "customer")
    link(desk, user, "hotel")
    for day in range(2):
        desk.clock.forward(hours=24)
        desk.client.say(user, "10 plaques BEU-DOU-1")
        desk.settle()
        asked = [seen for seen in desk.client.chat(user) if "Hôtel Bellevue" in seen.labels]
        assert len(asked) == day + 1


@ON_SQLITE
def test_s01_s02_s03_one_person_speaks_for_two_customers_and_says_for_which_each_session(desk: Desk) -> None:
    user = desk.client.add_user("Nina", username="nina_achats").id
    assert "Boulangerie Martin (Julie Martin)" in link(desk, user, "customer")  # it names whom it links, then asks
    assert "Boulangerie Martin" in link(desk, user, "hotel")  # beside, not instead
    desk.clock.forward(hours=3)
    desk.client.say(user, "10 plaques BEU-DOU-1")
    desk.client.say(user, "et 2 sacs FAR-T65-25")
    desk.settle()
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(Order)).all() == []  # never for whom he spoke last
    asked = [seen for seen in desk.client.chat(user) if "Hôtel Bellevue" in seen.labels]
    assert len(asked) == 1
    desk.client.press(user, "Hôtel Bellevue")
    desk.settle()
    with transaction(desk.app.engine) as session:
        orders = session.scalars(select(Order)).all()
        assert {order.customer_id for order in orders} == {desk.ids["hotel"]}
        assert orders[0].contact_id is not None
    recap = next(seen for seen in reversed(desk.client.chat(user)) if texts.label("accept_recap") in seen.labels)
    assert recap.text.startswith("Hôtel Bellevue")
    bakery = desk.order(reply_chat_id=user)  # a recap of the other one, while he speaks for the hotel
    desk.settle()
    shown = desk.get(bakery).reference
    theirs = next(seen for seen in reversed(desk.client.chat(user)) if shown in seen.text)
    desk.client.press(user, texts.label("accept_recap"), message_id=theirs.message_id)
    desk.settle()
    assert desk.get(bakery).recap_accepted_at is not None  # the thing says for whom he acts
    desk.client.say(user, "/mescommandes")
    desk.settle()
    said = desk.client.last(user).text
    assert said.startswith("Hôtel Bellevue")
    assert shown not in said
    other = desk.client.add_user("Omar", username="nina_achats").id  # the name moved to another account (S02)
    desk.client.say(other, "/documents")
    desk.settle()
    assert desk.client.last(other).text == texts.answer("how_to_link", phone=desk.app.house.phone)


def test_s03_the_same_article_has_each_customers_own_price_and_no_choice_is_no_answer(trade: Trade) -> None:
    other = Customer(code="C002", name="Traiteur Lebrun")
    other.contacts.append(Contact(name="Mme Lebrun", email="mme@lebrun.example"))
    trade.session.add(other)
    trade.session.flush()
    one = trade.session.scalars(select(ChatLink).where(ChatLink.customer_id == trade.customer.id)).one()
    code = parties.make_link_code(trade.session, other, by=SYSTEM, at=AT, contact=other.contacts[0])
    parties.use_link_code(trade.session, code, chat_id=one.chat_id, at=AT)
    assert [c.code for c in identities.customers_of(trade.session, one)] == ["C001", "C002"]
    assert {link.chat_id for link in parties.chats_of(trade.session, trade.customer)} == {one.chat_id}
    assert identities.chosen(trade.session, one, at=AT + timedelta(hours=1, minutes=59))
    assert not identities.chosen(trade.session, one, at=AT + timedelta(hours=2))
    identities.choose(trade.session, one, trade.customer, at=AT)
    with identities.speaking_for(trade.session, one, other):
        assert one.customer is other
    assert one.customer is trade.customer
    third = Customer(code="C003", name="Autre")
    trade.session.add(third)
    trade.session.flush()
    with pytest.raises(Refused, match="not_your_customer"):
        identities.choose(trade.session, one, third, at=AT)
    other.active = False  # a closed account leaves no choice
    assert identities.chosen(trade.session, one, at=AT + timedelta(days=9))
    privacy.erase(trade.session, "mme@lebrun.example", at=AT)  # whatever customer she is known with
    assert trade.session.scalars(select(ChatCustomer)).all() == []
    assert trade.session.get(ChatLink, one.chat_id) is None


def test_s10_the_last_admin_cannot_be_removed_and_roles_are_given_and_taken(trade: Trade) -> None:
    session, by = trade.session, trade.by(Role.ADMIN)
    admin, agent = trade.staff[Role.ADMIN], trade.staff[Role.SALES]
    for verb in (lambda: staffing.take(session, admin, Role.ADMIN, by=by, at=AT),
                 lambda: staffing.send_home(session, admin, by=by, at=AT)):  # fmt: skip
        with pytest.raises(Refused, match="last_admin"):
            verb()
    staffing.give(session, agent, Role.ADMIN, by=by, at=AT)
    staffing.give(session, agent, Role.ADMIN, by=by, at=AT)
    assert agent.roles == {Role.SALES, Role.ADMIN}
    staffing.take(session, admin, Role.ADMIN, by=by, at=AT)
    code = parties.make_link_code(session, admin, by=by, at=AT)
    staffing.send_home(session, admin, by=by, at=AT)
    with pytest.raises(Refused, match="link_code_invalid"):
        parties.use_link_code(session, code, chat_id=77, at=AT)
    with pytest.raises(Refused, match="colleague_name_taken"):
        staffing.hire(session, f" {agent.name} ", by=by, at=AT)


@ON_SQLITE
def test_s12_u17_menus_and_help_follow_roles_and_a_colleague_sent_home_gets_an_answer_and_nothing_else(
    desk: Desk,
) -> None:
    boss = desk.client.add_user("Claire").id
    desk.client.say(boss, "/start")
    with transaction(desk.app.engine) as session:
        claire = session.scalars(select(Staff).where(Staff.name == "Claire")).one()
        session.add(ChatLink(chat_id=boss, staff_id=claire.id, linked_at=desk.clock()))
    menus.refresh(desk.app)
    seen = {who: [c["command"] for c in desk.client.commands(user)] for who, user in desk.chats.items()}
    assert seen["sales"] == texts.table("menus", "fr")["menu"]["sales"]
    assert "relances" in seen["accounting"]
    assert "preparer" in seen["warehouse"]
    assert seen["customer"][0] == "commander"
    both = [command["command"] for command in desk.client.commands(boss)]
    assert {"brouillons", "utilisateurs", "aide"} <= set(both)
    stranger = desk.client.add_user("Zoé").id
    assert [command["command"] for command in desk.client.commands(stranger)] == ["aide"]
    calls = len(desk.client.calls("setMyCommands"))
    assert menus.refresh(desk.app) == 0
    assert len(desk.client.calls("setMyCommands")) == calls  # given once
    desk.client.say(boss, "/utilisateurs")
    desk.settle()
    desk.client.press(boss, "Léa")
    desk.settle()
    desk.client.press(boss, f"+ {texts.word('team_accounting')}")
    desk.settle()
    assert "encours" in [command["command"] for command in desk.client.commands(desk.chats["sales"])]
    desk.order()
    desk.settle()
    desk.client.press(boss, texts.label("person_off"))
    desk.settle()
    desk.client.press(boss, texts.label("person_off_yes", name="Léa"))
    desk.settle()
    for command in ("/brouillons", "bonjour"):
        desk.say("sales", command)
        desk.settle()
        assert desk.last("sales").text == texts.plain(texts.answer("account_inactive"))
    desk.press("sales", texts.label("confirm"))
    desk.settle()
    assert desk.client.toasts(desk.chats["sales"])[-1].text == texts.plain(texts.answer("account_inactive"))
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(Order)).one().state.value == "draft"


@pytest.mark.parametrize("role", [*Role, None])
def test_u17_the_help_lists_exactly_what_this_role_may_do_and_menus_are_at_most_six(role: Role | None) -> None:
    table = texts.table("menus", "fr")
    link = ChatLink(chat_id=1)
    if role is None:
        link.customer = Customer(code="C", name="C", active=True)
        link.customer_id = link.customer.id = 1
    else:
        link.staff = Staff(name="x", active=True, grants=[StaffRole(role=role)])
    usable = menus.usable(link)
    assert all(allowed(link, action) for action in usable.values())
    turn: Any = SimpleNamespace(link=link)
    listed = [name for names in help_pages.sections(turn).values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(usable) - {"aide"}
    hidden = {name for name, action in table["commands"].items() if allowed(link, action)} - set(usable)
    assert all(table["commands"][name] in usable.values() for name in hidden)  # another name of a listed one
    shown = table["menu"][role.value if role is not None else "customer"]
    assert len(shown) <= menus.SHOWN
    assert set(shown) <= set(usable)
    assert set(table["needs"]) <= set(table["commands"])
    assert all(text for _, text in menus.described(shown, "en"))


def test_a_person_of_several_roles_sees_six_commands_with_a_share_of_each() -> None:
    table = texts.table("menus", "fr")["menu"]
    shared = menus._shared([table[role.value] for role in Role])
    assert len(shared) == menus.SHOWN
    assert shared[-1] == "aide"
    assert all(set(table[role.value]) & set(shared) for role in (Role.SALES, Role.ACCOUNTING, Role.WAREHOUSE))


words = st.text(max_size=40)


@settings(max_examples=20)
@given(action=st.sampled_from(sorted(PERMISSIONS)), label=words, number=st.integers(), chat=st.integers())
def test_t27_any_callback_data_is_at_most_64_bytes_and_says_nothing(
    action: str, label: str, number: int, chat: int
) -> None:
    class Kept:
        def add(self, row: Any) -> None:
            self.row = row

    kept: Any = Kept()
    token = conversations.make_button(kept, chat_id=chat, action=action, at=AT, order_id=number, text=label)
    assert 1 <= len(token.encode()) <= 64
    assert re.fullmatch(r"v1:[\w-]{21}", token)
    assert json.loads(kept.row.args)["text"] == label


@ON_SQLITE
def test_t31_t32_t33_u12_forged_foreign_and_unknown_data_is_answered_and_never_read_as_a_text(desk: Desk) -> None:
    number = desk.order()
    desk.settle()
    with transaction(desk.app.engine) as session:
        mine = session.scalars(
            select(conversations.Button).where(conversations.Button.chat_id == desk.chats["sales"])
        ).all()
        token = next(button.token for button in mine if button.action == "confirm")
    user = desk.chats["customer"]
    carrier = desk.client.chat(user)[-1].message_id
    forged = ("v1:" + "A" * 21, "confirm", f"confirm:{number}", "10 cartons de beurre doux 82", "/documents", token)
    for data in forged:
        desk.client.press_data(user, carrier, data)
        desk.settle()
    toasts = [toast.text for toast in desk.client.toasts(user)]
    assert toasts == [texts.plain(texts.answer("button_unknown"))] * len(forged)
    with transaction(desk.app.engine) as session:
        assert [order.state.value for order in session.scalars(select(Order))] == ["draft"]
        assert session.scalars(select(parties.ChatLink).where(parties.ChatLink.chat_id == user)).one()


def test_s15_no_file_is_ever_sent_by_an_id_that_somebody_typed(root: Path) -> None:
    sources = [
        path for path in (root / "bot").rglob("*.py") if "sandbox" not in path.parts and "demo" not in path.parts
    ]
    assert len(sources) > 40
    for path in sources:
        source = path.read_text("utf-8")
        assert "file_id" not in source, path  # what is sent is bytes that we keep, never a name of somebody's choice

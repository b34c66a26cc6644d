"""Who works here, who may do what, and the codes by which people are linked (S01, S10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards import Content
from bot.handlers.quotes import customer_named
from bot.keyboards import Press
from core import parties, staffing
from core.parties import Contact, Customer, Role, Staff

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]
SHOWN = 10


def run(turn: Turn, rest: str) -> None:
    """Everybody with his roles, or those whose name holds the words."""
    turn.send(_list(turn, rest))


def _list(turn: Turn, words: str = "") -> Content:
    known = [one for one in staffing.everybody(turn.session) if words.lower() in one.name.lower()]
    people = [(one, [texts.word(f"team_{role.value}") for role in Role if role in one.roles]) for one in known[:SHOWN]]
    html = texts.render("people", people=people, more=len(known) - len(people))
    buttons = [Press("person_card", {"staff": one.id}, {"name": one.name}) for one, _ in people]
    rows = [buttons[index : index + 2] for index in range(0, len(buttons), 2)]
    return Content(html, [*rows, [Press("hire")]])


def show_list(turn: Turn, _args: Args, _thing: Any) -> None:
    """Everybody again."""
    turn.show(_list(turn))


def hire(turn: Turn, _args: Args, _thing: Any) -> None:
    """What is the new colleague's name? The next text."""
    turn.ask("colleague_name", "colleague_name")


def colleague_name(turn: Turn, _args: Args, text: str) -> None:
    """He works here, and may do nothing until he is given a role."""
    turn.send(_card(turn, staffing.hire(turn.session, text, by=turn.by, at=turn.at)))


def _card(turn: Turn, person: Staff) -> Content:
    held = person.roles
    html = texts.render(
        "person_card", person=person, roles=[texts.word(f"team_{role.value}") for role in Role if role in held],
        chats=len(parties.chats_of(turn.session, person)),
    )  # fmt: skip
    about = {"staff": person.id}
    if not person.active:
        return Content(html, [[Press("person_on", about)], [Press("people")]])
    roles = [
        Press("take_role" if role in held else "give_role", {**about, "role": role.value},
              {"team": texts.word(f"team_{role.value}")})
        for role in Role
    ]  # fmt: skip
    rows = [[Press("staff_code", about)], *[roles[index : index + 2] for index in range(0, len(roles), 2)]]
    return Content(html, [*rows, [Press("person_off", about, {"name": person.name})], [Press("people")]])


def show_card(turn: Turn, _args: Args, person: Staff) -> None:
    """One colleague."""
    turn.show(_card(turn, person))


def give_role(turn: Turn, args: Args, person: Staff) -> None:
    """He may do what the role may."""
    staffing.give(turn.session, person, Role(args["role"]), by=turn.by, at=turn.at)
    _changed(turn, person)


def take_role(turn: Turn, args: Args, person: Staff) -> None:
    """He may not do any more what the role may."""
    staffing.take(turn.session, person, Role(args["role"]), by=turn.by, at=turn.at)
    _changed(turn, person)


def person_off(turn: Turn, _args: Args, person: Staff) -> None:
    """A second press with the consequence in its label (rule 6)."""
    rows = [
        [Press("person_off_yes", {"staff": person.id}, {"name": person.name})],
        [Press("person_card", {"staff": person.id}, {}, "no_change")],
    ]
    turn.show(Content(texts.escape(texts.answer("really_off", name=person.name)), rows))


def person_off_yes(turn: Turn, _args: Args, person: Staff) -> None:
    """His rights end at once."""
    staffing.send_home(turn.session, person, by=turn.by, at=turn.at)
    _changed(turn, person)


def person_on(turn: Turn, _args: Args, person: Staff) -> None:
    """He works here again."""
    staffing.take_back(turn.session, person, by=turn.by, at=turn.at)
    _changed(turn, person)


def _changed(turn: Turn, person: Staff) -> None:
    turn.menus = True
    turn.show(_card(turn, person))


def staff_code(turn: Turn, _args: Args, person: Staff) -> None:
    """A code to hand to the colleague."""
    _show_code(turn, person, None)


def link_customer(turn: Turn, rest: str) -> None:
    """Ask for which contact of a customer the code is."""
    customer = customer_named(turn, rest)
    if not customer.contacts:
        _show_code(turn, customer, None)
        return
    rows = [
        [
            Press(
                "contact_code",
                {"customer": customer.id, "contact": one.id},
                {"name": one.name or one.email or one.phone},
            )
        ]
        for one in customer.contacts[:SHOWN]
    ]
    turn.send(Content(texts.escape(texts.answer("code_for_whom", name=customer.name)), rows))


def contact_code(turn: Turn, args: Args, customer: Customer) -> None:
    """A code for that contact and nobody else."""
    contact = next((one for one in customer.contacts if one.id == args["contact"]), None)
    _show_code(turn, customer, contact)


def _show_code(turn: Turn, whom: Customer | Staff, contact: Contact | None) -> None:
    code = parties.make_link_code(turn.session, whom, contact=contact, by=turn.by, at=turn.at)
    who = whom.name if contact is None or not contact.name else f"{contact.name} ({whom.name})"
    user_name = str(turn.app.application.bot.username)
    turn.send(Content(texts.render("link_code", who=who, code=code, user_name=user_name)))


ACTIONS: dict[str, tuple[str, Any]] = {
    "people": ("", show_list),
    "hire": ("", hire),
    "person_card": ("staff", show_card),
    "give_role": ("staff", give_role),
    "take_role": ("staff", take_role),
    "person_off": ("staff", person_off),
    "person_off_yes": ("staff", person_off_yes),
    "person_on": ("staff", person_on),
    "staff_code": ("staff", staff_code),
    "contact_code": ("customer", contact_code),
}
ANSWERS: dict[str, Any] = {"colleague_name": colleague_name}
COMMANDS: dict[str, Any] = {"people": run, "link_customer": link_customer}

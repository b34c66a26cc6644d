"""The card of a group, by which admins say whose it is and what may be said in it, and what it reads of private things.

Nothing that names money is shown in a group unless it was enabled there (U11): a text that is not for all its members
is a notice with a button, which opens it in the private chat of a colleague for whom it was meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot import texts
from bot.cards import Content
from bot.keyboards import Press
from core import conversations, groups, parties
from core.errors import Refused
from core.groups import ChatGroup
from core.outbox import OutboxChannel, OutboxRow
from core.parties import Customer, Role

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bot.turns import Turn

Args = dict[str, Any]
FOUND = 6


def run(turn: Turn, rest: str) -> None:
    """The group's card; in private, the groups there are, or a code for the group of a team or of a customer."""
    if turn.group is not None:
        show_group(turn, turn.group)
        return
    if rest:
        code = groups.make_code(turn.session, _team_or_customer(turn, rest), by=turn.by, at=turn.at)
        turn.say("group_code", code=code, user_name=str(turn.app.application.bot.username))
        return
    known = turn.session.scalars(select(ChatGroup).where(ChatGroup.left_at.is_(None)).order_by(ChatGroup.title))
    rows = [[Press("group_card", {"group": one.chat_id}, {"title": one.title})] for one in known]
    turn.send(Content(texts.escape(texts.answer("groups" if rows else "no_groups")), rows))


def _team_or_customer(turn: Turn, words: str) -> Role | Customer:
    said = words.strip().lower()
    for role in Role:
        if said in {role.value, texts.word(f"team_{role.value}").lower()}:
            return role
    found = parties.search_customers(turn.session, words, limit=2)
    if len(found) != 1:
        raise Refused("customer_unclear", customer=words)
    return found[0]


def show_group(turn: Turn, group: ChatGroup, *, again: bool = False) -> None:
    """Whose the group is, what is shown in it, and what may be changed."""
    about = {"group": group.chat_id}
    whose = group.customer.name if group.customer else texts.word(f"team_{group.role}") if group.role else ""
    html = texts.render("group_card", group=group, whose=whose)
    if not group.bound:
        teams = [
            Press("group_bind", {**about, "role": role.value}, {"team": texts.word(f"team_{role.value}")})
            for role in Role
        ]
        rows = [teams[index : index + 2] for index in range(0, len(teams), 2)] + [[Press("group_customer", about)]]
    else:
        money, pushes = group.shows_money, group.takes_pushes
        rows = [
            [Press("group_pushes", {**about, "on": not pushes}, label_key=f"group_pushes_{'off' if pushes else 'on'}")]
            if group.role
            else [],
            [Press("group_money", {**about, "on": not money}, label_key=f"group_money_{'off' if money else 'on'}")],
            [Press("group_unbind", about)],
        ]
    (turn.show if again else turn.send)(Content(html, rows))


def _group(turn: Turn, args: Args) -> ChatGroup:
    return turn.session.get_one(ChatGroup, args["group"], with_for_update=True)


def show_card(turn: Turn, args: Args, _thing: Any) -> None:
    """The card of that group."""
    show_group(turn, _group(turn, args), again=True)


def bind(turn: Turn, args: Args, _thing: Any) -> None:
    """The group belongs to that team or customer."""
    group = _group(turn, args)
    whose: Role | Customer = Role(args["role"]) if "role" in args else turn.session.get_one(Customer, args["customer"])
    groups.bind(turn.session, group, whose, by=turn.by, at=turn.at)
    turn.menus = True
    show_group(turn, group, again=True)


def ask_customer(turn: Turn, args: Args, _thing: Any) -> None:
    """Which customer? The next text."""
    turn.ask("group_customer_words", "which_customer_of_group", group=args["group"])


def customer_words(turn: Turn, args: Args, text: str) -> None:
    """Bind the group to the one customer that the words name, or offer those that they may mean."""
    found = parties.search_customers(turn.session, text, limit=FOUND)
    if not found:
        raise Refused("customer_unclear", customer=text)
    rows = [
        [Press("group_bind_customer", {"group": args["group"], "customer": one.id}, {"name": one.name})]
        for one in found
    ]
    turn.send(Content(texts.escape(texts.answer("which_one")), rows))


def set_money(turn: Turn, args: Args, _thing: Any) -> None:
    """Show prices and debts there, or not any more."""
    group = _group(turn, args)
    groups.enable(turn.session, group, money=bool(args["on"]), by=turn.by, at=turn.at)
    show_group(turn, group, again=True)


def set_pushes(turn: Turn, args: Args, _thing: Any) -> None:
    """Tell the team there, or each in private."""
    group = _group(turn, args)
    groups.enable(turn.session, group, pushes=bool(args["on"]), by=turn.by, at=turn.at)
    show_group(turn, group, again=True)


def unbind(turn: Turn, args: Args, _thing: Any) -> None:
    """The group belongs to nobody."""
    group = _group(turn, args)
    groups.unbind(turn.session, group, by=turn.by, at=turn.at)
    turn.menus = True
    show_group(turn, group, again=True)


def open_private(turn: Turn, args: Args, _thing: Any) -> None:
    """The whole message in the private chat of a colleague for whom it was meant."""
    row = turn.session.get_one(OutboxRow, args["row"])
    if turn.link.staff is None or row.audience not in turn.link.staff.roles:
        turn.not_allowed("open_private")
        return
    key = f"{row.key}:opened:{turn.link.chat_id}:{turn.update_id}"
    turn.session.add(OutboxRow(
        key=key, channel=OutboxChannel.CHAT, audience=row.audience, chat_id=turn.link.chat_id, email="",
        template=row.template, subject=row.subject, params=row.params, paper_id=row.paper_id, card=row.card,
        resend=row.resend, not_before=turn.at, created_at=turn.at,
    ))  # fmt: skip
    card = conversations.card_of(turn.session, chat_id=turn.link.chat_id, subject=row.subject)
    if row.card and card is not None:
        turn.session.delete(card)  # he asked for it now: it comes as a new message
    turn.toast = texts.answer("answered_in_private")


def notice(session: Session, row: OutboxRow, group: ChatGroup) -> Content | None:
    """What a group reads of a text that is not for all its members: that there is something, and a way to open it."""
    from bot.letters import thing_of

    if groups.may_read(group, row.template):
        return None
    thing = thing_of(session, row.subject)
    order = getattr(thing, "order", None) or thing
    reference = str(getattr(order, "reference", "") or "")
    customer = getattr(thing, "customer", None) or getattr(order, "customer", None)
    state = getattr(getattr(order, "state", None), "value", "") if reference else ""
    html = texts.render(
        "group_notice", team=texts.word(f"team_{group.role}") if group.role else "", reference=reference,
        customer=customer.name if customer is not None and reference else "",
        state=texts.word(state) if state else "",
    )  # fmt: skip
    return Content(html, [[Press("open_private", {"row": row.id})]])


ACTIONS: dict[str, tuple[str, Any]] = {
    "group_card": ("", show_card),
    "group_bind": ("", bind),
    "group_bind_customer": ("", bind),
    "group_customer": ("", ask_customer),
    "group_money": ("", set_money),
    "group_pushes": ("", set_pushes),
    "group_unbind": ("", unbind),
    "open_private": ("", open_private),
}
ANSWERS: dict[str, Any] = {"group_customer_words": customer_words}
COMMANDS: dict[str, Any] = {"group_card": run}
